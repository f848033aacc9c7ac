# make demo      set up and show Zoe at work          (ARGS="..." goes to the demo)
# make test      set up, lint, all tests on real parts (ARGS="..." goes to pytest)
# make test-zapps the ZApps with their real images on a lab, minutes (ARGS="..." goes to pytest)
# make test-stack deploy/stack.yaml on a lab: installed, upgraded, restored; minutes
# make test-pure unit tests: no Docker, no database    (ARGS="..." goes to pytest)
# make lint      ruff and mypy
# make chaos     break real parts, ROUNDS=n times      (ARGS="..." goes to tests/safety/chaos)
# make fuzz      mutated manifests and requests; CASES=n  (ARGS="--seed 2 --record" goes to it)
# make mutations takes out each guard: a test must notice, long (ARGS="depth" = that one only)
# make simulate-faults SEEDS=n  the loop in a world of faults, that many seeds (FIRST=k: from there)
# make bench     the benchmarks' short forms, minutes  (ARGS="--record", or names of some)
# make bench-long their long forms, hours              (ARGS the same)
# make sbom      dist/zoe.cdx.json: what zoe runs with, for scanners (CycloneDX)
# make licenses  docs/licenses.md, from what is installed
# make audit     known vulnerabilities of the locked requirements (asks PyPI's service: needs a network)
# make workflows the forges' files against their schemas
# make wheel     dist/*.whl, the same bytes for the same commit
# make schema    what is derived of schema/v1: the editors' twin in examples/repository
# make lock      renew the locked requirements (needs uv)
# make clean     remove what the others made

SHELL := /bin/bash
.DEFAULT_GOAL := test
.PHONY: demo test test-zapps test-stack test-pure lint chaos fuzz mutations simulate-faults bench \
	bench-long sbom licenses audit workflows wheel schema lock clean
CASES ?= 20000
SEEDS ?= 1000
FIRST ?= 1
MAKEFLAGS += --no-print-directory
# Containers often set it; then each of a thousand processes compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE
COMPILE := uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --no-header

demo:
	@.ci/setup demo
	@.venv/bin/python -m reconciler demo --dir .state $(ARGS)

test:
	@.ci/setup test
	@.ci/check all $(ARGS)

# One after another: what they start fills the machine. All that is printed is kept.
test-zapps:
	@.ci/setup test
	@mkdir -p .state
	@set -o pipefail; .venv/bin/python -m pytest -m zapps -rA --durations 0 tests/zapps $(ARGS) \
		2>&1 | tee .state/test-zapps.log

# Not part of `test`: two images of packages are built for it, and loaded into three engines.
test-stack:
	@.ci/setup test
	@.venv/bin/python -m pytest -m stack tests/e2e/test_stack.py $(ARGS)

test-pure:
	@.ci/setup pure
	@.ci/check test tests/unit $(wildcard tests/test_layering.py) $(ARGS)

lint:
	@.ci/setup pure
	@.ci/check lint

ROUNDS ?= 20

chaos:
	@.ci/setup test
	@.venv/bin/python -m tests.safety.chaos --rounds $(ROUNDS) $(ARGS)
fuzz:
	@.ci/setup test
	@.venv/bin/python -m tests.safety.fuzz --cases $(CASES) $(ARGS)

mutations:
	@.ci/setup test
	@.venv/bin/python -m tests.safety.mutations $(ARGS)

bench:
	@.ci/setup test
	@.venv/bin/python -m benchmarks $(ARGS)

bench-long:
	@.ci/setup test
	@.venv/bin/python -m benchmarks --long $(ARGS)

simulate-faults:
	@.ci/setup pure
	@.venv/bin/python -m tests.safety.simulation --seeds $(SEEDS) --first $(FIRST) $(ARGS)

# Tools of a release, apart from what the tests run with.
SUPPLY := .state/supply
$(SUPPLY)/stamp: requirements/supply.txt
	@python3 -m venv --clear $(SUPPLY)
	@$(SUPPLY)/bin/pip install --quiet --no-compile --require-hashes -r $<
	@touch $@

sbom: $(SUPPLY)/stamp
	@mkdir -p dist
	@PYTHONWARNINGS=ignore $(SUPPLY)/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application \
		--output-reproducible --output-format JSON --output-file dist/zoe.cdx.json \
		requirements/core.txt
	@$(SUPPLY)/bin/python .ci/sbom dist/zoe.cdx.json

licenses:
	@.ci/setup pure
	@.venv/bin/python .ci/licenses >.state/licenses.md
	@mv .state/licenses.md docs/licenses.md

# Strict: what it cannot ask about is a failure, else "nothing found" would mean that nobody looked.
audit: $(SUPPLY)/stamp
	@code=0; $(SUPPLY)/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off \
		-r requirements/core.txt -r requirements/build.txt $(ARGS) 2>.state/audit.log || code=$$?; \
	tail -n 1 .state/audit.log >&2; \
	! grep -q 'could not be audited\|Connect' .state/audit.log || \
		echo "== Nothing was found out: pypi.org, which knows of vulnerabilities, didn't answer." \
			"Run it where it can be reached; a mirror of packages won't do." >&2; \
	exit $$code

workflows: $(SUPPLY)/stamp
	@$(SUPPLY)/bin/check-jsonschema --builtin-schema vendor.github-workflows \
		.github/workflows/*.yml
	@$(SUPPLY)/bin/check-jsonschema --builtin-schema vendor.github-actions deploy/github/action.yml

wheel:
	@.ci/setup pure
	@mkdir -p dist
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) .venv/bin/python -m pip wheel --quiet \
		--no-deps --no-build-isolation --no-index --wheel-dir dist .
	@sha256sum dist/*.whl

schema:
	@.ci/setup pure
	@.venv/bin/python -c 'from pathlib import Path; from reconciler.cli import init; \
		init.write_schema(Path("examples/repository"))'

lock:
	$(COMPILE) pyproject.toml --output-file requirements/core.txt
	$(COMPILE) pyproject.toml --extra test --output-file requirements/test.txt
	printf 'check-jsonschema>=0.31\ncyclonedx-bom>=7,<8\npip-audit>=2.9,<3\n' | \
		$(COMPILE) - --output-file requirements/supply.txt
	printf 'hatchling>=1.27\neditables\n' | $(COMPILE) - --output-file requirements/build.txt

clean:
	rm -rf .venv .state .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
	find . -name __pycache__ -prune -exec rm -rf {} +
