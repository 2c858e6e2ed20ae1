"""HTTP errors as RFC 9457 problem details: clients match on ``type``, people read ``detail`` (docs/problems.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import JSONResponse


@dataclass(frozen=True)
class Problem:
    """One kind of problem."""

    type: str
    title: str
    status: HTTPStatus

    def response(self, detail: str, headers: Mapping[str, str] | None = None, **extra: object) -> JSONResponse:
        """The answer; ``detail`` says what was wrong, where, and what to do."""
        body = {"type": self.type, "title": self.title, "status": self.status, "detail": detail, **extra}
        return JSONResponse(body, self.status, headers, "application/problem+json")


class ProblemError(Exception):
    """Raised by routes; becomes the answer."""

    def __init__(
        self, problem: Problem, detail: str, headers: Mapping[str, str] | None = None, **extra: object
    ) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
        self.headers = headers
        self.extra = extra


BAD_REQUEST = Problem("/problems/bad-request", "The request cannot be read", HTTPStatus.BAD_REQUEST)
UNAUTHORIZED = Problem("/problems/unauthorized", "A valid key is needed", HTTPStatus.UNAUTHORIZED)
FORBIDDEN = Problem("/problems/forbidden", "The key does not allow this", HTTPStatus.FORBIDDEN)
NOT_FOUND = Problem("/problems/not-found", "There is nothing here", HTTPStatus.NOT_FOUND)
METHOD_NOT_ALLOWED = Problem("/problems/method-not-allowed", "Not this method", HTTPStatus.METHOD_NOT_ALLOWED)
EXISTS = Problem("/problems/exists", "There is one already", HTTPStatus.CONFLICT)
CONFLICT = Problem("/problems/conflict", "It was changed in between", HTTPStatus.PRECONDITION_FAILED)
GONE = Problem("/problems/gone", "It was withdrawn", HTTPStatus.GONE)
TOO_LARGE = Problem("/problems/too-large", "The request is too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
UNSUPPORTED = Problem("/problems/unsupported-format", "The format is not known", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
INVALID = Problem("/problems/invalid", "Something in the request is wrong", HTTPStatus.UNPROCESSABLE_ENTITY)
TOO_MANY = Problem("/problems/too-many-requests", "Too many requests", HTTPStatus.TOO_MANY_REQUESTS)
INTERNAL = Problem("/problems/internal", "The service made a mistake", HTTPStatus.INTERNAL_SERVER_ERROR)
UPSTREAM = Problem("/problems/upstream", "Another server did not answer well", HTTPStatus.BAD_GATEWAY)
UNAVAILABLE = Problem("/problems/unavailable", "A part is away: try again", HTTPStatus.SERVICE_UNAVAILABLE)
AT_CAPACITY = Problem("/problems/at-capacity", "The service is at capacity", HTTPStatus.SERVICE_UNAVAILABLE)
REBUILDING = Problem("/problems/rebuilding", "The answer is being rebuilt", HTTPStatus.SERVICE_UNAVAILABLE)

PROBLEMS = (
    BAD_REQUEST,
    UNAUTHORIZED,
    FORBIDDEN,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    EXISTS,
    CONFLICT,
    GONE,
    TOO_LARGE,
    UNSUPPORTED,
    INVALID,
    TOO_MANY,
    INTERNAL,
    UPSTREAM,
    UNAVAILABLE,
    AT_CAPACITY,
    REBUILDING,
)
