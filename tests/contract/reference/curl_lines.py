"""A curl line for each call, that can be run against ``newsfeed up`` and its sample newsroom."""

import json
import shlex
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from newsfeed.roles import ROLES

ADDRESSES: Final = {
    role.name.removesuffix("-api"): f"http://127.0.0.1:{8000 + role.offset}"
    for role in ROLES
    if role.stage != "writers"
}
"""Of each service that `newsfeed up` starts."""

_SAMPLE: Final = "newsroom:harbour-fire-1-en"
_OTHER: Final = "newsroom:harbour-fire-2-en"
_POSTED: Final = "herald:ferry-timetable"
"""What the line that posts an article posts."""
_IN_PATHS: Final = {"article": _SAMPLE, "other": _OTHER, "source": "gazette", "slug": "harbour"} | {
    "key": "KEY",
    "token": "TOKEN",
}
_AUTHORIZED: Final = "Authorization: Bearer dev"
_BY_URL: Final = {"url": "https://newsroom.example/en/sarnavik-grain-terminal-fire"}
_QUERIES: Final[dict[str, dict[str, Any]]] = {
    "post /v1/articles": {"source": "herald"},
    "delete /v1/articles/{article}": {"reason": "written by mistake"},
    "post /v1/sources/discover": {"url": "https://herald.example/"},
    "get /v1/websub/{source}/{token}": {
        "hub.mode": "subscribe",
        "hub.topic": "https://herald.example/feed.xml",
        "hub.challenge": "42",
    },
    "post /v1/views/imports": {"origin": "old-site"},
    "get /v1/views": {"article": [_SAMPLE, _OTHER]},
    "get /v1/views/live": {"article": [_SAMPLE, _OTHER]},
    "get /v1/duplicates/among": {"article": [_SAMPLE, _OTHER]},
    "get /v1/articles/{article}/views/series": {"interval": "hour"},
    "get /v1/trending": {"window": "24h", "limit": 10},
    "get /v1/most-read": {"window": "7d", "theme": "harbour"},
    "get /v1/pixel.gif": {"article": _SAMPLE},
    "get /v1/articles/{article}/views.svg": {"language": "uk"},
    "get /v1/articles/{article}/related": {"limit": 5, "language": "uk"},
    "get /v1/themes/{slug}": {"limit": 5},
    "get /v1/graph": {"article": _SAMPLE, "depth": 1, "format": "dot"},
    "get /v1/articles": {"theme": "harbour", "limit": 5},
    "get /v1/stream": {"theme": "harbour"},
    "get /feed.json": {"theme": "harbour"},
    "get /feed.atom": {"language": "uk"},
}
_ABOUT: Final = {
    "get /v1/articles/{article}/outcome": _POSTED,
    "delete /v1/articles/{article}": _POSTED,
    "post /v1/articles/{article}/restore": _POSTED,
}
_OPML: Final = (
    '<opml version="2.0"><body><outline text="The River" xmlUrl="https://river.example/feed.xml"/></body></opml>'
)
_NOW: Final = "'$(date -u +%FT%TZ)'"
_SERVER_LINE: Final = (
    f'{{"article": "{_SAMPLE}", "time": "{_NOW}", "ip": "192.0.2.7", "user_agent": "Mozilla/5.0 (X11) Firefox/143.0"}}'
)
_BODIES: Final = {
    "post /v1/views": shlex.quote(json.dumps({"article": _SAMPLE})),
    "post /v1/views/imports": shlex.quote(json.dumps({"article": _SAMPLE, "day": "2025-06-30", "views": 41})),
    "post /v1/views/batch": f"'{_SERVER_LINE}'",
    "put /v1/articles/{article}/curation/{other}": shlex.quote(json.dumps({"kind": "pin", "note": "The same fire"})),
    "post /v1/sources.opml": shlex.quote(_OPML),
}

_WIDE: Final = 110

EXEMPT: Final = {
    "post /v1/sources/{source}/keys/{key}/rotate": "only the call that made the key tells its id",
    "delete /v1/sources/{source}/keys/{key}": "only the call that made the key tells its id",
    "post /v1/sources/discover": "the site is made up",
    "get /v1/websub/{source}/{token}": "hubs alone know the token",
    "post /v1/websub/{source}/{token}": "hubs alone know the token",
}
"""Calls whose line cannot be run as it stands, and why."""


class Call(NamedTuple):
    """One operation of a service's document."""

    service: str
    method: str
    path: str
    operation: dict[str, Any]
    schemas: dict[str, dict[str, Any]]
    """Of the document, by name."""

    @property
    def name(self) -> str:
        """As it is named here."""
        return f"{self.method} {self.path}"


def curl_line(call: Call) -> str:
    """The command; a long one in several lines.

    Raises:
        KeyError: a call has a part that nobody gave an example of: write it above.
    """
    operation, method = call.operation, call.method
    parts = ["curl"]
    if any("text/event-stream" in answer.get("content", {}) for answer in operation["responses"].values()):
        parts.append("-N")
    content = operation.get("requestBody", {}).get("content", {})
    if method not in {"get", "post"} or (method == "post" and not content):
        parts += ["-X", method.upper()]
    parts.append(shlex.quote(ADDRESSES[call.service] + _filled(call)))
    if any(parameter["name"] == "authorization" for parameter in operation.get("parameters", ())):
        parts += ["-H", shlex.quote(_AUTHORIZED)]
    if content:
        parts += _body(call, content)
    line = " ".join(parts)
    return line if len(line) <= _WIDE else line.replace(" -H ", " \\\n  -H ").replace(" --data", " \\\n  --data")


def _filled(call: Call) -> str:
    path, query = call.path, dict(_QUERIES.get(call.name, {}))
    for parameter in call.operation.get("parameters", ()):
        name = parameter["name"]
        if parameter["in"] == "path":
            value = _ABOUT.get(call.name, _IN_PATHS[name]) if name == "article" else _IN_PATHS[name]
            path = path.replace(f"{{{name}}}", quote(value, safe=":"))
        elif parameter["in"] == "query" and name == "url" and not query:
            query = dict(_BY_URL)
        elif parameter["in"] == "query" and parameter.get("required"):
            assert name in query, f"{call.name} needs an example of {name} in {__name__}"
    return f"{path}?{urlencode(query, doseq=True, safe=':/')}" if query else path


def _body(call: Call, content: dict[str, Any]) -> list[str]:
    media_type = "application/json" if "application/json" in content else next(iter(content))
    body = _BODIES.get(call.name)
    if body is None:
        body = shlex.quote(json.dumps(_example(content[media_type], call.schemas), ensure_ascii=False))
    return ["-H", shlex.quote(f"Content-Type: {media_type}"), "--data-binary", body]


def _example(of: dict[str, Any], schemas: dict[str, dict[str, Any]]) -> object:
    if "example" in of:
        return of["example"]
    schema = of["schema"]
    name = next(iter(schema.get("anyOf", ())), schema)["$ref"].rpartition("/")[2]
    return schemas[name]["examples"][0]
