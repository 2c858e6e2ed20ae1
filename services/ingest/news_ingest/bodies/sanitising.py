"""Bodies of articles: sanitised HTML in paragraphs, and the links in it."""

import html
import re
from dataclasses import dataclass

import nh3

from news_ingest.bodies.large_markup import with_few_attributes
from news_ingest.bodies.markup import READ_ATTRIBUTES, READ_TAGS
from news_ingest.bodies.writer import BodyWriter
from news_ingest.text import fit, one_line
from news_shared.articles import Link
from news_shared.errors import PoisonError

_SANITISER = nh3.Cleaner(
    tags=set(READ_TAGS),
    attributes={tag: set(names) for tag, names in READ_ATTRIBUTES.items()},
    url_schemes={"http", "https", "mailto"},
    link_rel=None,  # the writer says it
)
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
_MAX_LINKS = 200
_MAX_MARKUP = 4_000_000
_LARGE = 80_000  # characters: below, whatever stands there is sanitised in no time
_MAX_TAGS = 10_000  # an HTML5 parser takes time with the square of what is nested or left open
_MAX_REFERENCES = 150_000  # and of character references, broken ones above all


@dataclass(frozen=True)
class Body:
    """A sanitised body: top-level blocks only, so that «paragraph 3» means something."""

    html: str
    links: tuple[Link, ...]


def body_of_text(text: str) -> Body:
    """A body of plain text: blank lines part the paragraphs."""
    paragraphs = [one_line(part) for part in _BLANK_LINE.split(fit(text).replace("\r\n", "\n"))]
    return Body("\n".join(f"<p>{html.escape(part, quote=False)}</p>" for part in paragraphs if part), ())


def body_of_html(markup: str, base: str | None) -> Body:
    """A body of HTML: nothing active is left, every address is absolute, loose text is in paragraphs.

    Embeds (players, posts, maps) become links to what they show. Applied to its own result it changes nothing.

    Args:
        markup: HTML as somebody's software wrote it, a fragment or a page.
        base: absolute URL that its addresses are relative to.

    Raises:
        PoisonError: it has too many tags, or is nested too deeply, to be an article.
    """
    if len(markup) > _MAX_MARKUP:
        raise PoisonError(f"content_html has {len(markup):,} characters; at most {_MAX_MARKUP:,} are read")
    for what, character, most in (("tags", "<", _MAX_TAGS), ("character references", "&", _MAX_REFERENCES)):
        if len(markup) > most and (count := markup.count(character)) > most:
            raise PoisonError(f"content_html has {count:,} {what}; at most {most:,} are taken")
    markup = fit(markup)
    writer = BodyWriter(base)
    writer.write(_SANITISER.clean(markup if len(markup) < _LARGE else with_few_attributes(markup)))
    return Body("\n".join(writer.blocks), tuple(writer.links[:_MAX_LINKS]))
