"""RSS, RDF and Atom as they are found."""

from pathlib import Path

from news_ingest.formats.outcome import Reading
from tests.ingest.reading import NOW, feed_of, noon, only

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def links_of(reading: Reading) -> list[list[str]]:
    return [[link.url for link in item.links] for _, item in reading.items]


def test_an_rss_feed_full_of_quirks_gives_all_its_items_with_their_links() -> None:
    reading = feed_of(sample("quirks.rss"), "application/rss+xml")
    assert (len(reading.items), reading.rejected) == (10, [])
    assert reading.warnings == [
        "without id and URL an item is known by its title and date only (item 5)",
        "date_published is no date (item 8)",
    ]
    site = "https://gazette.example"
    assert links_of(reading) == [
        [],
        [f"{site}/1"],
        [f"{site}/2"],
        [f"{site}/3"],
        [f"{site}/4"],
        [f"{site}/5"],
        [f"{site}/2"],
        [f"{site}/7"],
        [f"{site}/8"],
        [f"{site}/9"],
    ]
    items = [item for _, item in reading.items]
    assert [item.guid for item in items[:5]] == ["r1", "r2", "r3", f"{site}/4", f"{site}/5"]
    assert items[5].guid.startswith("urn:newsfeed:")
    assert [item.guid for item in items[6:]] == ["r7", "r8", "r9", "r10"]
    assert [item.url for item in items] == [
        *(f"{site}/1", f"{site}/2", f"{site}/news/3", f"{site}/4", f"{site}/5", None),
        *(f"{site}/7", f"{site}/8", f"{site}/9", f"{site}/10"),
    ]
    assert {item.language for item in items} == {"uk-UA"}


def test_dates_of_an_rss_feed_are_read_in_their_zones_and_an_unreadable_one_is_no_date() -> None:
    items = [item for _, item in feed_of(sample("quirks.rss")).items]
    hours = [12, 17, 12, 20, None, 10, 12, 12, None, 12]
    assert [(item.date_published if item.dated else None) for item in items] == [
        None if hour is None else noon(hour) for hour in hours
    ]
    assert all(item.date_published == NOW for item in items if not item.dated)
    assert all(item.date_modified is None for item in items)


def test_titles_authors_tags_and_images_of_an_rss_feed_are_plain() -> None:
    items = [item for _, item in feed_of(sample("quirks.rss")).items]
    assert items[1].title == "AT&T wins"
    assert items[5].title == "Without a title, without a link, with five"
    assert items[9].title == "Entities & – dashes"
    assert [person.name for person in items[1].authors] == ["Оксана Коваль"]
    assert [person.name for person in items[8].authors] == ["The Desk"]
    assert items[1].tags == ("Politics", "Law & order")
    assert items[1].summary == "A short teaser"
    assert (items[6].image, items[7].image) == (
        "https://img.gazette.example/7.jpg",
        "https://img.gazette.example/8.png",
    )
    bodies = "".join(item.content_html or "" for item in items)
    assert not [bad for bad in ("<script", "onclick", "javascript", "alert") if bad in bodies]


def test_an_atom_feed_full_of_quirks_gives_all_its_entries_with_their_links() -> None:
    reading = feed_of(sample("quirks.atom"), "application/atom+xml")
    assert (len(reading.items), reading.rejected, reading.warnings) == (10, [], [])
    assert links_of(reading) == [[], *[[f"https://herald.example/{n}"] for n in range(1, 10)]]
    items = [item for _, item in reading.items]
    assert [item.url for item in items] == [f"https://herald.example/{n}" for n in range(1, 11)]
    assert [item.title for item in items[1:3]] == ["Bold title", "An xhtml title"]
    assert [person.name for person in items[1].authors] == ["Ann", "Bob"]
    assert items[1].authors[0].url == "https://herald.example/ann"
    assert (items[1].date_published, items[1].date_modified) == (noon(10), noon(11))
    assert items[2].links[0].paragraph == 1
    assert [item.language for item in items[2:5]] == ["en", "de", "en"]
    assert not items[4].dated
    assert items[5].guid == "https://herald.example/6"
    assert items[6].image == "https://img.herald.example/7.jpg"
    assert (items[7].tags, items[7].image) == (("Sport", "The ball"), "https://img.herald.example/8.jpg")
    assert items[9].summary == "A teaser."


def test_a_feed_in_windows_1251_is_read_by_its_declaration_or_by_the_content_type() -> None:
    text = (
        '<rss version="2.0"><channel><title>t</title><item><title>Новини</title><guid>1</guid></item></channel></rss>'
    )
    declared = '<?xml version="1.0" encoding="windows-1251"?>' + text
    assert only(feed_of(declared.encode("windows-1251"))).title == "Новини"
    assert only(feed_of(text.encode("windows-1251"), "application/xml; charset=windows-1251")).title == "Новини"


def test_a_feed_that_breaks_off_gives_what_came_before_with_a_warning() -> None:
    whole = sample("quirks.rss")
    reading = feed_of(whole[: whole.index(b"<title>No guid")])
    assert [item.guid for _, item in reading.items][:3] == ["r1", "r2", "r3"]
    assert reading.warnings


def test_rdf_is_read_too() -> None:
    body = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        b'<channel rdf:about="https://a.example/"><title>t</title></channel>'
        b'<item rdf:about="https://a.example/1"><title>One</title><link>https://a.example/1</link></item></rdf:RDF>'
    )
    assert (only(feed_of(body)).title, only(feed_of(body)).url) == ("One", "https://a.example/1")


def test_external_entities_of_a_feed_are_not_read() -> None:
    body = (
        b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
        b'<rss version="2.0"><channel><item><title>X &secret;</title><guid>1</guid></item></channel></rss>'
    )
    assert "root:" not in "".join(item.title for _, item in feed_of(body).items)
