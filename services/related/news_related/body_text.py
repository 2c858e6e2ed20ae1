"""The text that an article's body begins with, without its markup, and how much text there is."""

from html.parser import HTMLParser
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

if TYPE_CHECKING:
    from news_shared.articles import Article

MOST_COUNTED = 1_000
"""Characters: all that is longer is long."""

_FIRST_WIDE = "\u1100"  # no need to ask for those before it
_LOOKED_AT = 2 * MOST_COUNTED  # some may be blanks
_PIECE = 4096  # of markup, parsed in one go: most of a long body never is
_MOST_MARKUP = 16 * _PIECE  # a body that has little text so far is one of pictures
_UNSEEN = frozenset({"script", "style", "template"})
_INLINE = frozenset({"a", "abbr", "b", "cite", "code", "em", "i", "mark", "q", "s", "small", "span", "strong"})


def beginning_of_body(article: "Article", characters: int) -> str:
    """The first characters of the body, as many as asked for or some more; all of it where it is shorter.

    What has much markup for its text may be cut off sooner. Empty where the article has no body.
    """
    if article.content_text:
        return article.content_text[: 2 * characters]  # some may be blanks
    html = article.content_html or ""
    reader = _TextReader()
    for start in range(0, min(len(html), _MOST_MARKUP), _PIECE):
        reader.feed(html[start : start + _PIECE])
        if reader.characters > characters:
            break
    else:
        if len(html) <= _MOST_MARKUP:
            reader.close()  # gives what it held back for lack of an end
    return "".join(reader.parts)


def characters_of(article: "Article", body: str) -> int:
    """How much text tells what an article is about, `MOST_COUNTED` at the most: characters of the title and of the
    body, or of the summary where there is no body. Blanks between words count once, wide characters (Chinese, Japanese,
    Korean) twice, for they say more.

    Args:
        body: what it begins with, as many characters or more.
    """
    text = " ".join(article.title.split())
    if rest := " ".join(body[:_LOOKED_AT].split()) or " ".join((article.summary or "")[:_LOOKED_AT].split()):
        text = f"{text} {rest}"
    text = text[:MOST_COUNTED]
    wide = sum(c >= _FIRST_WIDE and east_asian_width(c) in "WF" for c in text) if not text.isascii() else 0
    return min(MOST_COUNTED, len(text) + wide)


class _TextReader(HTMLParser):
    """Collects the text of sanitised HTML; elements part words, but those inside a line do not."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.characters = 0
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._unseen += tag in _UNSEEN
        self._part(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self._part(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)
            self.characters += len(data.strip())

    def _part(self, tag: str) -> None:
        if tag not in _INLINE:
            self.parts.append(" ")
