"""What a beacon is, whoever brought it: its flags, and its reader's hashes with the salts of its time."""

from datetime import datetime

from news_shared.article_ids import ArticleId
from news_shared.clock import Clock, epoch_ms
from news_shared.errors import TransientError
from news_views.beacons.bots import is_bot
from news_views.beacons.readers import Readers
from news_views.beacons.salts import SaltRing
from news_views.view_log import NO_READER, Beacon, Flag

_NO_SALT = ""
_BOT, _PREFETCH, _OPTED_OUT, _BURST = (
    int(flag) for flag in (Flag.BOT, Flag.PREFETCH, Flag.OPTED_OUT, Flag.BURST)
)  # arithmetic with an enum's members takes 20 times as long


class BeaconRules:
    """The same for single beacons and for those that servers collected."""

    def __init__(self, salts: SaltRing, clock: Clock) -> None:
        self._salts = salts
        self._readers = Readers()
        self._clock = clock

    def beacon(
        self,
        article: ArticleId,
        time: datetime,
        network: bytes,
        user_agent: bytes,
        *,
        is_prefetch: bool,
        is_opted_out: bool,
        is_burst: bool,
    ) -> tuple[str, Beacon]:
        """The beacon, and the name of the salt that its record must name.

        Args:
            article: what was opened.
            time: when, in UTC; decides which salts are used.
            network: see `client_address.network_bytes`.
            user_agent: as it was sent.
            is_prefetch: fetched or rendered before anybody asked for it.
            is_opted_out: no hash is made.
            is_burst: its address sends more than a reader can.

        Raises:
            TransientError: there was never a salt.
        """
        salt, former = self._salts.pair(time)
        if salt is None:  # yesterday's is not known when Redis lost it before this process started
            salt, former = self._salts.current(self._clock()), None
        flags = (_BURST if is_burst else 0) | (_PREFETCH if is_prefetch else 0)
        if is_opted_out:
            flags |= _OPTED_OUT | (_BOT if is_bot(user_agent.decode("latin-1")) else 0)
            beacon = Beacon(article, NO_READER, NO_READER, epoch_ms(time), flags)
            return salt.name if salt else _NO_SALT, beacon
        if salt is None:
            raise TransientError("there was never a salt: Redis has been away since this process started")
        reader, former_reader, bot = self._readers.of(salt, former, network, user_agent)
        return salt.name, Beacon(article, reader, former_reader, epoch_ms(time), flags | _BOT if bot else flags)
