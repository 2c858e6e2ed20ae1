"""Telling readers apart without knowing them: no address and no user agent leaves this process."""

import hmac
from typing import Final, NamedTuple
from weakref import ref

from news_views.beacons.bots import is_bot
from news_views.beacons.salts import Salt
from news_views.view_log import NO_READER

_REMEMBERED: Final = 32_768
_LONGEST: Final = 512  # bytes of a user agent; longer ones are rare and not remembered


class Reader(NamedTuple):
    """Who sent a beacon, as far as anybody is told."""

    hash: int
    former_hash: int  # with the salt before; NO_READER except around a change of salts
    is_bot: bool


def reader_hash(salt: Salt, network: bytes, user_agent: bytes) -> int:
    """64 bits of HMAC-SHA256 over a reader's network and user agent; never `NO_READER`."""
    digest = hmac.digest(salt.secret, network + b"\n" + user_agent, "sha256")
    return int.from_bytes(digest[:8], "little") or 1


class Readers:
    """Hashes of readers, remembered as long as the salts stay the same; in memory only."""

    def __init__(self) -> None:
        self._salts: tuple[ref[Salt], ref[Salt] | None] | None = None  # so that they end when the ring forgets them
        self._known: dict[tuple[bytes, bytes], Reader] = {}

    def of(self, salt: Salt, former: Salt | None, network: bytes, user_agent: bytes) -> Reader:
        """The reader with these salts."""
        if not self._are_known_with(salt, former):
            self._salts = ref(salt), None if former is None else ref(former)
            self._known = {}
        key = (network, user_agent)
        reader = self._known.get(key)
        if reader is None:
            former_hash = NO_READER if former is None else reader_hash(former, network, user_agent)
            reader = Reader(reader_hash(salt, network, user_agent), former_hash, is_bot(user_agent.decode("latin-1")))
            if len(user_agent) <= _LONGEST:
                if len(self._known) >= _REMEMBERED:
                    self._known = {}  # cheaper than an order of use, and as good for readers who come in bursts
                self._known[key] = reader
        return reader

    def _are_known_with(self, salt: Salt, former: Salt | None) -> bool:
        if self._salts is None:
            return False
        known, known_former = self._salts
        return known() is salt and (known_former and known_former()) is former
