"""When an answer changed last, for ``Last-Modified``: remembered by what its bytes were."""

from collections import OrderedDict
from datetime import UTC, datetime, timedelta

_SECOND = timedelta(seconds=1)


class LastChanges:
    """Remembers of each address since when its content has been what it is.

    No date of an article says it: when one is withdrawn, what is left may be all old. Another process may have seen a
    change earlier, never with an earlier date than the change itself; so nobody is told 304 for what has changed.

    Args:
        most: addresses remembered.
    """

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._known: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    def of(self, address: str, etag: str, now: datetime) -> datetime | None:
        """Since when; a whole second, because HTTP knows no parts, and None until that second has come.

        Within it there may have been two contents, of which a date could not tell one from the other.
        """
        known = self._known.pop(address, None)
        if known is None or known[0] != etag:
            known = (etag, (now + _SECOND).replace(microsecond=0, tzinfo=UTC))
        self._known[address] = known
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return known[1] if known[1] <= now else None
