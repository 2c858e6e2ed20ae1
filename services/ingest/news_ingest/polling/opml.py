"""Lists of feeds as OPML 2.0, in and out."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from lxml import etree

from news_ingest.fetching.errors import FetchError
from news_ingest.fetching.fetcher import checked_url
from news_ingest.sources import Source
from news_ingest.text import one_line
from news_shared.errors import PoisonError
from news_shared.languages import language_tag

MAX_OUTLINES = 20_000
_MAX_THEMES = 20
_NO_WORD = re.compile(r"[^a-z0-9]+")
_LONGEST_ID = 50


@dataclass(frozen=True)
class Outline:
    """A feed of the list."""

    feed_url: str
    title: str = ""
    url: str | None = None
    language: str | None = None
    themes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """An outline that cannot be taken."""

    title: str
    feed_url: str
    error: str


def read_opml(body: bytes) -> tuple[list[Outline], list[Refused]]:
    """The feeds of a list, each address once; folders and categories become themes.

    Raises:
        PoisonError: this is no OPML, or has too many feeds.
    """
    if b"<!ENTITY" in body:
        raise PoisonError("the OPML declares entities; lists of feeds need none")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise PoisonError(f"this is no XML: {error}") from error
    if root is None or not isinstance(root.tag, str) or etree.QName(root).localname.lower() != "opml":
        raise PoisonError("this is no OPML: its outermost element must be <opml>")
    taken: dict[str, Outline] = {}
    refused: list[Refused] = []
    for element in root.iter("outline"):
        address = (element.get("xmlUrl") or element.get("xmlurl") or "").strip()
        if not address:
            continue
        if len(taken) + len(refused) >= MAX_OUTLINES:
            raise PoisonError(f"the list has more than {MAX_OUTLINES:,} feeds: send it in parts")
        title = one_line(element.get("title") or element.get("text") or "")[:300]
        try:
            address = str(checked_url(address))
        except FetchError as error:
            refused.append(Refused(title, address[:300], str(error)))
            continue
        taken.setdefault(
            address,
            Outline(
                address,
                title,
                _web_address(element.get("htmlUrl")),
                language_tag(element.get("language", "")),
                tuple(dict.fromkeys(_themes(element)))[:_MAX_THEMES],
            ),
        )
    return list(taken.values()), refused


def write_opml(sources: Iterable[tuple[Source, str]], now: datetime) -> bytes:
    """The list of sources with their feeds' addresses."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = "Sources"
    etree.SubElement(head, "dateCreated").text = format_datetime(now, usegmt=True)
    body = etree.SubElement(root, "body")
    for source, feed_url in sources:
        said = {
            "type": "rss",
            "text": source.title or source.id,
            "title": source.title,
            "xmlUrl": feed_url,
            "htmlUrl": source.url,
            "language": source.language,
            "category": ",".join(f"/{theme.replace(',', ' ').replace('/', ' ')}" for theme in source.themes),
        }
        etree.SubElement(body, "outline", {name: value for name, value in said.items() if value})
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


class SourceNames:
    """Gives names to new sources, none twice, also when ten thousand are of one host."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._numbers: Counter[str] = Counter()

    def new(self, feed_url: str, title: str) -> str:
        """A name of the title where that has Latin letters, else of the host."""
        stem = _NO_WORD.sub("-", title.lower()).strip("-")
        if len(stem) < 3:
            host = checked_url(feed_url).host.removeprefix("www.")
            stem = _NO_WORD.sub("-", host.lower()).strip("-") or "source"
        stem = name = stem[:_LONGEST_ID].strip("-")
        while name in self._taken:
            self._numbers[stem] += 1
            name = f"{stem}-{self._numbers[stem] + 1}"
        self._taken.add(name)
        return name


def _themes(element: etree._Element) -> Iterator[str]:
    for part in (element.get("category") or "").split(","):
        yield from filter(None, (one_line(name)[:100] for name in part.split("/")))
    folders = [parent for parent in element.iterancestors("outline") if not parent.get("xmlUrl")]
    for folder in reversed(folders):
        if name := one_line(folder.get("title") or folder.get("text") or "")[:100]:
            yield name


def _web_address(text: str | None) -> str | None:
    try:
        return str(checked_url(text)) if text else None
    except FetchError:
        return None
