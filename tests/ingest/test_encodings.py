"""Which encoding a document is in, whatever it and its server say."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_ingest.formats.detection import Format, read_document
from news_ingest.formats.encodings import decoded, mended
from news_ingest.formats.outcome import Reading
from news_shared.errors import PoisonError
from tests.ingest.test_samples import NOW

UKRAINIAN = "Їжак у Києві: ґанок, новини про місто та людей, які в ньому живуть"


def feed(title: str, declared: str | None = None) -> str:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return f"{declaration}<rss><channel><item><title>{title}</title><guid>1</guid></item></channel></rss>"


def title_of(body: bytes, content_type: str = "") -> str:
    return only(read_document(Format.RSS, body, content_type, "s", NOW))


def only(reading: Reading) -> str:
    [(_, item)] = reading.items
    return item.title


@pytest.mark.parametrize(
    ("encoding", "declared", "charset"),
    [
        ("utf-8", None, None),
        ("utf-8", "utf-8", "utf-8"),
        ("utf-8", "windows-1251", None),
        ("utf-8", None, "windows-1251"),
        ("utf-8", "iso-8859-1", "koi8-u"),
        ("utf-8-sig", "windows-1251", "windows-1251"),
        ("windows-1251", "windows-1251", None),
        ("windows-1251", None, "windows-1251"),
        ("windows-1251", "windows-1251", "utf-8"),
        ("windows-1251", "utf-8", "windows-1251"),
        ("windows-1251", None, None),
        ("koi8-u", "koi8-u", None),
        ("koi8-u", "koi8-r", None),
        ("koi8-u", None, "KOI8-U"),
        ("utf-16", "utf-16", None),
        ("utf-16", None, None),
        ("utf-16-le", "utf-16", "utf-8"),
        ("utf-16-be", None, None),
        ("utf-32", None, None),
    ],
)
def test_ukrainian_is_read_whatever_is_said_of_its_encoding(
    encoding: str, declared: str | None, charset: str | None
) -> None:
    content_type = f"text/xml; charset={charset}" if charset else "text/xml"
    assert title_of(feed(UKRAINIAN, declared).encode(encoding), content_type) == UKRAINIAN


@pytest.mark.parametrize(
    ("text", "encoding", "declared"),
    [
        ("“Café” – 10 €", "cp1252", "iso-8859-1"),
        ("“Café” – 10 €", "cp1252", "ascii"),
        ("中文新闻 镕", "gb18030", "gb2312"),
        ("ニュース ①", "cp932", "shift_jis"),
        ("ニュース", "iso2022_jp", "iso-2022-jp"),
        ("Łódź", "iso8859-2", "iso-8859-2"),
        ("Ştiri", "cp1250", "windows-1250"),
    ],
)
def test_what_software_calls_an_encoding_is_read_as_what_it_means(text: str, encoding: str, declared: str) -> None:
    assert title_of(feed(text, declared).encode(encoding)) == text


def test_what_is_not_in_the_encoding_that_it_claims_is_read_with_a_warning() -> None:
    reading = read_document(Format.RSS, feed(UKRAINIAN, "windows-1251").encode(), "", "s", NOW)
    assert reading.warnings == ["It says cp1251 but is UTF-8."]
    guessed = read_document(Format.RSS, feed(UKRAINIAN).encode("windows-1251"), "", "s", NOW)
    assert guessed.warnings == ["It does not say which encoding it is in; cp1251 was guessed."]
    broken = feed("x" * 1500 + UKRAINIAN, "utf-8").encode().replace(b"xxx", b"xx\xff", 1)
    reading = read_document(Format.RSS, broken, "", "s", NOW)
    assert only(reading).endswith(UKRAINIAN)
    assert [warning[:30] for warning in reading.warnings] == ["Bytes that are no UTF-8 are re"]


def test_utf8_with_characters_cut_through_is_read_as_utf8_and_says_how_much_is_lost() -> None:
    title = UKRAINIAN.encode()
    item = b"<item><title>" + title + b"</title><description>" + title + b"</description><guid>%d</guid></item>"
    cut = item.replace(b"</description>", b" \xd0</description>")
    body = b"<rss><channel>" + b"".join((cut if n < 3 else item) % n for n in range(6)) + b"</channel></rss>"
    reading = read_document(Format.RSS, body, "text/xml; charset=utf-8", "s", NOW)
    assert [item.title for _, item in reading.items] == [UKRAINIAN] * 6
    assert [f"{UKRAINIAN} \ufffd" in str(item.content_html) for _, item in reading.items] == [True] * 3 + [False] * 3
    assert [warning[:50] for warning in reading.warnings] == ["Bytes that are no UTF-8 are replaced: 3, the first"]


def test_an_emoji_as_two_halves_is_one_and_spoils_nothing() -> None:
    emoji = b"\xed\xa0\xbd\xed\xb8\x80"
    for title in ("Smile", UKRAINIAN):
        body = feed(f"{title} @", "utf-8").encode().replace(b"@", emoji)
        assert title_of(body) == f"{title} \U0001f600"


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-u"])
@given(text=st.text(alphabet="абвгґдеєжзиіїйклмнопрстуфхцчшщьюя АБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЬЮЯ.,", min_size=20))
def test_what_is_another_encoding_is_not_taken_for_damaged_utf8(encoding: str, text: str) -> None:
    body = f"Ні: Новини {text}".encode(encoding)
    with suppress(PoisonError):
        _, warning = decoded(body, "text/xml; charset=utf-8")
        assert "replaced" not in str(warning)


@pytest.mark.parametrize("name", ["zip", "utf-7", "rot13", "idna", "unicode_escape", "no-such-thing", "hex", "mbcs"])
def test_an_encoding_that_is_none_for_text_is_not_believed(name: str) -> None:
    assert title_of(feed("+ADw-x-", name).encode(), f"text/xml; charset={name}") == "+ADw-x-"


def test_json_is_utf_8_or_what_its_header_says_and_never_guessed() -> None:
    body = f'{{"title": "{UKRAINIAN}"}}'
    for encoding, content_type in (("utf-8", ""), ("utf-16", ""), ("cp1251", "application/json; charset=windows-1251")):
        assert only(read_document(Format.JSON, body.encode(encoding), content_type, "s", NOW)) == UKRAINIAN
    with pytest.raises(PoisonError, match="no known encoding"):
        read_document(Format.JSON, body.encode("cp1251"), "", "s", NOW)


@pytest.mark.parametrize("wrong", ["windows-1251", "latin-1", "windows-1252"])
def test_text_that_was_encoded_twice_is_put_right_with_a_warning(wrong: str) -> None:
    text = "Новини міста: у центрі відкрили парк" if wrong != "windows-1252" else "Déjà vu à Genève – l’été"
    twice = text.encode().decode(wrong)
    assert twice != text
    for form, body in ((Format.RSS, feed(twice)), (Format.JSON, f'{{"title": "{twice}"}}')):
        reading = read_document(form, body.encode(), "", "s", NOW)
        assert only(reading).replace("'", "’") == text
        assert any(warning.startswith("text that was encoded twice was put right") for warning in reading.warnings)


@pytest.mark.parametrize(
    "text",
    [
        UKRAINIAN,
        "РСФСР. СССР. Р. С. Р.",
        "Ð is an Icelandic letter, Ñ a Spanish one",
        "São Paulo, Âmbar, L’Île",
        "Škoda Žižkov",
        "日本語のニュース",
        "العربية",
        "Ελλάδα",
    ],
)
def test_text_that_was_encoded_once_is_left_alone(text: str) -> None:
    assert mended(text) == text


@given(
    st.text(alphabet="абвгґдеєжзиіїйклмнопрстуфхцчшщьюя АБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЬЮЯ.,:–«»0123456789", min_size=1)
)
def test_no_ukrainian_text_is_mended(text: str) -> None:
    assert mended(text) == text


@given(
    st.binary(max_size=300),
    st.sampled_from(["", "text/xml; charset=koi8-u", "text/xml; charset=utf-16", "x; charset="]),
)
def test_any_bytes_are_decoded_or_refused(body: bytes, content_type: str) -> None:
    try:
        text, _ = decoded(body, content_type)
    except PoisonError as error:
        assert str(error)  # noqa: PT017
    else:
        text.encode()
