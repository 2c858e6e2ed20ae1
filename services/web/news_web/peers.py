"""The services behind the pages: every question has a deadline, and a service that is down is an answer, too."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote, urlencode

import httpx
import orjson
import structlog

from news_web.copies import Copies, Copy, Question
from news_web.getting import Get
from news_web.public_paths import Service

log = structlog.get_logger()

Status = Literal["ok", "stale", "missing", "gone", "refused", "unavailable"]
Age = Literal["now", "fresh", "cards"]
Parameters = Mapping[str, str | int | Sequence[str]]


@dataclass(frozen=True)
class Part:
    """What a service answered to one question; `body` is its JSON, empty unless there was any.

    Attributes:
        status: ``stale`` is a copy of an earlier answer while the service does not answer.
        age: since the question left that it answers.
        etag: of an answer; the same as long as the answer is.
    """

    status: Status
    body: Mapping[str, Any] = field(default_factory=dict)
    age: timedelta = timedelta(0)
    etag: str | None = None

    @property
    def is_ok(self) -> bool:
        """There is an answer that may be shown."""
        return self.status in ("ok", "stale")

    @property
    def items(self) -> Sequence[Mapping[str, Any]]:
        """Of a list; empty for anything else."""
        return list(self.body.get("items") or ()) if self.is_ok else []


UNAVAILABLE = Part("unavailable")

Closing: TypeAlias = Callable[[], Awaitable[None]]

_OPENING_AT_ONCE: Final = 50
"""Event streams of one service. When a thousand pages open them in one moment, as after a restart, no connection waits
so long for its turn at the service that it is taken for dead."""

_PATIENCE: Final = timedelta(seconds=2)
"""With an answer without which there is no page, and with one that no page waits for any more: the next one has it."""

_AT_LEAST: Final = timedelta(milliseconds=150)
"""For what can be asked only when something else has been answered, however long that took."""

_RENEWED_AFTER: Final = timedelta(seconds=1)

_STATUSES: Final[Mapping[int, Status]] = {200: "ok", 404: "missing", 410: "gone"}


class Peers:
    """Asks the services over HTTP.

    Args:
        client: for what passes through unread.
        get: for what pages are made of.
        addresses: base URL of each service.
        connect: makes a transport for one event stream. In a shared pool a thousand streams that stay open would make
            each other request look through them all.
        opened_within: how long an event stream may wait for its turn and for the service's first word together.
        copies: of earlier answers.
        stale: how old a copy may be that stands in for an answer.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        addresses: Mapping[Service, str],
        *,
        get: Get,
        connect: Callable[[], httpx.AsyncBaseTransport],
        opened_within: timedelta,
        copies: Copies,
        stale: timedelta,
    ) -> None:
        self.client = client
        self._get = get
        self._connect = connect
        self._opening = {service: asyncio.Semaphore(_OPENING_AT_ONCE) for service in addresses}
        self._opened_within = opened_within
        self._addresses = {service: url.rstrip("/") for service, url in addresses.items()}
        self._copies = copies
        self._stale = stale
        self._asking: dict[Question, tuple[float, asyncio.Task[Part]]] = {}

    def url(self, service: Service, target: bytes) -> httpx.URL:
        """The URL of a raw request target (path and query as on the wire) at a service."""
        return httpx.URL(self._addresses[service]).copy_with(raw_path=target)

    async def open_events(self, service: Service, request: httpx.Request) -> tuple[httpx.Response, Closing]:
        """An event stream with what closes it; of very many asked for at once of a service each is opened in its turn.

        Raises:
            httpx.HTTPError: the service does not answer, or not in time.
        """
        alone = self._connect()
        closing = AsyncExitStack()
        closing.push_async_callback(alone.aclose)
        try:
            async with asyncio.timeout(self._opened_within.total_seconds()), self._opening[service]:
                response = await alone.handle_async_request(request)
        except TimeoutError as error:
            await closing.aclose()
            raise httpx.ReadTimeout(f"no stream within {self._opened_within}", request=request) from error
        except BaseException:
            await closing.aclose()
            raise
        response.request = request
        closing.push_async_callback(response.aclose)
        return response, closing.aclose

    async def ask(
        self,
        service: Service,
        path: str,
        parameters: Parameters | None = None,
        *,
        language: str | None = None,
        within: timedelta,
        fresh: timedelta = timedelta(0),
        is_main: bool = False,
    ) -> Part:
        """A service's answer, in the reader's language where it has words; never raises for what the network does.

        Args:
            service: whom to ask.
            path: not yet percent-encoded.
            parameters: of the query.
            language: of the words in the answer.
            within: from the first byte sent to the last one read; after that a copy stands in for the answer, and
                at once when there is no time at all.
            fresh: how long an answer stays one: who asks the same within that time gets the same. After a tenth of
                it, but at least a second, it is asked for again without anybody waiting.
            is_main: without it there is no page; where there is no copy it may take longer.
        """
        query = urlencode(parameters or {}, doseq=True)
        target = quote(path, safe="/:@!$&'()*+,;=-._~") + (f"?{query}" if query else "")
        question = Question(service, target, language)
        now = _now()
        copy = self._copies.find(question)
        age = timedelta(seconds=now - copy.asked_at) if copy is not None else timedelta.max
        if copy is not None and age < fresh:
            if age > max(fresh / 10, _RENEWED_AFTER) and question not in self._asking:
                self._begin(question, now)  # the next reader has it; none waits for it
            return Part("ok", copy.body, age, copy.etag)
        if not within:
            return self._copy_of(question)
        if is_main and self._copy_of(question) is UNAVAILABLE:
            within = _PATIENCE
        begun, task = self._asking.get(question, (now, None))
        if task is None or now - begun >= fresh.total_seconds():
            task = self._begin(question, now)
        try:
            async with asyncio.timeout(within.total_seconds()):
                part = await (asyncio.shield(task) if fresh else task)
        except TimeoutError:
            log.info("a service is slow", service=service, target=target, waited=str(within))
            part = UNAVAILABLE
        return part if part.status != "unavailable" else self._copy_of(question)

    async def close(self) -> None:
        """Ask nothing more."""
        tasks = [task for _, task in self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, question: Question, now: float) -> "asyncio.Task[Part]":
        task = asyncio.create_task(self._fetch(question))
        self._asking[question] = (now, task)
        task.add_done_callback(lambda done: self._has_asked(question, done))
        return task

    async def _fetch(self, question: Question) -> Part:
        begun = _now()
        copy = self._copies.find(question)
        headers = {"accept-language": question.language} if question.language else {}
        if copy is not None and copy.etag is not None:
            headers["if-none-match"] = copy.etag
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                answer = await self._get(self._addresses[question.service] + question.target, headers)
            if answer.status == HTTPStatus.NOT_MODIFIED and copy is not None:
                self._copies.keep(question, replace(copy, asked_at=begun))
                return Part("ok", copy.body, timedelta(seconds=_now() - begun), copy.etag)
            body = orjson.loads(answer.content)
        except (OSError, TimeoutError, ValueError) as error:
            log.info("a service does not answer", service=question.service, target=question.target, reason=repr(error))
            return UNAVAILABLE
        is_refusal = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
        status = _STATUSES.get(answer.status, "refused" if is_refusal else "unavailable")
        if status == "unavailable" or (status == "ok" and not isinstance(body, dict)):
            log.info("a service is away", service=question.service, target=question.target, status=answer.status)
            return UNAVAILABLE
        if status != "ok":
            self._copies.forget(question)
            return Part(status, body if isinstance(body, dict) else {})
        size = len(question.target) + len(answer.content)
        self._copies.keep(question, Copy(body, answer.etag, begun, size))
        return Part("ok", body, timedelta(seconds=_now() - begun), answer.etag)

    def _copy_of(self, question: Question) -> Part:
        copy = self._copies.find(question)
        if copy is None:
            return UNAVAILABLE
        age = timedelta(seconds=_now() - copy.asked_at)
        return Part("stale", copy.body, age) if age <= self._stale else UNAVAILABLE

    def _has_asked(self, question: Question, task: "asyncio.Task[Part]") -> None:
        if self._asking.get(question, (0.0, None))[1] is task:
            del self._asking[question]


class Questions:
    """What one page asks: each question has a limit, and all of them together have one.

    Args:
        peers: who are asked.
        language: of the reader.
        part: limit of one question.
        page: limit of all, from now on.
        fresh: how old an answer may be, if only so little that what was withdrawn is gone within a second.
        cards: how old those may be that `confirming` looks at before they are shown.
    """

    def __init__(
        self, peers: Peers, *, language: str, part: timedelta, page: timedelta, fresh: timedelta, cards: timedelta
    ) -> None:
        self.language = language
        self._peers = peers
        self._part = part
        self._ends = _now() + page.total_seconds()
        self._ages = {"now": timedelta(0), "fresh": fresh, "cards": max(cards, fresh)}
        self._away: set[Service] = set()

    async def ask(
        self,
        service: Service,
        path: str,
        parameters: Parameters | None = None,
        *,
        has_words: bool = False,
        is_main: bool = False,
        age: Age = "fresh",
    ) -> Part:
        """A service's answer; of one that did not answer this page before, what it said earlier.

        Args:
            service: whom to ask.
            path: not yet percent-encoded.
            parameters: of the query.
            has_words: the answer is said in the reader's language.
            is_main: see `Peers.ask`.
            age: what it may have: none, or that of what is ``fresh``, or that of ``cards``.
        """
        left = timedelta(seconds=self._ends - _now())
        part = await self._peers.ask(
            service,
            path,
            parameters,
            language=self.language if has_words else None,
            within=timedelta(0) if service in self._away else min(self._part, max(left, _AT_LEAST)),
            fresh=self._ages[age],
            is_main=is_main,
        )
        if part.status in ("stale", "unavailable"):
            self._away.add(service)
        return part


def _now() -> float:
    return asyncio.get_running_loop().time()
