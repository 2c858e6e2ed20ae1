"""RSS 2.0 with whole texts (content), authors and languages (Dublin Core), dates of change and itself (Atom)."""

from email.utils import format_datetime
from html import escape

from lxml import etree

from news_feed.feed_xml import ATOM, CONTENT, DUBLIN_CORE, MEDIA, Element, add, document
from news_feed.out_feed import OutFeed, Place, entry_id
from news_shared.articles import Article
from news_shared.clock import rfc3339

MEDIA_TYPE = "application/rss+xml"
_NAMESPACES = {"atom": ATOM, "content": CONTENT, "dc": DUBLIN_CORE, "media": MEDIA}


def rss_feed(feed: OutFeed) -> bytes:
    """The document."""
    root = etree.Element("rss", version="2.0", nsmap=_NAMESPACES)
    channel = add(root, "channel")
    add(channel, "title", feed.title)
    add(channel, "link", feed.home)
    add(channel, "description", feed.title)
    if feed.language:
        add(channel, "language", feed.language)
    add(channel, "lastBuildDate", format_datetime(feed.updated))
    add(channel, f"{{{ATOM}}}link", rel="self", type=MEDIA_TYPE, href=feed.address)
    for article in feed.articles:
        _add_item(channel, article, feed.place)
    return document(root)


def _add_item(channel: Element, article: Article, place: Place) -> None:
    item = add(channel, "item")
    add(item, "title", article.title)
    add(item, "link", place.link_of(article))
    add(item, "guid", entry_id(article.id), isPermaLink="false")
    add(item, "pubDate", format_datetime(article.date_published))
    if article.date_modified:
        add(item, f"{{{ATOM}}}updated", rfc3339(article.date_modified))
    if article.language != "und":
        add(item, f"{{{DUBLIN_CORE}}}language", article.language)
    for author in article.authors:
        add(item, f"{{{DUBLIN_CORE}}}creator", author.name)
    for tag in article.tags:
        add(item, "category", tag)
    if article.summary:
        add(item, "description", escape(article.summary, quote=False))  # readers take it for HTML
    text = article.content_html or escape(article.content_text or "", quote=False)
    if text:
        add(item, f"{{{CONTENT}}}encoded", text)
    if article.image:
        add(item, f"{{{MEDIA}}}content", url=article.image, medium="image")
