"""HTML out of templates, with the headers that every page has."""

import hashlib
from collections.abc import Callable, Hashable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from news_shared.clock import Clock
from news_shared.languages import primary_language
from news_shared.recently_used import RecentlyUsed
from news_shared.themes import theme_slug
from news_web.assets import Asset
from news_web.interface import Interface, direction, own_name
from news_web.messages import LANGUAGES
from news_web.stories import web_address

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' https: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
IS_COUNTED: Final = "newsfeed-count"
"""The one cookie that there is: ``no`` for a reader who does not want to be counted."""

PAGE_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",  # a withdrawn story must vanish within a second
    "Vary": "Accept-Language, Cookie",
}


_KEPT: Final = ("window", "language", "cursor")
"""Parameters of an address that make another page of it."""

_KEPT_BYTES: Final = 16 * 2**20
_COUNT_SLOT: Final = b"<!--views-->"
"""Where the count comes; no article can say it, since comments are not let through."""


def is_counted(request: Request) -> bool:
    """Whether the reader lets his views be counted, as far as a cookie of his says."""
    return IS_COUNTED not in request.headers.get("cookie", "") or request.cookies.get(IS_COUNTED) != "no"


class Pen:
    """Writes pages.

    Args:
        title: name of the paper.
        assets: by file name.
        clock: for the date in the masthead.
        public_url: of the site as the world knows it; None where each request says it.
    """

    def __init__(self, *, title: str, assets: Mapping[str, Asset], clock: Clock, public_url: str | None) -> None:
        self.title = title
        self._clock = clock
        self._public_url = public_url
        self._kept: RecentlyUsed[Hashable, bytes] = RecentlyUsed(_KEPT_BYTES, len)
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(
            site=title,
            asset={name: asset.path for name, asset in assets.items()},
            direction=direction,
            own_name=own_name,
            primary=primary_language,
            theme_slug=theme_slug,
            web_address=web_address,
            languages=LANGUAGES,
        )

    def page(
        self,
        request: Request,
        template: str,
        interface: Interface,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
        **content: object,
    ) -> Response:
        """A page in the reader's language; 304 when he has exactly this one."""
        html = self._html(request, template, interface, content).encode()
        return _answer(request, interface, html, status, headers)

    def article(
        self,
        request: Request,
        interface: Interface,
        *,
        count: int | None,
        version: Hashable | None,
        content: Callable[[], Mapping[str, object]],
    ) -> Response:
        """An article's page; what is not the count is written once as long as nothing of it changes.

        Args:
            request: of the reader.
            interface: in his language.
            count: of views, which changes all the time.
            version: differs whenever the content does; None when that cannot be said.
            content: what the template needs, asked for when it has to be written.
        """
        where = (self.origin(request), request.url.path, *_query(request))
        about = (version, where, interface, is_counted(request), interface.day(self._clock()))
        html = self._kept.find(about) if version is not None else None
        if html is None:
            html = self._html(request, "article.html", interface, content()).encode()
            if version is not None:
                self._kept.keep(about, html)
        shown = self._templates.get_template("_count.html").render(ui=interface, count=count)
        return _answer(request, interface, html.replace(_COUNT_SLOT, shown.encode()), HTTPStatus.OK, None)

    def origin(self, request: Request) -> str:
        """Address of the site as the world knows it, without a slash at its end."""
        return (self._public_url or str(request.base_url)).rstrip("/")

    def _html(self, request: Request, template: str, interface: Interface, content: Mapping[str, object]) -> str:
        return self._templates.get_template(template).render(
            ui=interface,
            link=_linker(interface),
            here=request.url.path,
            query=_query(request),
            origin=self.origin(request),
            address=_address,
            is_counted=is_counted(request),
            today=self._clock().astimezone(interface.zone),
            **content,
        )


def _answer(
    request: Request, interface: Interface, body: bytes, status: HTTPStatus, headers: Mapping[str, str] | None
) -> Response:
    etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    every = {**PAGE_HEADERS, "Content-Language": interface.language, **(headers or {})}
    if status == HTTPStatus.OK:
        every["ETag"] = etag
        if etag in {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=every)
    return Response(body, status, every, "text/html; charset=utf-8")


def _query(request: Request) -> list[tuple[str, str]]:
    return [(name, value) for name, value in request.query_params.multi_items() if name in _KEPT]


def _linker(interface: Interface) -> Callable[..., str]:
    """Makes addresses of our pages that keep the language which the reader chose."""

    def link(path: str, **query: str | None) -> str:
        chosen = {name: value for name, value in query.items() if value is not None}
        if interface.chosen:
            chosen["lang"] = interface.language
        return _address(path, list(chosen.items()))

    return link


def _address(path: str, query: list[tuple[str, str]]) -> str:
    here = "/" + path.lstrip("/")  # two slashes would lead to another site
    return quote(here, safe="/:@!$&'()*+,;=-._~") + (f"?{urlencode(query)}" if query else "")
