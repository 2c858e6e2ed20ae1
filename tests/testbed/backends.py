"""The servers that tests run against: embedded, or Apache Kafka and a Redis Cluster (NEWS_TEST_BACKEND=kafka)."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from news_shared.errors import TransientError
from news_shared.kafka import connection
from news_shared.settings import KafkaSettings, RedisSettings
from news_shared.topics import TOPICS, create_topics
from newsfeed.embedded import embedded_kafka, embedded_redis
from tests.testbed.apache_kafka import ApacheKafka, apache_kafka
from tests.testbed.blocking import blocking
from tests.testbed.ports import reserved_port
from tests.testbed.redis_cluster import redis_cluster
from tests.testbed.waiting import until

PARTITIONS = 12


class Server(Protocol):
    """A server that a fault test can hurt."""

    def kill(self) -> None:
        """SIGKILL; an embedded server forgets everything, the others what they had not written."""

    def start(self) -> None:
        """Start it again on the same address and wait until it answers."""


class Broker(Server, Protocol):
    """A Kafka that can also be frozen."""

    def freeze(self) -> None:
        """SIGSTOP: it neither answers nor closes its connections."""

    def thaw(self) -> None:
        """SIGCONT."""


@dataclass(frozen=True)
class Backend:
    """Kafka and Redis with empty topics and no keys."""

    name: str
    kafka_bootstrap: str
    transactions: bool
    redis_url: str
    redis_cluster: bool
    kafka: Broker
    redis: Server

    @cached_property
    def kafka_settings(self) -> KafkaSettings:
        return KafkaSettings(
            bootstrap=self.kafka_bootstrap, transactions=self.transactions, static_members=self.transactions
        )

    @cached_property
    def redis_settings(self) -> RedisSettings:
        return RedisSettings(url=self.redis_url, cluster=self.redis_cluster)

    async def make_topics_anew(self) -> None:
        """All topics empty, Redis as it is."""
        if isinstance(self.kafka, ApacheKafka):
            await asyncio.to_thread(self.kafka.delete_topics)
        else:
            self.kafka.kill()  # the embedded broker forgets everything
            self.kafka.start()
        await _create_topics(self.kafka_settings)

    @property
    def environment(self) -> dict[str, str]:
        """Settings for a process of ours."""
        return {
            "NEWS_ENV": "embedded",
            "NEWS_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "NEWS_KAFKA_TRANSACTIONS": str(self.transactions).lower(),
            "NEWS_KAFKA_STATIC_MEMBERS": str(self.transactions).lower(),
            "NEWS_KAFKA_SESSION_TIMEOUT": "PT6S" if self.transactions else "PT3S",
            "NEWS_REDIS_URL": self.redis_url,
            "NEWS_REDIS_CLUSTER": str(self.redis_cluster).lower(),
            "NEWS_PARTITIONS": str(PARTITIONS),
            "NEWS_ADMIN_KEY": "dev",
            "NEWS_TRUSTED_PROXIES": "127.0.0.1",
        }


def backend_name() -> str:
    """``embedded`` or ``kafka``, from NEWS_TEST_BACKEND."""
    name = os.environ.get("NEWS_TEST_BACKEND", "embedded")
    if name not in {"embedded", "kafka"}:
        raise ValueError(f"NEWS_TEST_BACKEND is {name!r}; it may be embedded or kafka")
    return name


Fresh = Callable[[], Backend]


@contextmanager
def backends(name: str) -> Iterator[Fresh]:
    """A function that gives an empty backend each time; the embedded one by starting anew, the real one by clearing."""
    with ExitStack() as stack:
        if name == "embedded":
            servers = stack.enter_context(ExitStack())

            def fresh_embedded() -> Backend:
                servers.close()
                kafka = servers.enter_context(embedded_kafka(reserved_port()))
                redis = servers.enter_context(embedded_redis(reserved_port()))
                return _with_topics(
                    Backend("embedded", kafka.address, False, f"redis://{redis.address}/0", False, kafka, redis)
                )

            yield fresh_embedded
            return
        kafka = stack.enter_context(apache_kafka())
        cluster = stack.enter_context(redis_cluster())

        def fresh_real() -> Backend:
            kafka.revive()  # the test before may have left it dead or frozen
            cluster.start()
            kafka.delete_topics()
            cluster.flush()
            return _with_topics(
                Backend("kafka", kafka.address, True, f"redis://{cluster.address}/0", True, kafka, cluster)
            )

        yield fresh_real


def _with_topics(backend: Backend) -> Backend:
    blocking(_create_topics(backend.kafka_settings))
    return backend


async def _create_topics(kafka: KafkaSettings) -> None:
    """Create the topics and wait until the broker serves them: it hears of them some time after the controller."""

    async def are_created() -> bool:
        try:
            await create_topics(kafka, PARTITIONS)
        except TransientError:  # it is not yet through with deleting the former ones
            return False
        return True

    await until(are_created, "the broker to create the topics", seconds=60)
    of_all = [TopicPartition(spec.name, partition) for spec in TOPICS for partition in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(**connection(kafka))
    await consumer.start()

    async def are_served() -> bool:
        try:
            return all(end == 0 for end in (await consumer.end_offsets(of_all)).values())
        except KafkaError:
            return False

    try:
        await until(are_served, "the broker to serve the new topics", seconds=60)
    finally:
        await consumer.stop()
