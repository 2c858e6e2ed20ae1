"""What a process is told at its start, and what it says of mistakes."""

import pytest

from news_feed.settings import FeedSettings
from news_shared.settings import ProcessSettings, read_settings


def test_mistakes_in_any_group_are_told_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "NEWS_PARTITIONS": "none",
        "NEWS_KAFKA_REPLICATION": "0",
        "NEWS_REDIS_URL": "http://redis",
        "NEWS_FEED_STREAMS": "0",
        "NEWS_ADMIN_KEY": "ключ",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as told:
        FeedSettings.read()
    assert all(name in str(told.value) for name in wrong)
    assert "ключ" not in str(told.value)


def test_a_key_that_ends_in_a_line_break_is_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWS_ADMIN_KEY", "s3cret\n")
    assert read_settings(ProcessSettings).admin_key.get_secret_value() == "s3cret"


@pytest.mark.parametrize("key", ["ключ", "in\ntwo", ""])
def test_a_key_that_no_header_can_bring_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("NEWS_ADMIN_KEY", key)
    monkeypatch.setenv("NEWS_ENV", "production")
    with pytest.raises(SystemExit, match="NEWS_ADMIN_KEY"):
        read_settings(ProcessSettings)


def test_a_mistake_that_only_we_know_is_told_as_it_is_worded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWS_ENV", "production")
    monkeypatch.delenv("NEWS_ADMIN_KEY", raising=False)
    with pytest.raises(SystemExit, match=r"\n  NEWS_ADMIN_KEY must be set"):
        read_settings(ProcessSettings)
