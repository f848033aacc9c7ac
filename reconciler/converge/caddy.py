"""What a namespace's Caddy is told: one rule for all that ever runs, so it needn't be told again.

A path holds the names of an execution and a component, and a port's number. The rule asks the
network for the host name that only a declared http port answers to (``manifest.routes``). So what
starts and ends changes no configuration, and nobody's connection is cut for a neighbour.

Nothing of a path reaches a host name but letters, digits and hyphens in their places, and no name
that ends so is known outside of the namespace's network: nobody can be led anywhere else.

Of each request that has ended its log holds the time, the status and whose it was: nothing else,
since paths and queries hold tokens. What is still open isn't there (``passage`` tells that).
"""

from __future__ import annotations

import json
from typing import Any

from reconciler.manifest import routes

PORT = 8080
"""Where Caddy listens in its container: no capability is needed for it."""

_NAME = "[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?"
_COMPONENT = "[a-z](?:[a-z0-9-]{0,18}[a-z0-9])?"
_TARGET = "[1-9][0-9]{0,4}"
_PARTS = f"/({_NAME})/({_COMPONENT})/({_TARGET})"
_TRAFFIC = "traffic"
_UNTOLD = (
    *("level", "logger", "msg", "user_id", "duration", "size", "bytes_read", "resp_headers"),
    *(
        f"request>{field}"
        for field in ("remote_ip", "remote_port", "proto", "method", "host", "headers", "tls")
    ),
)
_PLAIN = {"Content-Type": ["text/plain; charset=utf-8"]}
_LOST = "The gateway knows no such address: `zoe open` and the page of an execution tell its own.\n"
_NOT_UP = (
    "Nothing answers there now: the execution isn't up, or declares no such port with "
    "`app_protocol: http`. `zoe status NAMESPACE/NAME` says more.\n"
)

_Json = dict[str, Any]


def configuration() -> bytes:
    """Return Caddy's configuration: JSON, the same bytes each time."""
    server = {
        "listen": [f":{PORT}"],
        "automatic_https": {"disable": True},
        "routes": [
            _with_slash("kept", f"/{routes.KEPT}"),
            _with_slash("stripped", ""),
            _kept("keep"),
            _stripped("strip"),
            {"handle": [_answer(404, _LOST)]},
        ],
        "logs": {"default_logger_name": _TRAFFIC},
        "errors": {"routes": [{"handle": [_answer("{http.error.status_code}", _NOT_UP)]}]},
    }
    whole = {
        # Whoever runs in the namespace could reach it, and give other orders.
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN", "exclude": ["http.log"]}, **_access()}},
        "apps": {"http": {"servers": {"gateway": server}}},
    }
    return json.dumps(whole, indent=1, sort_keys=True).encode()


def _access() -> _Json:
    fields: _Json = {field: {"filter": "delete"} for field in _UNTOLD}
    # Whatever else was asked for becomes the empty text.
    fields["request>uri"] = {
        "filter": "regexp",
        "regexp": f"^((?:/{routes.KEPT})?{_PARTS})?.*$",
        "value": "$1",
    }
    encoder = {"format": "filter", "wrap": {"format": "json"}, "fields": fields}
    include = [f"http.log.access.{_TRAFFIC}"]
    return {_TRAFFIC: {"writer": {"output": "stdout"}, "include": include, "encoder": encoder}}


def _with_slash(name: str, prefix: str) -> _Json:
    """Send a path that ends with the port to the same with a slash, for links beside it."""
    location = {"Location": [f"{_path(name, prefix)}/"]}
    answer = {"handler": "static_response", "status_code": 308, "headers": location}
    return {"match": [_matching(name, f"^{prefix}{_PARTS}$")], "handle": [answer], "terminal": True}


def _kept(name: str) -> _Json:
    prefix = f"/{routes.KEPT}"
    return {
        "match": [_matching(name, f"^{prefix}{_PARTS}/")],
        "handle": [_proxy(name, prefix)],
        "terminal": True,
    }


def _stripped(name: str) -> _Json:
    path = _path(name, "")
    proxy = _proxy(name, "")
    # An application that knows nothing of the path sends browsers to places without it.
    proxy["headers"]["response"] = {
        "replace": {"Location": [{"search_regexp": "^/([^/].*)?$", "replace": f"{path}/$1"}]}
    }
    return {
        "match": [_matching(name, f"^{_PARTS}/")],
        "handle": [{"handler": "rewrite", "strip_path_prefix": path}, proxy],
        "terminal": True,
    }


def _proxy(name: str, prefix: str) -> _Json:
    execution, component, target = _captured(name)
    host = routes.upstream(execution=execution, component=component, target=target)
    return {
        "handler": "reverse_proxy",
        # The last dot: no search domain of the node is tried after it.
        "upstreams": [{"dial": f"{host}.:{target}"}],
        "headers": {"request": {"set": {"X-Forwarded-Prefix": [_path(name, prefix)]}}},
    }


def _path(name: str, prefix: str) -> str:
    return prefix + "".join(f"/{part}" for part in _captured(name))


def _captured(name: str) -> tuple[str, str, str]:
    execution, component, target = (f"{{http.regexp.{name}.{n}}}" for n in (1, 2, 3))
    return execution, component, target


def _matching(name: str, pattern: str) -> _Json:
    return {"path_regexp": {"name": name, "pattern": pattern}}


def _answer(status: int | str, text: str) -> _Json:
    return {"handler": "static_response", "status_code": status, "headers": _PLAIN, "body": text}
