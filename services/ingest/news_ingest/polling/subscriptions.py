"""WebSub subscriptions of feeds whose hub tells of changes: what was asked for, what the hub agreed to."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from news_shared.redis_client import RedisClient, redis_errors

LEASE = timedelta(days=5)
"""Asked of hubs; they may grant another."""
_LONGEST_LEASE = timedelta(days=30)
_SHORTEST_LEASE = timedelta(minutes=10)
_ASK_AGAIN = timedelta(hours=1)
_KEY = "{ingest-poller}subscriptions"
_HASHES = {"sha1", "sha256", "sha384", "sha512"}


class Subscription(BaseModel):
    """One feed's. Lost with Redis, it is asked for anew."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    hub: str
    topic: str
    token: str
    """Part of the callback's address; who does not know it is not the hub."""
    secret: str
    """Signs what the hub sends."""
    asked_at: AwareDatetime
    until: AwareDatetime | None = None
    """End of the lease that the hub has confirmed."""
    refused: str | None = None

    def is_active(self, now: datetime) -> bool:
        """Whether the hub tells of changes now."""
        return self.until is not None and self.until > now


def must_ask(known: Subscription | None, hub: str, topic: str, now: datetime) -> bool:
    """Whether the hub is to be asked now: it never was, names have changed, or a quarter of the lease is left."""
    if known is None or (known.hub, known.topic) != (hub, topic):
        return True
    if now - known.asked_at < _ASK_AGAIN:
        return False
    return known.until is None or now >= renew_at(known.until, known.asked_at)


def renew_at(until: datetime, asked_at: datetime) -> datetime:
    """When a lease is renewed: three quarters through."""
    return until - (until - asked_at) / 4


def asked(known: Subscription | None, hub: str, topic: str, now: datetime) -> Subscription:
    """What to remember when the hub is asked; a renewal keeps the callback and the secret."""
    if known is not None and (known.hub, known.topic) == (hub, topic):
        return known.model_copy(update={"asked_at": now, "refused": None})
    return Subscription(
        hub=hub, topic=topic, token=secrets.token_urlsafe(18), secret=secrets.token_urlsafe(32), asked_at=now
    )


def confirmed(known: Subscription, lease_seconds: str | None, now: datetime) -> Subscription:
    """What to remember when the hub has asked back."""
    said = lease_seconds or ""
    granted = timedelta(seconds=int(said[:9])) if said.isascii() and said.isdigit() else LEASE
    return known.model_copy(update={"until": now + min(max(granted, _SHORTEST_LEASE), _LONGEST_LEASE), "refused": None})


def is_signed(known: Subscription, signature: str | None, body: bytes) -> bool:
    """Whether a body comes from whom the secret was told: ``X-Hub-Signature: sha256=…``."""
    method, _, given = (signature or "").partition("=")
    if method.lower() not in _HASHES:
        return False
    expected = hmac.new(known.secret.encode(), body, getattr(hashlib, method.lower())).hexdigest()
    return hmac.compare_digest(expected.encode(), given.strip().lower().encode())


class Subscriptions:
    """Where they are kept. Every method raises TransientError while Redis is away."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def find(self, source: str) -> Subscription | None:
        """The subscription of a source's feed."""
        return (await self.of([source])).get(source)

    async def of(self, sources: Sequence[str]) -> dict[str, Subscription]:
        """Those of several sources."""
        if not sources:
            return {}
        with redis_errors("reading subscriptions"):
            stored = await self._redis.hmget(_KEY, list(sources))
        return {
            source: Subscription.model_validate_json(value)
            for source, value in zip(sources, stored, strict=True)
            if value is not None
        }

    async def save(self, source: str, subscription: Subscription) -> None:
        """Remember one."""
        with redis_errors("storing a subscription"):
            await self._redis.hset(_KEY, source, subscription.model_dump_json())

    async def forget(self, source: str) -> None:
        """Forget one; the hub is told that it is gone when it sends something."""
        with redis_errors("forgetting a subscription"):
            await self._redis.hdel(_KEY, source)


def shown(subscription: Subscription, now: datetime) -> dict[str, object]:
    """As operators see it, without what only the hub may know."""
    state = "active" if subscription.is_active(now) else "refused" if subscription.refused else "asked"
    said = subscription.model_dump(mode="json", include={"hub", "topic", "asked_at", "until", "refused"})
    return {"state": state, **said}
