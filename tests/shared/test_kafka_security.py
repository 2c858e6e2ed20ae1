"""TLS and SASL: what is set wrongly is told at the start where that can be known, else as the client found it."""

import asyncio
import ssl
from pathlib import Path

import pytest

from news_shared.errors import TransientError
from news_shared.settings import KafkaSettings, read_settings
from news_shared.topics import check_topics


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_certificates_that_cannot_be_read_are_told_with_their_path(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("NEWS_KAFKA_SSL_CAFILE", str(file))
    with pytest.raises(SystemExit, match=f"NEWS_KAFKA_SSL_CAFILE: .*{file} cannot be read"):
        read_settings(KafkaSettings)


@pytest.mark.parametrize("named", [None, ""])
def test_no_certificates_are_read_where_none_are_named(named: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl, "create_default_context", lambda **_: pytest.fail("the machine's own were read"))
    assert not KafkaSettings(ssl_cafile=named).ssl_cafile


@pytest.mark.parametrize("given", [{}, {"NEWS_KAFKA_SASL_USERNAME": "news"}, {"NEWS_KAFKA_SASL_PASSWORD": "hidden"}])
def test_sasl_without_a_user_is_told(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"NEWS_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", **given}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match="NEWS_KAFKA_SASL_USERNAME and NEWS_KAFKA_SASL_PASSWORD") as told:
        read_settings(KafkaSettings)
    assert "hidden" not in str(told.value)


async def test_what_the_client_found_is_told() -> None:
    async def answer_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no TLS here")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer_plainly, "127.0.0.1", 0) as server:
        bootstrap = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(TransientError, match=r"Unable to bootstrap.*, since: SSLError.*WRONG_VERSION_NUMBER"):
            await check_topics(KafkaSettings(bootstrap=bootstrap, security_protocol="SSL"), 12)
