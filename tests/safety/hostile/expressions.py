"""What is worked out rather than written: expressions, parameters, sets and matrices."""

from __future__ import annotations

from collections.abc import Iterator

from tests.safety.hostile.case import Case, accepted, document, refused, service, spec, variable

SET = """\
apiVersion: zoe/v1
kind: ExecutionSet
metadata: {name: NAME}
spec:
  %s
  template:
    spec:
      type: batch
      services: {main: {image: busybox, environment: {X: "%s"}}}
"""


def cases() -> Iterator[Case]:
    yield from _expressions()
    yield from _places()
    yield from _parameters()
    yield from _sets()
    yield from _wide_sets()


_BAD = {
    "python": "__import__('os').system('id')",
    "attribute": "execution.__class__",
    "dunder": "parameters.__init__",
    "call": "str(1)",
    "string": "'a'",
    "float": "1.5 * 2",
    "power": "2 ** 99",
    "shift": "1 << 99",
    "divide": "4 / 2",
    "divide-zero": "4 // 0",
    "index": "services.main[0]",
    "lambda": "lambda: 1",
    "unknown": "execution.nothing",
    "environment": "env.PATH",
    "secrets": "secrets.token",
    "item": "item.x",
    "matrix": "matrix.x",
    "empty": "",
    "nested": "${{ 1 }}",
    "service": "services.other.host",
    "overflow": "9223372036854775807 * 9223372036854775807",
    "mixed": "1 + execution.name",
    "unary": "+ + 1",
    "backtick": "`id`",
    "semicolon": "1; 2",
}


def _expressions() -> Iterator[Case]:
    for name, text in _BAD.items():
        yield refused(
            f"expression-{name}",
            variable(f'‸"${{{{ {text} }}}}"'),
            _CODES.get(name, "BadExpression"),
        )
    yield refused("expression-open", variable('‸"${{ 1"'), "BadExpression")
    yield refused("expression-open-inner", variable('‸"${{ 1 }"'), "BadExpression")
    for name, (text, value) in {
        "sum": ("a${{ 1 + 2 * 3 }}", "a7"),
        "minus": ("${{ 7 // 2 }}", "3"),
        "name": ("${{ execution.name }}", "expression-good-name"),
        "shell": ("$(( 1 + 2 )) $X ${X}", "$(( 1 + 2 )) $X ${X}"),
        "github": ("$ {{".replace(" {{", "{ {"), "${ {"),
    }.items():
        yield accepted(
            f"expression-good-{name}",
            variable(f'"{text}"'),
            "spec.services.0.environment",
            (("X", value),),
        )


_CODES = {
    "attribute": "UnknownName",
    "dunder": "UnknownName",
    "call": "UnknownName",
    "divide-zero": "DividedByZero",
    "unknown": "UnknownName",
    "environment": "UnknownName",
    "secrets": "UnknownName",
    "item": "UnknownName",
    "matrix": "UnknownName",
    "service": "UnknownName",
    "overflow": "NumberTooLarge",
    "mixed": "NotAnInteger",
}


def _places() -> Iterator[Case]:
    """Nothing replaces an expression where a name, a place or a permission is decided."""
    yield refused("expression-run", spec('run: ‸"${{ 1 }}"'), "ExpressionNotAllowedHere")
    yield refused(
        "expression-zapp", spec('zapp: ‸"${{ execution.name }}"'), "ExpressionNotAllowedHere"
    )
    yield refused(
        "expression-priority",
        spec('priority: ‸"${{ execution.name }}"'),
        "ExpressionNotAllowedHere",
    )
    yield refused(
        "expression-profile", service('security_profile: ‸"${{ execution.name }}"'), "BadFormat"
    )
    yield refused("expression-image", service('image: ‸"${{ 1 }}x!"'), "BadFormat")
    yield refused("expression-replicas", service('replicas: ‸"${{ 0 }}"'), "OutOfRange")
    yield refused(
        "expression-replicas-text", service('replicas: ‸"${{ execution.name }}"'), "WrongType"
    )
    yield refused(
        "expression-target",
        service('tmpfs: [{target: ‸"/proc/${{ execution.name }}"}]'),
        "BadTarget",
    )
    yield accepted(
        "expression-good-replicas",
        service('replicas: "${{ 1 + 1 }}"'),
        "spec.services.0.maximum",
        2,
    )


_ZAPP = document(
    "ZApp",
    "NAME",
    """type: batch
parameters:
  n: {type: integer, default: 1, minimum: 1, maximum: 4}
  s: {type: string, default: x}
  m: {type: quantity, default: 1GiB, maximum: 2GiB}
  e: {type: enum, values: [a, b], default: a}
services:
  main:
    image: busybox
    environment: {S: "${{ parameters.s }}"}
    resources: {reservations: {memory: "${{ parameters.m }}"}}
    replicas: "${{ parameters.n }}\"""",
)


def _parameters() -> Iterator[Case]:
    beside = {"zapps/NAME/zapp.yaml": _ZAPP}
    for name, (text, code) in {
        "over": ("n: ‸5", "OutOfRange"),
        "below": ("n: ‸-1", "OutOfRange"),
        "text": ("n: ‸x", "WrongType"),
        "float": ("n: ‸1.0", "WrongType"),
        "unknown": ("‸evil: 1", "UnknownParameter"),
        "quantity": ("m: ‸3GiB", "OutOfRange"),
        "quantity-huge": ("m: ‸99999999TiB", "OutOfRange"),
        "enum": ("e: ‸c", "BadValue"),
        "braces": ('s: ‸"{{.Node.ID}}"', "BareBraces"),
        "list": ("s: ‸[a]", "WrongType"),
        "mapping": ("s: ‸{a: b}", "WrongType"),
        "expression": ('s: ‸"${{ execution.uid }}"', "ExpressionNotAllowedHere"),
    }.items():
        slug = f"parameter-{name}"
        head = document("Execution", "NAME", f"zapp: {slug}\nparameters: {{{text}}}")
        yield refused(slug, head, code, beside=beside)
    good = document("Execution", "NAME", 'zapp: NAME\nparameters: {n: 4, s: "$X; id"}')
    place = "spec.services.0.environment"
    yield accepted("parameter-good", good, place, (("S", "$X; id"),), beside=beside)


def _sets() -> Iterator[Case]:
    for name, (items, text, code) in {
        "twice": ("items: [a, ‸a]", "x", "DuplicateItem"),
        "empty": ("items: ‸[]", "x", "TooFew"),
        "nested": ("items: [‸[a]]", "x", "WrongType"),
        "no-key": ("items: [‸{x: 1}]", "x", "MissingKey"),
        "axis": ('matrix: {‸"a b": [1]}', "x", "BadFormat"),
        "axis-empty": ("matrix: {a: ‸[]}", "x", "TooFew"),
        "all-excluded": ("‸matrix: {a: [1], exclude: [{a: 1}]}", "x", "TooFew"),
        "both": ("items: [a]\n  ‸matrix: {a: [1]}", "x", "Contradiction"),
        "neither": ("parallel: 1", "x", "MissingKey"),
        "parallel": ("items: [a]\n  parallel: ‸0", "x", "OutOfRange"),
        "repeat": ("items: [a]\n  repeat: ‸forever", "x", "BadValue"),
        "swapped": ("‸items: {from: 2, to: 1}", "x", "TooFew"),
        "step": ("items: {from: 1, to: 2, step: ‸0}", "x", "OutOfRange"),
    }.items():
        whole = SET % (items, text)
        whole = whole if "‸" in whole else whole.replace("spec:", "‸spec:", 1)
        yield refused(f"set-{name}", whole, code)
    unknown = (SET % ("items: [a]", "${{ item.other }}")).replace('"${{', '‸"${{')
    yield refused("set-unknown", unknown, "UnknownName")
    for name, item in {"case": "A", "traversal": "../a", "blank": '" a "'}.items():
        yield accepted(
            f"set-good-{name}", SET % (f"items: [{item}]", "x"), "name", f"set-good-{name}-a"
        )
    yield accepted("set-good", SET % ("items: [a, b]", "${{ item.key }}"), "count", 2)
    yield accepted(
        "set-good-matrix", SET % ("matrix: {a: [1, 2], b: [3, 4]}", "${{ matrix.a }}"), "count", 4
    )
    other = (SET % ("items: [a]", "x")).replace(
        "  template:\n", "  template:\n    namespace: ‸other\n"
    )
    yield refused("set-other-namespace", other, "NotTheFolder")


def _wide_sets() -> Iterator[Case]:
    """Sets over many namespaces are the operator's."""
    for name, (namespace, code) in {
        "undeclared": ("nobody", "UnknownNamespace"),
        "path": ("‸../other", "BadFormat"),
        "computed": ('"${{ item.key }}"', "UnknownNamespace"),
    }.items():
        text = document(
            "ExecutionSet",
            "NAME",
            f"items: [a]\ntemplate:\n  namespace: {namespace}\n"
            "  spec: {type: batch, services: {main: {image: busybox}}}",
        )
        text = text if "‸" in text else text.replace("[a]", "[‸a]")
        yield refused(f"wide-{name}", text, code, path=f"sets/wide-{name}.yaml")
