"""What a beacon is answered, whichever way it came in."""

from collections.abc import Mapping
from typing import Final

import structlog
from starlette.responses import Response

from news_shared.article_ids import ArticleId
from news_shared.errors import OverloadError, TransientError
from news_shared.problems import AT_CAPACITY, INTERNAL, UNAVAILABLE, ProblemError
from news_views.beacons.metrics import BeaconMetrics

log = structlog.get_logger()

ACCEPTED_STATUS: Final = 202
ACCEPTED_HEADERS: Final = [
    (b"access-control-allow-origin", b"*"),
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"content-length", b"50"),  # an article id has 36 characters
]


def accepted_body(article: ArticleId) -> bytes:
    """The body beside `ACCEPTED_HEADERS`."""
    return b'{"article":"%s"}' % article.encode()


def refusal(error: Exception, metrics: BeaconMetrics) -> Response:
    """Count a beacon that was not taken, and say why; pages of any origin may read it."""
    if isinstance(error, ProblemError):
        metrics.beacon("refused" if error.problem.status == 429 else "invalid")
        return error.problem.response(error.detail, _with_any_origin(error.headers), **error.extra)
    if isinstance(error, OverloadError):
        metrics.beacon("overload")
        return AT_CAPACITY.response(f"{error}. Repeating it is safe.", _with_any_origin({"Retry-After": "1"}))
    if isinstance(error, TransientError):
        metrics.beacon("unavailable")
        detail = "Kafka or Redis is away for the moment. Repeating the request is safe."
        return UNAVAILABLE.response(detail, _with_any_origin({"Retry-After": "2"}))
    log.error("beacon failed", exc_info=error)
    return INTERNAL.response("This is a bug of ours; it is in the log.", _with_any_origin(None))


def _with_any_origin(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {**(headers or {}), "Access-Control-Allow-Origin": "*"}
