"""The roles that make up a newsfeed on one machine, and the settings each is told."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Stage = Literal["writers", "doors", "pages"]
"""What stops together, the last first: pages, the doors that pages ask, then what writes projections and topics."""


@dataclass(frozen=True)
class Role:
    """A process with one job; ``name`` is also what its log lines are headed with."""

    name: str
    module: str
    arguments: tuple[str, ...]
    offset: int
    """Its port, counted from the first; a role without an API serves its health there."""
    stage: Stage

    @property
    def command(self) -> list[str]:
        """Starts it with the Python that runs us."""
        return [sys.executable, "-m", self.module, *self.arguments]


ROLES = (
    Role("web", "news_web", (), 0, "pages"),
    Role("ingest-api", "news_ingest", ("api",), 1, "doors"),
    Role("views-api", "news_views", ("api",), 2, "doors"),
    Role("related-api", "news_related", ("api",), 3, "doors"),
    Role("feed-api", "news_feed", ("api",), 4, "doors"),
    Role("ingest-poller", "news_ingest", ("poller",), 10, "writers"),
    Role("ingest-publisher", "news_ingest", ("publisher",), 11, "writers"),
    Role("views-projector", "news_views", ("projector",), 12, "writers"),
    Role("related-linker", "news_related", ("linker",), 13, "writers"),
    Role("feed-projector", "news_feed", ("projector",), 14, "writers"),
    Role("related-embedder", "news_related", ("embedder",), 15, "writers"),
)

PEERS = ("ingest", "views", "related", "feed")
"""Services that the web asks; the role of each is ``<service>-api``."""

REDIS_OFFSET = 79  # 8079 and 8092 recall 6379 and 9092, and leave those to servers of the user's own
KAFKA_OFFSET = 92

_DEFAULTS = {
    "NEWS_ENV": "embedded",
    "NEWS_HOST": "127.0.0.1",
    "NEWS_PARTITIONS": "12",
    "NEWS_ADMIN_KEY": "dev",
    "NEWS_TRUSTED_PROXIES": "127.0.0.1",
    "NEWS_INSTANCE": "0",
    "NEWS_DRAIN_TIMEOUT": "PT2S",  # three stages of it fit into the ten seconds that a stop may take
    "PYTHONUNBUFFERED": "1",
}
_EMBEDDED_KAFKA = {
    "NEWS_KAFKA_TRANSACTIONS": "false",
    "NEWS_KAFKA_STATIC_MEMBERS": "false",
    "NEWS_KAFKA_SESSION_TIMEOUT": "PT3S",
    # What is exported for a cluster must not reach it.
    "NEWS_KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
    "NEWS_KAFKA_SSL_CAFILE": "",
    "NEWS_KAFKA_REPLICATION": "1",
}


@dataclass(frozen=True)
class Places:
    """Where everything listens."""

    kafka: str
    redis: str
    ports: Mapping[str, int]
    """Of each role, by name."""
    kafka_is_ours: bool
    redis_is_ours: bool
    host: str = "127.0.0.1"
    """What the roles bind; all of them on one address."""

    def url(self, role: str) -> str:
        """Of a role, as seen from this machine."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104  # compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.ports[role]}"


def choose_places(
    *,
    port_base: int,
    kafka: str | None,
    redis: str | None,
    host: str,
    free_port: Callable[[int], int],
) -> Places:
    """Ports from ``port_base`` on.

    Args:
        port_base: the port of the web.
        kafka: host:port of a Kafka that is there already.
        redis: URL of a Redis that is there already.
        host: what the roles bind.
        free_port: gives the port asked for, or another one when somebody listens there.
    """
    return Places(
        kafka=kafka or f"127.0.0.1:{free_port(port_base + KAFKA_OFFSET)}",
        redis=redis or f"redis://127.0.0.1:{free_port(port_base + REDIS_OFFSET)}/0",
        ports={role.name: free_port(port_base + role.offset) for role in ROLES},
        kafka_is_ours=kafka is None,
        redis_is_ours=redis is None,
        host=host,
    )


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    parts = urlsplit(url)
    credentials, at, place = parts.netloc.rpartition("@")
    user = credentials.partition(":")[0]
    return parts._replace(netloc=f"{user}:***@{place}").geturl() if at else url


def shared_environment(places: Places, given: Mapping[str, str]) -> dict[str, str]:
    """Settings that every role is told: what the user set counts, except for where the servers are."""
    environment = {**_DEFAULTS, **given, "NEWS_KAFKA_BOOTSTRAP": places.kafka, "NEWS_REDIS_URL": places.redis}
    if places.kafka_is_ours:
        environment |= _EMBEDDED_KAFKA
    if places.redis_is_ours:
        environment["NEWS_REDIS_CLUSTER"] = "false"
    return environment


def role_environment(role: Role, places: Places, given: Mapping[str, str]) -> dict[str, str]:
    """All settings of one role."""
    addresses = {f"NEWS_WEB_{peer.upper()}_URL": places.url(f"{peer}-api") for peer in PEERS}
    origin = {"NEWS_FEED_ORIGIN": given.get("NEWS_FEED_ORIGIN", places.url("web"))}
    return {**shared_environment(places, given), **addresses, **origin, "NEWS_PORT": str(places.ports[role.name])}
