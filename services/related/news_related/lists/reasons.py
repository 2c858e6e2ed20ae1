"""Why an article is shown beside another: as data, and in the reader's words (English and Ukrainian)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from news_shared.article_ids import ArticleId
from news_shared.languages import preferred_language, primary_language

ReasonKind = Literal["pinned", "translation", "cites", "backlink", "same_story", "similar", "theme", "duplicate"]
Words = Literal["en", "uk"]
_SPOKEN: tuple[Words, ...] = get_args(Words)

KINDS: tuple[ReasonKind, ...] = ("pinned", "translation", "backlink", "same_story", "similar", "theme")
"""Kinds of `related`, strongest first; a list never has what the body links (`cites`) nor a copy (`duplicate`)."""

_ORDINALS: Mapping[Words, Sequence[str]] = {
    "en": ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    "uk": (
        "першому",
        "другому",
        "третьому",
        "четвертому",
        "п’ятому",
        "шостому",
        "сьомому",
        "восьмому",
        "дев’ятому",
        "десятому",
    ),
}


class Reason(NamedTuple):
    """Why, as data.

    Attributes:
        paragraph: of the link, counted from 0, for `cites` and `backlink`.
        themes: names shared, for `theme`.
        original: the other is what this article translates, for `translation`.
        via: title of the article that both link to (`same_story`) or of the translation that is linked (`backlink`).
        via_article: its id; who keeps the title can hear when that article is withdrawn.
        note: the editor's words, for `pinned`.
        shared: how much of their wording the two have in common (1: all of it), for `duplicate`.
        similarity: how near the two are in meaning (1: the same), where that is the reason: `translation`, `same_story`
            and `similar` that nobody declared.
        when: whether the other is the earlier or the later report, for a `same_story` by meaning.
    """

    kind: ReasonKind
    paragraph: int | None = None
    themes: tuple[str, ...] = ()
    original: bool = False
    via: str | None = None
    via_article: ArticleId | None = None
    note: str | None = None
    shared: float | None = None
    similarity: float | None = None
    when: Literal["earlier", "later"] | None = None

    def shown(self, words: Words) -> dict[str, Any]:
        """As JSON: kind, text, and the data that the text tells."""
        shown: dict[str, Any] = {"kind": self.kind, "text": text_of(self, words)}
        if self.paragraph is not None:
            shown["paragraph"] = self.paragraph
        if self.themes:
            shown["themes"] = list(self.themes)
        if self.via is not None:
            shown["via"] = self.via
        if self.via_article is not None:
            shown["via_article"] = self.via_article
        if self.shared is not None:
            shown["shared"] = round(self.shared, 2)
        if self.similarity is not None:
            shown["similarity"] = round(self.similarity, 4)
        return shown


def text_of(reason: Reason, words: Words) -> str:
    """A reason in words."""
    return _ukrainian(reason) if words == "uk" else _english(reason)


def _english(reason: Reason) -> str:
    match reason.kind:
        case "pinned":
            return reason.note or "chosen by the editors"
        case "translation" if reason.similarity is not None:
            return "the same report in another language"
        case "translation":
            return "original of this article" if reason.original else "translation of this article"
        case "cites":
            return f"linked from the {_paragraph(reason.paragraph, 'en')}"
        case "backlink" if reason.via is not None:
            return f"links to “{reason.via}”, a translation of this article"
        case "backlink":
            return "links to this article"
        case "same_story" if reason.via is not None:
            return f"both link to “{reason.via}”"
        case "same_story":
            return f"{reason.when} report of the same story" if reason.when else "another report of the same story"
        case "similar":
            return "about something similar"
        case "theme":
            return f"both about {_listed(reason.themes, 'and')}"
        case "duplicate":
            return "the same text" if _is_whole(reason) else "almost the same text"


def _ukrainian(reason: Reason) -> str:
    match reason.kind:
        case "pinned":
            return reason.note or "вибір редакції"
        case "translation" if reason.similarity is not None:
            return "те саме повідомлення іншою мовою"
        case "translation":
            return "оригінал цієї статті" if reason.original else "переклад цієї статті"
        case "cites":
            return f"посилання {_paragraph(reason.paragraph, 'uk')}"
        case "backlink" if reason.via is not None:
            return f"посилається на «{reason.via}», переклад цієї статті"
        case "backlink":
            return "посилається на цю статтю"
        case "same_story" if reason.via is not None:
            return f"обидві посилаються на «{reason.via}»"
        case "same_story":
            told = {"earlier": "раніше", "later": "пізніше", None: "інше"}[reason.when]
            return f"{told} повідомлення про ту саму подію"
        case "similar":
            return "про подібне"
        case "theme":
            name = "спільна тема" if len(reason.themes) == 1 else "спільні теми"
            return f"{name}: {_listed(reason.themes, 'і')}"
        case "duplicate":
            return "той самий текст" if _is_whole(reason) else "майже той самий текст"


def _is_whole(reason: Reason) -> bool:
    return reason.shared is not None and reason.shared > 0.99


def _paragraph(index: int | None, words: Words) -> str:
    number = (index or 0) + 1
    ordinals = _ORDINALS[words]
    if words == "uk":
        return f"у {ordinals[number - 1]} абзаці" if number <= len(ordinals) else f"в абзаці {number}"
    return f"{ordinals[number - 1]} paragraph" if number <= len(ordinals) else f"{_nth(number)} paragraph"


def _nth(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _listed(names: Sequence[str], last: str) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def words_for(languages: Sequence[str], accept_language: str | None) -> Words:
    """The language of reasons: the one that cards were asked in, else the reader's first that we speak, else English.

    Args:
        languages: values of ``language=``; more than one says nothing about the reader.
        accept_language: the header.
    """
    spoken = primary_language(languages[0]) if len(languages) == 1 else None
    if spoken not in _SPOKEN:
        spoken = preferred_language(accept_language or "", _SPOKEN)
    return "uk" if spoken == "uk" else "en"
