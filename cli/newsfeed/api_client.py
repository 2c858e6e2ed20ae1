"""Asking our services over HTTP from a command: 503 and 429 mean to ask again."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

Params = Mapping[str, str | list[str]]


class ApiError(Exception):
    """A service does not answer, or refuses: what it said, for the person who gave the command."""


class _AwayError(Exception):
    """The service asked to repeat the request, or did not answer."""


class ApiClient:
    """Requests to one service. Everything that is sent through it must be safe to repeat.

    Args:
        key: None where anybody may ask.
        patience: seconds to go on asking for.
    """

    def __init__(self, address: str, *, key: str | None, patience: float) -> None:
        self._address = address.rstrip("/")
        self._patience = patience
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(timeout=60, headers=headers, trust_env=False)  # ours are behind no proxy

    def __enter__(self) -> "ApiClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, params: Params) -> dict[str, Any]:
        """The content of an answer.

        Raises:
            ApiError: there was none, or an error.
        """
        return self._asked("GET", path, params)

    def text(self, path: str, params: Params) -> str:
        """An answer as text, whatever it is.

        Raises:
            ApiError: there was none, or an error.
        """
        response = self._answered("GET", path, params)
        if response.is_success:
            return response.text
        raise _refused(response)

    def post_lines(self, path: str, params: Params, lines: bytes) -> dict[str, Any]:
        """Send NDJSON; the content of an answer, also of a 422 that says which lines are wrong (``rejected``).

        Raises:
            ApiError: any other answer, or none.
        """
        return self._asked("POST", path, params, lines)

    def _asked(self, method: str, path: str, params: Params, lines: bytes | None = None) -> dict[str, Any]:
        response = self._answered(method, path, params, lines)
        content = _content(response)
        if response.is_success or (response.status_code == httpx.codes.UNPROCESSABLE_ENTITY and "rejected" in content):
            return content
        raise _refused(response)

    def _answered(self, method: str, path: str, params: Params, lines: bytes | None = None) -> httpx.Response:
        retrying = Retrying(
            retry=retry_if_exception_type(_AwayError),
            wait=wait_random_exponential(multiplier=0.5, max=5),
            stop=stop_after_delay(self._patience),
            reraise=True,
        )
        url = f"{self._address}{path}"
        try:
            return retrying(self._asked_once, method, url, params, lines)
        except _AwayError as error:
            raise ApiError(f"{url}: {error}") from error

    def _asked_once(self, method: str, url: str, params: Params, lines: bytes | None) -> httpx.Response:
        headers = {} if lines is None else {"Content-Type": "application/x-ndjson"}
        try:
            response = self._http.request(method, url, params=params, content=lines, headers=headers)
        except httpx.TransportError as error:
            raise _AwayError(f"no answer ({error})") from error
        if response.status_code in {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS}:
            raise _AwayError(response.text[:2000])
        return response


def _content(response: httpx.Response) -> dict[str, Any]:
    return dict(response.json()) if "json" in response.headers.get("content-type", "") else {}


def _refused(response: httpx.Response) -> ApiError:
    said = _content(response).get("detail") or response.text[:2000]
    return ApiError(f"{response.url.copy_with(query=None)} answered {response.status_code}: {said}")
