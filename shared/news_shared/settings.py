"""Settings that several services share; read once per process, validated all at once, passed down from there."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Literal, TypeVar, overload

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from news_shared.mistakes import in_words

DEVELOPMENT_KEY = "dev"


class KafkaSettings(BaseSettings):
    """Where Kafka is and what it can do (``NEWS_KAFKA_*``)."""

    model_config = SettingsConfigDict(env_prefix="NEWS_KAFKA_", frozen=True)

    bootstrap: str = Field("127.0.0.1:9092", description="Comma-separated host:port of some brokers.")
    transactions: bool = Field(
        True, description="Off only for the embedded broker, which has no transactions and no idempotent producer."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: str | None = Field(None, description="PEM file of the authority that signed the brokers' certificates.")
    request_timeout: timedelta = Field(timedelta(seconds=5), gt=timedelta(0), description="Of one call to a broker.")
    delivery_timeout: timedelta = Field(
        timedelta(seconds=4), gt=timedelta(0), description="After it an unacknowledged write is answered 503."
    )
    session_timeout: timedelta = Field(
        timedelta(seconds=6), gt=timedelta(0), description="A silent group member loses its partitions after it."
    )
    static_members: bool = Field(
        True, description="Group members keep their partitions over a quick restart. Off for the embedded broker."
    )
    replication: int = Field(1, ge=1, le=7, description="Copies of each partition of the topics that we create.")

    @field_validator("ssl_cafile")
    @classmethod
    def _certificates_can_be_read(cls, path: str | None) -> str | None:
        if path:  # without one the machine's own are used, which take 30 ms to read and are not ours to check
            try:
                ssl.create_default_context(cafile=path)
            except OSError as error:  # of TLS too
                raise ValueError(f"{path} cannot be read as certificates in PEM: {error}") from error
        return path

    @model_validator(mode="after")
    def _sasl_has_a_user(self) -> "KafkaSettings":
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError(
                "NEWS_KAFKA_SASL_USERNAME and NEWS_KAFKA_SASL_PASSWORD must be set when "
                f"NEWS_KAFKA_SECURITY_PROTOCOL is {self.security_protocol}"
            )
        return self


class RedisSettings(BaseSettings):
    """Where Redis or Valkey is (``NEWS_REDIS_*``)."""

    model_config = SettingsConfigDict(env_prefix="NEWS_REDIS_", frozen=True)

    url: str = Field("redis://127.0.0.1:6379/0", pattern=r"^(redis|rediss|unix)://")
    cluster: bool = Field(False, description="The URL names one node of a Redis Cluster.")
    timeout: timedelta = Field(timedelta(seconds=2), gt=timedelta(0), description="Of one command.")


class ProcessSettings(BaseSettings):
    """What every process knows of its surroundings (``NEWS_*``)."""

    model_config = SettingsConfigDict(env_prefix="NEWS_", frozen=True)

    env: Literal["embedded", "development", "production"] = "development"
    partitions: int = Field(12, ge=1, le=1024, description="Of every partitioned topic; fixed for the topics' life.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(0, ge=0, le=65535, description="Port to listen on; a projector serves its health there.")
    admin_key: SecretStr = Field(SecretStr(DEVELOPMENT_KEY), description="Opens every call.")
    instance: str = Field(
        default_factory=socket.gethostname,
        description="Names this process among the copies of its role, across restarts.",
    )
    trusted_proxies: str = Field(
        "127.0.0.1", description="Addresses or networks whose X-Forwarded-For is believed, comma-separated."
    )
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    crash_at: str | None = Field(None, description="For fault tests: a crash point, name or name:N.")
    drain_timeout: timedelta = Field(timedelta(seconds=8), gt=timedelta(0), description="For finishing work at a stop.")

    @field_validator("admin_key")
    @classmethod
    def _fits_into_a_header(cls, key: SecretStr) -> SecretStr:
        """Without white space around it: a secret that is read from a file ends in a line break."""
        said = key.get_secret_value().strip()
        if not (said.isascii() and said.isprintable()):
            raise ValueError(
                "use letters, digits and signs of ASCII only: the header that brings the key has no others"
            )
        return SecretStr(said)

    @model_validator(mode="after")
    def _production_has_its_own_key(self) -> "ProcessSettings":
        if self.env == "production" and self.admin_key.get_secret_value() in {"", DEVELOPMENT_KEY}:
            raise ValueError("NEWS_ADMIN_KEY must be set to a key of your own when NEWS_ENV=production")
        return self


S = TypeVar("S", bound=BaseSettings)
A = TypeVar("A", bound=BaseSettings)
B = TypeVar("B", bound=BaseSettings)
C = TypeVar("C", bound=BaseSettings)
D = TypeVar("D", bound=BaseSettings)


def read_settings(kind: type[S]) -> S:
    """The settings of one group from the environment.

    Raises:
        SystemExit: with every mistake in one message, each naming its variable.
    """
    [settings] = _read([kind])
    return settings


@overload
def read_groups(one: type[S], two: type[A], /) -> tuple[S, A]: ...
@overload
def read_groups(one: type[S], two: type[A], three: type[B], /) -> tuple[S, A, B]: ...
@overload
def read_groups(one: type[S], two: type[A], three: type[B], four: type[C], /) -> tuple[S, A, B, C]: ...
@overload
def read_groups(
    one: type[S], two: type[A], three: type[B], four: type[C], five: type[D], /
) -> tuple[S, A, B, C, D]: ...
def read_groups(*kinds: type[BaseSettings]) -> tuple[BaseSettings, ...]:
    """The settings of several groups from the environment.

    Raises:
        SystemExit: with every mistake in any of them in one message, each naming its variable.
    """
    return tuple(_read(kinds))


def _read(kinds: Sequence[type[S]]) -> list[S]:
    read: list[S] = []
    mistakes: list[str] = []
    for kind in kinds:
        try:
            read.append(kind())
        except ValidationError as error:
            mistakes += _mistakes(kind, error)
    if mistakes:
        raise SystemExit("These settings must be corrected:\n" + "\n".join(mistakes))
    return read


def _mistakes(kind: type[BaseSettings], error: ValidationError) -> Iterator[str]:
    prefix = str(kind.model_config.get("env_prefix", ""))
    for mistake in error.errors(include_input=False):  # the input may be a secret
        variable = f"{prefix}{'__'.join(map(str, mistake['loc'])).upper()}: " if mistake["loc"] else ""
        yield f"  {variable}{in_words(mistake)}"
