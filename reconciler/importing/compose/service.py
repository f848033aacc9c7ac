"""One service of a Compose file in the words of a manifest: from a list of what is kept.

What isn't on the list is told with what to write instead; nothing goes without a word but ``x-``
keys and what is so here anyway.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.importing.compose import amounts, deploy, mounts, ports
from reconciler.importing.compose.context import Context
from reconciler.importing.compose.reading import kind_of, plain_text
from reconciler.importing.images import note_private
from reconciler.importing.notes import ENCRYPT_IT, Refused
from reconciler.manifest.compose import refuse_service_key
from reconciler.manifest.diagnostic import quoted
from reconciler.review.masking import is_secret, is_secret_argument

# So here anyway, or said elsewhere in the file and read there.
_SILENT = frozenset(
    {"image", "build", "restart", "profiles", "extends", "expose", "init", "cap_drop"}
)
_CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")
_ENDS = frozenset({"no", "false", "on-failure"})
_IMAGE = re.compile(r"[A-Za-z0-9._:/@-]+")


def convert(value: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return a service; what isn't kept is noted.

    Raises:
        Refused: Its image isn't one.
    """
    service: dict[str, Any] = {"image": _image(value, context)}
    if ends(value) and not context.is_batch:
        message = f"{context.name} is started again when it ends, as everything that isn't a batch"
        context.notes.add(context.at("restart"), message)
    # What is merged comes last: links add to depends_on, in whatever order they stand there.
    for key, item in sorted(value.items(), key=lambda pair: pair[0] in _MERGED):
        if key.startswith("x-") or key in _SILENT or item is None:
            continue
        if key in _KEPT:
            new = _KEPT[key](item, context)
            if new is not None:
                service[key] = new
        elif key in _MERGED:
            _merge(service, _MERGED[key](item, context))
        else:
            _tell(key, item, context)
    return service


def ends(value: Mapping[str, Any]) -> bool:
    """Tell whether a service says that it isn't started again after it has ended well."""
    restart = value.get("restart")
    return restart is not None and plain_text(restart).partition(":")[0] in _ENDS


def _merge(service: dict[str, Any], parts: Mapping[str, Any]) -> None:
    """Add parts to a service: lists grow, mappings are filled, single values stay what they are."""
    for key, part in parts.items():
        held = service.get(key)
        if isinstance(part, list) and isinstance(held, dict):  # links, beside conditions
            service[key] = {**{name: {"condition": _CONDITIONS[0]} for name in part}, **held}
        elif isinstance(part, list):
            service[key] = [*(held or []), *(item for item in part if item not in (held or []))]
        elif isinstance(part, Mapping):
            _merge(service.setdefault(key, {}), part)
        elif part is not None:
            service.setdefault(key, part)


def _tell(key: str, item: Any, context: Context) -> None:
    refusal = refuse_service_key(key, item)
    if refusal is None:
        context.notes.dropped(context.at(key), "no key of Compose that is known here")
        return
    remedy = " ".join(refusal.remedy.split())
    reason, _, rest = remedy.partition(": ")
    if reason == "remove it" and rest:
        context.notes.dropped(context.at(key), rest)
    else:
        context.notes.dropped(context.at(key), "it isn't honoured here", remedy)


def _image(value: Mapping[str, Any], context: Context) -> str:
    image = value.get("image")
    if image is None or isinstance(image, (dict, list)) or not plain_text(image).strip():
        about = "What is built for this service, pushed where the nodes reach it"
        declaration = {"type": "string", "description": about}
        expression = context.variables.declare(f"{context.name} image", declaration)
        message = f"nothing is built here: the image of {context.name} is a parameter"
        remedy = "build and push it, and give its name as a default or in the execution"
        context.notes.add(context.at("build"), message, remedy)
        return expression
    if value.get("build") is not None:
        why = "nothing is built here"
        context.notes.dropped(context.at("build"), why, "push the image where the nodes reach it")
    text = context.text(image, "image").strip()
    plain = re.sub(r"\$\{\{.*?\}\}", "x", text)
    if not _IMAGE.fullmatch(plain):
        raise Refused(context.at("image"), f"{quoted(text)} isn't an image", "name an image")
    note_private(text, context.at("image"), context.notes)
    return text


def _arguments(key: str) -> Callable[[Any, Context], Any]:
    def arguments(value: Any, context: Context) -> Any:
        if isinstance(value, dict):
            context.refuse(value, "a command", key)
            return None
        items = value if isinstance(value, list) else _words(plain_text(value), key, context)
        if items is None:
            return None
        if any(is_secret_argument(plain_text(item)) for item in items):
            context.notes.add(context.at(key), "an argument looks like a secret", ENCRYPT_IT)
        if isinstance(value, str):
            return context.hosted(value, key)
        return [context.hosted(item, key, index) for index, item in enumerate(items)]

    return arguments


def _words(text: str, key: str, context: Context) -> list[str] | None:
    try:
        return shlex.split(text)
    except ValueError:
        context.notes.dropped(context.at(key), "a quote has no end", "write a list of arguments")
        return None


def _environment(value: Any, context: Context) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, item, place in context.pairs(value, "environment"):
        if item is None:
            why = f"{name} was taken from the shell that started Compose"
            context.notes.dropped(place, why, "write its value under environment:")
        elif isinstance(item, (dict, list)):
            context.notes.dropped(place, f"{kind_of(item)} isn't a value")
        else:
            text = context.hosted(item, *place[len(context.path) :], variable=name)
            found[name] = text
            if is_secret(name, text) and "{{" not in text:
                message = f"{name} looks like a secret, and whoever reads the repository reads it"
                context.notes.add(place, message, ENCRYPT_IT)
    return found


def _labels(value: Any, context: Context) -> dict[str, str]:
    return {
        name: context.text(item, *place[len(context.path) :])
        for name, item, place in context.pairs(value, "labels")
        if not isinstance(item, (dict, list))
    }


def _text(key: str) -> Callable[[Any, Context], str | None]:
    def text(value: Any, context: Context) -> str | None:
        if isinstance(value, (dict, list)):
            context.refuse(value, "a text", key)
            return None
        return context.text(value, key)

    return text


def _dependencies(value: Any, context: Context) -> Any:
    """Return the services that come first, without those that weren't imported."""
    wanted = (
        value
        if isinstance(value, dict)
        else dict.fromkeys(
            plain_text(item)
            for item in context.items(value, "depends_on")
            if not isinstance(item, (dict, list))
        )
    )
    found: dict[str, str] = {}
    for name, item in wanted.items():
        own = context.services.known(name)
        if own is None or own == context.services.known(context.name):
            context.notes.dropped(context.at("depends_on", name), "there is no such service here")
            continue
        condition = item.get("condition") if isinstance(item, dict) else None
        found[own] = _condition(plain_text(condition), name, context)
    if not any(found.values()):
        return list(found) or None
    return {
        name: {"condition": condition or "service_started"} for name, condition in found.items()
    }


def _condition(condition: str, name: str, context: Context) -> str:
    if condition not in _CONDITIONS:
        return ""
    if condition == _CONDITIONS[2] and not context.is_batch:
        context.notes.add(
            context.at("depends_on", name, "condition"),
            f"{name} is waited for until it runs: what ends is started again unless --type batch",
            "make it an execution of its own, and wait with after: [{name: ..., when: succeeded}]",
        )
        return _CONDITIONS[0]
    return condition


def _healthcheck(value: Any, context: Context) -> dict[str, Any] | None:
    check = context.mapping(value, "healthcheck")
    test = check.get("test")
    if check.get("disable") is True or test in (["NONE"], "NONE"):
        why = "a check of the image's own can't be switched off"
        context.notes.dropped(context.at("healthcheck"), why)
        return None
    if isinstance(test, dict) or not test:
        why = "it has no test, and the image's own isn't known here"
        context.notes.dropped(context.at("healthcheck"), why, "write test: [CMD, ...]")
        return None
    found: dict[str, Any] = {
        "test": [context.text(item, "healthcheck", "test", i) for i, item in enumerate(test)]
        if isinstance(test, list)
        else context.text(test, "healthcheck", "test")
    }
    for key in ("interval", "timeout", "start_period"):
        found[key] = context.measured(
            amounts.duration, check.get(key), "healthcheck", key, what="a length of time"
        )
    found["retries"] = context.measured(
        amounts.count, check.get("retries"), "healthcheck", "retries", what="a count"
    )
    for key in sorted(check.keys() - found.keys() - {"disable"}):
        if not key.startswith("x-"):
            context.notes.dropped(context.at("healthcheck", key), "it isn't honoured here")
    return {key: item for key, item in found.items() if item is not None}


def _ulimits(value: Any, context: Context) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, limit in context.mapping(value, "ulimits").items():
        if isinstance(limit, dict):
            found[name] = {key: _limit(limit.get(key)) for key in ("soft", "hard")}
        else:
            found[name] = _limit(limit)
    return found


def _limit(value: Any) -> Any:
    text = plain_text(value)
    return int(text) if re.fullmatch("-?[0-9]{1,12}", text) else text


def _links(value: Any, context: Context) -> dict[str, Any]:
    """Return what links come to: an order. Their names are known as hosts."""
    names = [plain_text(item).partition(":")[0] for item in context.items(value, "links")]
    return {"depends_on": _dependencies(names, context) or []}


_KEPT: Mapping[str, Callable[[Any, Context], Any]] = {
    "command": _arguments("command"),
    "entrypoint": _arguments("entrypoint"),
    "environment": _environment,
    "user": _text("user"),
    "working_dir": _text("working_dir"),
    "depends_on": _dependencies,
    "healthcheck": _healthcheck,
    "ports": ports.convert,
    "secrets": mounts.secrets,
    "labels": _labels,
    "ulimits": _ulimits,
    "shm_size": lambda value, context: context.measured(
        amounts.memory, value, "shm_size", what="an amount of memory"
    ),
    "stop_grace_period": lambda value, context: context.measured(
        amounts.duration, value, "stop_grace_period", what="a length of time"
    ),
}
_MERGED: Mapping[str, Callable[[Any, Context], Mapping[str, Any]]] = {
    "volumes": mounts.convert,
    "tmpfs": lambda value, context: {"tmpfs": mounts.in_memory(value, context)},
    "configs": lambda value, context: {"files": mounts.configs(value, context)},
    "links": _links,
    "deploy": deploy.convert,
    **deploy.SHORT,
}
