"""How this project connects to Kafka, and which of its errors mean «try again»."""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    InvalidProducerEpoch,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
    RecordTooLargeError,
)

from news_shared.errors import FencedError, PoisonError, TransientError
from news_shared.settings import KafkaSettings


class _ClientLog(logging.Handler):
    """Keeps why a broker could not be reached: the client only logs it, and raises that it reached none."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Of `logging.Handler`."""
        error = record.args[-1] if isinstance(record.args, tuple) and record.args else None
        if isinstance(error, Exception):
            self.last = repr(error)


_client_log = _ClientLog(logging.WARNING)
logging.getLogger("aiokafka").addHandler(_client_log)


def connection(settings: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments that every aiokafka client takes."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap,
        "request_timeout_ms": round(settings.request_timeout.total_seconds() * 1000),
        "retry_backoff_ms": 100,
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol.endswith("SSL"):
        arguments["ssl_context"] = ssl.create_default_context(cafile=settings.ssl_cafile)
    if settings.security_protocol.startswith("SASL"):
        arguments |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password.get_secret_value() if settings.sasl_password else None,
        }
    return arguments


def reading(settings: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments of every consumer: it sees nothing of transactions that were given up."""
    isolation = "read_committed" if settings.transactions else "read_uncommitted"
    return {**connection(settings), "isolation_level": isolation}


async def end_offset(consumer: AIOKafkaConsumer, tp: TopicPartition, settings: KafkaSettings) -> int:
    """The offset after the last committed record; moves the consumer's position of this partition.

    The embedded broker answers ListOffsets with one more than the *first* offset of the last batch; what it says
    beside fetched records is right, so there the last batch is fetched.
    """
    end = int((await consumer.end_offsets([tp]))[tp])
    if settings.transactions or end == 0:
        return end
    consumer.seek(tp, end - 1)
    for _ in range(20):
        if await consumer.getmany(tp, timeout_ms=250, max_records=1):
            return int(consumer.highwater(tp))
    raise TransientError(f"{tp.topic}/{tp.partition} does not give its last record")


@contextmanager
def kafka_errors(what: str) -> Iterator[None]:
    """Translate the client's errors into ours.

    Raises:
        FencedError: another owner has taken over.
        PoisonError: Kafka will never take this record.
        TransientError: anything else that Kafka or the network says.
    """
    try:
        yield
    except (ProducerFenced, InvalidProducerEpoch, CommitFailedError) as error:
        raise FencedError(f"{what}: {error!r}") from error
    except (MessageSizeTooLargeError, RecordTooLargeError) as error:
        raise PoisonError(f"{what}: {error}") from error
    except KafkaConnectionError as error:
        why = f", since: {_client_log.last}" if "bootstrap" in str(error) and _client_log.last else ""
        raise TransientError(f"{what}: {error!r}{why}") from error
    except (KafkaError, IllegalStateError, OSError, TimeoutError) as error:
        raise TransientError(f"{what}: {error!r}") from error
