"""HTML out of templates, with the headers that every page has."""

import hashlib
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from news_shared.clock import Clock
from news_shared.themes import theme_slug
from news_web.assets import Asset
from news_web.interface import Interface, own_name, primary
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
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
PAGE_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",  # a withdrawn story must vanish within a second
    "Vary": "Accept-Language",
}


class Pen:
    """Writes pages.

    Args:
        title: name of the paper.
        assets: by file name.
        clock: for the date in the masthead.
    """

    def __init__(self, *, title: str, assets: Mapping[str, Asset], clock: Clock) -> None:
        self._clock = clock
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
            own_name=own_name,
            primary=primary,
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
        html = self._templates.get_template(template).render(
            ui=interface,
            link=_linker(interface),
            here=request.url.path,
            query=[(name, value) for name, value in request.query_params.multi_items() if name != "lang"],
            address=_address,
            today=self._clock(),
            **content,
        )
        body = html.encode()
        etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        every = {**PAGE_HEADERS, "Content-Language": interface.language, **(headers or {})}
        if status == HTTPStatus.OK:
            every["ETag"] = etag
            if etag in {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}:
                return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=every)
        return Response(body, status, every, "text/html; charset=utf-8")


def _linker(interface: Interface) -> Callable[..., str]:
    """Makes addresses of our pages that keep the language which the reader chose."""

    def link(path: str, **query: str | None) -> str:
        chosen = {name: value for name, value in query.items() if value is not None}
        if interface.chosen:
            chosen["lang"] = interface.language
        return _address(path, list(chosen.items()))

    return link


def _address(path: str, query: list[tuple[str, str]]) -> str:
    return quote(path, safe="/:@!$&'()*+,;=-._~") + (f"?{urlencode(query)}" if query else "")
