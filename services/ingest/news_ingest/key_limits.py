"""Limits of keys: requests and articles a minute, and what a caller is told who exceeds them."""

from collections.abc import Callable

from news_ingest.allowances import Allowances
from news_shared.api_keys import Caller
from news_shared.problems import TOO_LARGE, TOO_MANY, ProblemError


class KeyLimits:
    """What each key used of its minute; the admin's has no limit.

    Args:
        requests: a minute, of a key without a limit of its own.
        articles: the same.
        monotonic: a clock in seconds.
    """

    def __init__(self, *, requests: int, articles: int, monotonic: Callable[[], float]) -> None:
        self._requests_default = requests
        self._articles_default = articles
        self._monotonic = monotonic
        self._requests = Allowances()
        self._articles = Allowances()

    def request(self, caller: Caller) -> None:
        """Count one request.

        Raises:
            ProblemError: 429.
        """
        if caller.is_admin:
            return
        limit, name, now = caller.requests_per_minute or self._requests_default, _name(caller), self._monotonic()
        if not self._requests.take(name, limit, 1, now):
            wait = self._requests.wait(name, limit, 1, now)
            raise ProblemError(
                TOO_MANY,
                f"This key may send {limit:,} requests a minute. Repeat this one in {wait} s; "
                "send many articles in one request, as NDJSON.",
                {"Retry-After": str(wait)},
                limit="requests_per_minute",
            )

    def articles(self, caller: Caller, count: int) -> None:
        """Count all the articles of a document, or none.

        Raises:
            ProblemError: 429, or 413 when no minute has room for so many.
        """
        if caller.is_admin or not count:
            return
        limit, name, now = self.articles_limit(caller), _name(caller), self._monotonic()
        if count > limit:
            raise ProblemError(
                TOO_LARGE,
                f"The document has {count:,} articles, and this key may send {limit:,} a minute. Nothing of it was "
                "taken: send it in parts, or as NDJSON, which is taken up to the limit.",
                limit="articles_per_minute",
            )
        granted = self._articles.take(name, limit, count, now)
        if granted < count:
            self._articles.take_back(name, granted)
            wait = self._articles.wait(name, limit, count, now)
            raise ProblemError(
                TOO_MANY,
                f"This key may send {limit:,} articles a minute; {granted:,} of the document's {count:,} have room "
                f"now. Nothing of it was taken: send it again in {wait} s.",
                {"Retry-After": str(wait)},
                limit="articles_per_minute",
            )

    def some_articles(self, caller: Caller, count: int) -> int:
        """How many of the next articles of a stream may be taken; they are counted."""
        if caller.is_admin:
            return count
        return self._articles.take(_name(caller), self.articles_limit(caller), count, self._monotonic())

    def until_more(self, caller: Caller) -> int:
        """Seconds until the stream may go on with a good part of the minute's articles."""
        limit = self.articles_limit(caller)
        return self._articles.wait(_name(caller), limit, max(1, limit // 12), self._monotonic())

    def articles_limit(self, caller: Caller) -> int:
        """Articles a minute of a key."""
        return caller.articles_per_minute or self._articles_default


def _name(caller: Caller) -> str:
    return f"{caller.source}.{caller.key_id}"
