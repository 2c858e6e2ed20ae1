"""When an answer changed last, for ``Last-Modified``: remembered by what its bytes were, and made from which state."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from news_feed.article_store import Versions

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class _Known:
    etag: str
    versions: Versions
    since: datetime


class LastChanges:
    """Remembers of each address since when its content has been what it is.

    No date of an article says it: when one is withdrawn, what is left may be all old. The same content of another state
    has a new date, as another process may have answered with something else in between.

    Args:
        most: addresses remembered.
    """

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._latest = datetime.min.replace(tzinfo=UTC)

    def of(self, address: str, etag: str, versions: Versions, now: datetime) -> datetime | None:
        """Since when; a whole second, because HTTP knows no parts, and None until that second has come.

        Within it there may have been two contents, of which a date could not tell one from the other. A clock that was
        set back stands still here until it is past what it said before: new dates are later than all that were given.

        Args:
            address: what was asked for.
            etag: of the content.
            versions: of the state that it was made from.
            now: the moment.
        """
        now = self._latest = max(self._latest, now)
        known = self._known.pop(address, None)
        if known is None or (known.etag, known.versions) != (etag, versions):
            known = _Known(etag, versions, (now + _SECOND).replace(microsecond=0, tzinfo=UTC))
        self._known[address] = known
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return known.since if known.since <= now else None
