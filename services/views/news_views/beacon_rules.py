"""What a beacon is, whoever brought it: its flags, and its reader's hashes with the salts of its time."""

from datetime import datetime

from news_shared.article_ids import ArticleId
from news_shared.clock import Clock, epoch_ms
from news_shared.errors import TransientError
from news_views.bots import is_bot
from news_views.readers import reader_hash
from news_views.salts import SaltRing
from news_views.view_log import NO_READER, Beacon, Flag

_NO_SALT = ""


class BeaconRules:
    """The same for single beacons and for those that servers collected."""

    def __init__(self, salts: SaltRing, clock: Clock) -> None:
        self._salts = salts
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
        flags = 0
        if is_burst:
            flags |= Flag.BURST
        if is_prefetch:
            flags |= Flag.PREFETCH
        if is_bot(user_agent.decode("latin-1")):
            flags |= Flag.BOT
        # The salt of yesterday is not known when Redis lost it before this process started.
        salt = self._salts.current(time) or self._salts.current(self._clock())
        reader = former_reader = NO_READER
        if is_opted_out:
            flags |= Flag.OPTED_OUT
        elif salt is None:
            raise TransientError("there was never a salt: Redis has been away since this process started")
        else:
            reader = reader_hash(salt, network, user_agent)
            former = self._salts.former(time)
            if former is not None:
                former_reader = reader_hash(former, network, user_agent)
        return salt.name if salt else _NO_SALT, Beacon(article, reader, former_reader, epoch_ms(time), flags)
