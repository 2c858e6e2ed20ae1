"""Atom 1.0 (RFC 4287), with pictures as Media RSS and tombstones (RFC 6721) of what was withdrawn."""

from lxml import etree

from news_feed.feed_xml import ATOM, MEDIA, TOMBSTONES, XML_LANGUAGE, Element, add, document
from news_feed.out_feed import OutFeed, Place, entry_id, last_change
from news_shared.articles import Article
from news_shared.clock import from_epoch_ms, rfc3339

MEDIA_TYPE = "application/atom+xml"
_A = f"{{{ATOM}}}"


def atom_feed(feed: OutFeed) -> bytes:
    """The document."""
    root = etree.Element(f"{_A}feed", nsmap={None: ATOM, "at": TOMBSTONES, "media": MEDIA})
    if feed.language:
        root.set(XML_LANGUAGE, feed.language)
    add(root, f"{_A}id", feed.address)
    add(root, f"{_A}title", feed.title)
    add(root, f"{_A}updated", rfc3339(feed.updated))
    add(root, f"{_A}link", rel="self", type=MEDIA_TYPE, href=feed.address)
    add(root, f"{_A}link", rel="alternate", type="text/html", href=feed.home)
    add(add(root, f"{_A}author"), f"{_A}name", feed.place.title)  # of entries that name nobody; one must be there
    for article in feed.articles:
        _add_entry(root, article, feed.place)
    for gone in feed.withdrawn:
        when = rfc3339(from_epoch_ms(gone.date_ms))
        add(root, f"{{{TOMBSTONES}}}deleted-entry", ref=entry_id(gone.id), when=when)
    return document(root)


def _add_entry(root: Element, article: Article, place: Place) -> None:
    entry = add(root, f"{_A}entry")
    if article.language != "und":
        entry.set(XML_LANGUAGE, article.language)
    add(entry, f"{_A}id", entry_id(article.id))
    add(entry, f"{_A}title", article.title)
    add(entry, f"{_A}published", rfc3339(article.date_published))
    add(entry, f"{_A}updated", rfc3339(last_change(article)))
    add(entry, f"{_A}link", rel="alternate", type="text/html", href=place.link_of(article))
    for author in article.authors:
        person = add(entry, f"{_A}author")
        add(person, f"{_A}name", author.name)
        if author.url:
            add(person, f"{_A}uri", author.url)
    for tag in article.tags:
        add(entry, f"{_A}category", term=tag)
    if article.summary:
        add(entry, f"{_A}summary", article.summary)
    if article.content_html:
        add(entry, f"{_A}content", article.content_html, type="html")
    elif article.content_text:
        add(entry, f"{_A}content", article.content_text)
    if article.image:
        add(entry, f"{{{MEDIA}}}content", url=article.image, medium="image")
