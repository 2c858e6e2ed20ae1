"""What requests to the intake have in common: who calls, for which source, on which terms."""

import re
from concurrent.futures import Executor
from datetime import timedelta
from typing import Annotated, cast

from fastapi import Depends, Header, Request

from news_ingest.answers import AUTHORIZATION
from news_ingest.fetching.fetcher import Fetcher
from news_ingest.intake import Intake, Terms
from news_ingest.key_limits import KeyLimits
from news_ingest.outcomes import Outcomes
from news_ingest.polling.schedule import Schedule
from news_ingest.polling.subscriptions import Subscriptions
from news_ingest.settings import IngestSettings
from news_ingest.source_keys import SourceKeys
from news_ingest.sources import Sources, check_source_id
from news_shared.api_keys import ApiKeys, Caller, Scope
from news_shared.article_ids import ArticleId, parse_article_id
from news_shared.problems import BAD_REQUEST, FORBIDDEN, NOT_FOUND, TOO_LARGE, ProblemError
from news_shared.topic_table import TopicTable

_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d+)")
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class Parts:
    """What the lifespan opened; one object per process."""

    def __init__(
        self,
        *,
        intake: Intake,
        outcomes: Outcomes,
        sources: Sources,
        source_keys: SourceKeys,
        keys: ApiKeys,
        limits: KeyLimits,
        table: TopicTable,
        settings: IngestSettings,
        schedule: Schedule,
        subscriptions: Subscriptions,
        fetcher: Fetcher,
        readers: Executor,
    ) -> None:
        self.intake = intake
        self.outcomes = outcomes
        self.sources = sources
        self.source_keys = source_keys
        self.limits = limits
        self.table = table
        self.settings = settings
        self.schedule = schedule
        self.subscriptions = subscriptions
        self.fetcher = fetcher
        self.readers = readers
        self._keys = keys

    def authorise(self, authorization: str | None, scope: Scope, source: str | None = None) -> Caller:
        """The caller, if he may do this (with this source), and has not sent too many requests.

        Raises:
            ProblemError: 401, 403 or 429.
        """
        caller = self._keys.authorise(authorization, scope, source)
        self.limits.request(caller)
        return caller


async def parts(request: Request) -> Parts:
    """The parts of this process; a coroutine, for anything else goes through a thread."""
    return cast("Parts", request.state.parts)


PartsOf = Annotated[Parts, Depends(parts)]
Authorization = Annotated[str | None, Header(description=AUTHORIZATION)]


def patience(prefer: str | None, settings: IngestSettings) -> timedelta | None:
    """How long the caller wants to wait for outcomes; None: not at all."""
    found = _WAIT.search(prefer or "")
    return min(timedelta(seconds=int(found[1][:6])), settings.longest_wait) if found else None


def terms(idempotency_key: str | None, *, reply: bool, trace: str) -> Terms:
    """The terms of a request.

    Raises:
        ProblemError: 400 for an Idempotency-Key that is none.
    """
    if idempotency_key is not None and not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise ProblemError(BAD_REQUEST, "Idempotency-Key must be 1 to 200 printable ASCII characters without spaces.")
    return Terms(idempotency_key, reply=reply, trace=trace)


async def writer_of(
    made_of: Parts, authorization: str | None, named: str | None, *, dry_run: bool = False
) -> tuple[Caller, str]:
    """The caller and the source that he writes for; the admin names it, and it is made when new.

    Raises:
        ProblemError: 400, 401, 403 or 429.
    """
    caller = made_of.authorise(authorization, "articles:write", named)
    if caller.source is not None:
        return caller, caller.source
    if not named:
        raise ProblemError(BAD_REQUEST, "With the admin key say whose articles these are: ?source=<id>")
    if dry_run:
        check_source_id(named)
        return caller, named
    if not made_of.sources.knows(named):
        await made_of.sources.ensure(named)
    return caller, named


def own_article(made_of: Parts, authorization: str | None, named: str) -> tuple[ArticleId, str | None, str | None]:
    """The article with its source and guid where the name tells them, if the caller may change it.

    Raises:
        ProblemError: 401, 403, 400.
    """
    caller = made_of.authorise(authorization, "articles:write")
    article = parse_article_id(named)
    source, colon, guid = named.partition(":")
    if colon:
        if not caller.is_admin and caller.source != source:
            raise ProblemError(FORBIDDEN, f"This key is for the source {caller.source}, not for {source}.")
        return article, source, guid
    if caller.is_admin:
        return article, None, None
    raise ProblemError(
        FORBIDDEN, f"With a source's key name the article as {caller.source}:<guid>, so that it is surely yours."
    )


def not_found(article: str) -> ProblemError:
    """404 for an article."""
    return ProblemError(NOT_FOUND, f"No article {article!r} was ever submitted here.")


async def body_of(request: Request, limit: int) -> bytes:
    """The whole body.

    Raises:
        ProblemError: 413.
    """
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise ProblemError(TOO_LARGE, f"The body has more than {limit:,} bytes. Send it in parts, or as NDJSON.")
        parts.append(chunk)
    return b"".join(parts)
