"""What runs: type, services and secrets, of a ZApp with its parameters or an Execution's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from policy.model.execution import ApplicationType
from policy.model.resources import Resources
from reconciler.manifest.build import Attach, Builder
from reconciler.manifest.diagnostic import Problem
from reconciler.manifest.expand import Identity, expand
from reconciler.manifest.idleness import check as check_idle
from reconciler.manifest.idleness import idle_of, idle_terms, joined
from reconciler.manifest.rules import check_kept_logs, check_services
from reconciler.manifest.spec import ExecutionSpec, Service
from reconciler.manifest.terms import Terms
from reconciler.manifest.validate import check_resolved
from reconciler.manifest.zapps import SERVICES


@dataclass(frozen=True, slots=True)
class Application:
    """A ``spec:`` with type and services, the folder of its files, and its parameters."""

    value: Mapping[str, Any]
    attach: Attach
    parameters: Mapping[str, Any]

    def spec(
        self, terms: Terms, identity: Identity, reserved: Resources
    ) -> tuple[ExecutionSpec, list[Problem]]:
        """Return the neutral spec; it is worth nothing where there are problems."""
        type_ = ApplicationType(self.value["type"])
        services, problems = self._services(identity, reserved)
        if not problems:
            if terms.files:
                services = tuple(
                    replace(service, files=service.files + terms.files) for service in services
                )
            problems = check_services(services, type_, path=SERVICES)
        idle = joined(terms.idle, idle_terms(self.value, Builder(attach=self.attach)))
        if not problems:
            problems += check_kept_logs(terms.logs_kept_in, services)
            problems += check_idle(idle, type_, services, self.value.get("secrets", {}))
        if type_ is ApplicationType.BATCH and len(services) == 1:
            services = (replace(services[0], completes=True),)
        spec = ExecutionSpec(
            type=type_,
            services=services,
            priority=terms.priority,
            size=terms.size,
            lifetime_ms=terms.lifetime_ms,
            queue_timeout_ms=terms.queue_timeout_ms,
            after=terms.after,
            retries=terms.retries,
            reservation=terms.reservation,
            not_before=terms.not_before,
            idle=idle_of(idle),
            logs_kept_in=terms.logs_kept_in,
        )
        return spec, problems

    def is_same(
        self, identity: Identity, reserved: Resources, other: Identity, others: Resources
    ) -> bool:
        """Tell whether the services come out the same from either."""
        text = str(self.value["services"])
        if "{{" not in text or (reserved == others and "execution.commit" not in text):
            return True
        return self._expanded(identity, reserved) == self._expanded(other, others)

    def _expanded(
        self, identity: Identity, reserved: Resources
    ) -> tuple[dict[str, Any], list[Problem]]:
        return expand(
            self.value["services"],
            parameters=self.parameters,
            identity=identity,
            defaults=reserved,
            path=SERVICES,
        )

    def _services(
        self, identity: Identity, reserved: Resources
    ) -> tuple[tuple[Service, ...], list[Problem]]:
        services, problems = self._expanded(identity, reserved)
        if not problems:
            problems = self._check_changed(services)
        if problems:
            return (), problems
        builder = Builder(attach=self.attach)
        built = builder.services(services, self.value.get("secrets", {}), SERVICES)
        if "files" in self.value:
            shared = builder.files(self.value["files"], ("spec", "files"))
            built = tuple(replace(service, files=service.files + shared) for service in built)
        return built, builder.problems

    def _check_changed(self, services: Mapping[str, Any]) -> list[Problem]:
        """Check what expressions were replaced in; the rest has been checked as written."""
        written = self.value["services"]
        return [
            problem
            for name, service in services.items()
            if service != written[name]
            for problem in check_resolved("service", service, path=(*SERVICES, name))
        ]
