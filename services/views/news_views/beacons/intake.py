"""Taking one beacon: who sent it, whether it can count, and into the log with it."""

import asyncio
from collections.abc import Iterable
from time import monotonic

from news_shared.article_ids import ArticleId
from news_shared.clock import Clock
from news_shared.errors import NewsError
from news_shared.problems import TOO_MANY, ProblemError
from news_views.beacons.batches import BeaconBatches, BeaconSettled
from news_views.beacons.bursts import Pace, Paces
from news_views.beacons.client_address import TrustedProxies, network_bytes
from news_views.beacons.request import BeaconHeaders, read_article, read_headers
from news_views.beacons.rules import BeaconRules


class BeaconIntake:
    """The use case behind ``POST /v1/views``."""

    def __init__(
        self,
        batches: BeaconBatches,
        rules: BeaconRules,
        paces: Paces,
        proxies: TrustedProxies,
        clock: Clock,
        partitions: int,
    ) -> None:
        self._batches = batches
        self._rules = rules
        self._paces = paces
        self._proxies = proxies
        self._clock = clock
        self._partitions = partitions

    async def take(self, peer: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> ArticleId:
        """Write a beacon and return the article it is about, once Kafka has it; see `begin`."""
        written = asyncio.get_running_loop().create_future()

        def settled(error: Exception | None) -> None:
            if not written.done():  # or the caller has hung up
                if error is None:
                    written.set_result(None)
                else:
                    written.set_exception(error)

        article = self.begin(peer, headers, body, settled)
        await written
        return article

    def begin(
        self, peer: str, headers: Iterable[tuple[bytes, bytes]], body: bytes, settled: BeaconSettled
    ) -> ArticleId:
        """Send a beacon on its way to Kafka, and return the article it is about.

        Args:
            peer: address at the other end of the connection.
            headers: ASGI headers.
            body: JSON, up to `request.BODY_LIMIT` bytes.
            settled: called later, once, unless this call raises: with None when Kafka has the beacon, or with the
                TransientError when it did not acknowledge; then the outcome is unknown and repeating it is safe.

        Raises:
            ProblemError: 400, 415, 422, or 429 at a pace that no reader has.
            OverloadError: too many beacons wait for Kafka.
            TransientError: there was never a salt.
        """
        said = read_headers(headers)
        article, partition = read_article(said.content_type, body, self._partitions)
        address = self._proxies.client(peer, said.forwarded_for)
        network = network_bytes(address)
        # A proxy of ours that does not say for whom it asks is no reader: its pace is that of all of them.
        noted_at = monotonic()
        if self._proxies.is_trusted(address):
            self._paces.of_proxy(noted_at)
            self._send(article, partition, network, said, settled, is_burst=False)
            return article
        pace = self._paces.of(network, noted_at)
        if pace is Pace.REFUSE:
            raise ProblemError(TOO_MANY, "Too many beacons from this address.", {"Retry-After": "60"})

        def settled_and_paced(error: Exception | None) -> None:
            if error is not None:
                self._paces.was_not_written(network, noted_at)
            settled(error)

        try:
            self._send(article, partition, network, said, settled_and_paced, is_burst=pace is Pace.BURST)
        except NewsError:
            self._paces.was_not_written(network, noted_at)
            raise
        return article

    def _send(
        self,
        article: ArticleId,
        partition: int,
        network: bytes,
        said: BeaconHeaders,
        settled: BeaconSettled,
        *,
        is_burst: bool,
    ) -> None:
        salt, beacon = self._rules.beacon(
            article,
            self._clock(),
            network,
            said.user_agent,
            is_prefetch=said.is_prefetch,
            is_opted_out=said.is_opted_out,
            is_burst=is_burst,
        )
        self._batches.add(partition, salt, beacon, settled)
