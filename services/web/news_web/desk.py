"""What every route of ours works with, and what it does alike: language, questions, a page of trouble."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final, TypedDict
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from news_web.assets import Asset
from news_web.forwarding import Network
from news_web.interface import Interface, negotiate
from news_web.peers import Part, Peers, Questions
from news_web.rendering import Pen
from news_web.stories import moment_of

PAGE: Final = ("GET", "HEAD")

_TROUBLES: Final = {
    "missing": (HTTPStatus.NOT_FOUND, "not found"),
    "gone": (HTTPStatus.GONE, "gone"),
    "refused": (HTTPStatus.BAD_REQUEST, "wrong"),
    "unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "away"),
}


@dataclass(frozen=True)
class Limits:
    """How long a page waits, and how old an answer may be; see the settings."""

    part: timedelta
    page: timedelta
    fresh: timedelta
    cards: timedelta


@dataclass(frozen=True)
class Desk:
    """What the routes work with."""

    peers: Peers
    limits: Limits
    pen: Pen
    assets: Mapping[str, Asset]
    trusted: Sequence[Network]
    zone: ZoneInfo
    stopping: asyncio.Event


class WebState(TypedDict):
    """Opened by the lifespan."""

    desk: Desk


def desk_of(request: Request) -> Desk:
    """The desk that the lifespan opened."""
    desk: Desk = request.state.desk
    return desk


def interface_of(request: Request, fallback: str | None = None) -> Interface:
    """The interface in the language that the reader wants; ``fallback`` is that of what he reads."""
    accepted = request.headers.get("accept-language", "")
    language, chosen = negotiate(request.query_params.get("lang"), accepted, fallback)
    return Interface(language, chosen, desk_of(request).zone)


def questions_of(request: Request, interface: Interface) -> Questions:
    """What this page may ask, from now on."""
    desk = desk_of(request)
    limits = desk.limits
    return Questions(
        desk.peers,
        language=interface.language,
        part=limits.part,
        page=limits.page,
        fresh=limits.fresh,
        cards=limits.cards,
    )


def parameter(request: Request, name: str) -> str | None:
    """A parameter of the address; None also for an empty one."""
    return request.query_params.get(name) or None


def trouble(request: Request, interface: Interface, part: Part) -> Response:
    """A page that says why there is no other, and where to go on."""
    status, about = _TROUBLES[part.status]
    return desk_of(request).pen.page(
        request,
        "trouble.html",
        interface,
        status=status,
        headers={"Retry-After": "3"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None,
        code=int(status),
        about=about,
        reason=part.body.get("reason") if about == "gone" else None,
        when=moment_of(part.body.get("time")) if about == "gone" else None,
    )
