"""The sitemap that search engines for news read: pages of the last two days."""

from collections.abc import Iterable
from datetime import timedelta

from lxml import etree

from news_feed.feed_xml import add, document
from news_feed.out_feed import Place
from news_shared.articles import Article
from news_shared.clock import rfc3339
from news_shared.languages import language_key

MEDIA_TYPE = "application/xml"
MAX_URLS = 1_000
REACH = timedelta(days=2)

_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
_S, _N = f"{{{_SITEMAP}}}", f"{{{_NEWS}}}"
_TRADITIONAL = {"hant", "tw", "hk", "mo"}


def news_sitemap(articles: Iterable[Article], place: Place) -> bytes:
    """The document; an article whose language is unknown is left out, because an entry must name it.

    A sitemap speaks of its own host only, so that an article whose original is elsewhere is listed with our page.
    """
    root = etree.Element(f"{_S}urlset", nsmap={None: _SITEMAP, "news": _NEWS})
    for article in articles:
        if article.language == "und":
            continue
        url = add(root, f"{_S}url")
        own = article.url if article.url and article.url.startswith(f"{place.origin}/") else None
        add(url, f"{_S}loc", own or place.page_of(article))
        news = add(url, f"{_N}news")
        publication = add(news, f"{_N}publication")
        add(publication, f"{_N}name", place.title)
        add(publication, f"{_N}language", _language(article.language))
        add(news, f"{_N}publication_date", rfc3339(article.date_published))
        add(news, f"{_N}title", article.title)
    return document(root)


def _language(tag: str) -> str:
    """Two or three letters, as search engines want it; of Chinese which script, by the region where none is named."""
    language, *parts = language_key(tag).split("-")
    if language != "zh":
        return language
    is_traditional = "hans" not in parts and not _TRADITIONAL.isdisjoint(parts)
    return "zh-tw" if is_traditional else "zh-cn"
