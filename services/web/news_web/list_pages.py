"""What the pages of lists are made of: the front page, a theme, a source, what was read most, a story."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from news_shared.themes import theme_slug
from news_web.article_page import count_of
from news_web.confirming import confirmed
from news_web.folding import UNASKED, ask_copies, ask_copies_in, folded, told_once
from news_web.peers import Part, Questions
from news_web.public_paths import Service
from news_web.stories import Item, card_id
from news_web.theme_blocks import ThemeLists, ask_themes

Window = Literal["1h", "24h", "7d"]
WINDOWS: Final[tuple[Window, ...]] = ("1h", "24h", "7d")

_HOME: Final = 18  # a lead beside two, then rows of three
_HOME_THEMES: Final = 6
_HOME_RANKED: Final = 5
_LIST: Final = 20
_MOST_READ: Final = 20


@dataclass(frozen=True)
class Ranked:
    """A story of a ranking, and its views there where the ranking counts any."""

    item: Item
    views: int | None


@dataclass(frozen=True)
class HomePage:
    """The newest stories, which of them are copies and their counts where known, what is read, and some themes."""

    newest: Part
    copies: Part
    counts: Mapping[str, int]
    themes: ThemeLists
    all_themes: Part
    most_read: Sequence[Ranked] = ()
    rising: Sequence[Ranked] = ()

    @property
    def items(self) -> Sequence[Item]:
        """The newest stories, each text once."""
        return folded(self.newest.items, self.copies)


@dataclass(frozen=True)
class ListPage:
    """Stories of one theme or source; `name` is None when nobody knows such a one."""

    listed: Part
    name: str | None
    counts: Mapping[str, int] = field(default_factory=dict)
    copies: Part = UNASKED

    @property
    def items(self) -> Sequence[Item]:
        """Its stories, newest first, each text once."""
        return folded(self.listed.items, self.copies)


@dataclass(frozen=True)
class StoryPage:
    """A story's thread; `name` is None when nobody knows such a one."""

    told: Part
    name: str | None
    counts: Mapping[str, int]
    copies: Part

    @property
    def items(self) -> Sequence[Item]:
        """Its reports, earliest first, each text once."""
        return told_once(self.told.items, self.copies)


@dataclass(frozen=True)
class MostReadPage:
    """What was read most in a window; `listed` says whether anybody could tell."""

    listed: Part
    ranked: Sequence[Ranked]


async def ask_home(questions: Questions, language: str | None, cursor: str | None) -> HomePage:
    """The front page, or an older page of it; all languages unless one is named."""
    async with asyncio.TaskGroup() as tasks:
        newest = tasks.create_task(_ask_list(questions, {"limit": _HOME}, language, cursor))
        themes = tasks.create_task(questions.ask(Service.RELATED, "/v1/themes", age="cards"))
        read = tasks.create_task(_ask_rankings(questions, language) if cursor is None else _no_rankings())
        blocks = tasks.create_task(_ask_home_themes(questions, themes, language) if cursor is None else _no_themes())
        counts = tasks.create_task(_counts_of(questions, newest))
        copies = tasks.create_task(ask_copies_in(questions, newest))
    most_read, rising = read.result()
    listed, *lists = await confirmed(questions, [newest.result(), *blocks.result().lists])
    return HomePage(
        newest=listed,
        copies=copies.result(),
        counts=counts.result(),
        themes=replace(blocks.result(), lists=lists),
        all_themes=themes.result(),
        most_read=most_read,
        rising=rising,
    )


async def ask_theme(questions: Questions, slug: str, language: str | None, cursor: str | None) -> ListPage:
    """A theme's page, or an older page of it."""
    name: str | None = None
    listed = await _ask_list(questions, {"theme": slug, "limit": _LIST}, language, cursor)
    if listed.is_ok and not listed.items:
        # Perhaps a slug as `related` spells it; it knows the name behind it, and names of themes without stories.
        known = await questions.ask(Service.RELATED, f"/v1/themes/{slug}", {"limit": 1})
        name = (known.body.get("theme") or {}).get("name") if known.is_ok else None
        if name is not None and theme_slug(name) != slug:
            listed = await _ask_list(questions, {"theme": name, "limit": _LIST}, language, cursor)
    tags = (tag for item in listed.items for tag in item.get("tags") or ())
    name = name or next((tag for tag in tags if theme_slug(tag) == theme_slug(slug)), None)
    return await _newest_first(questions, listed, name)


async def ask_source(questions: Questions, source: str, language: str | None, cursor: str | None) -> ListPage:
    """The stories of one source, newest first."""
    listed = await _ask_list(questions, {"source": source, "limit": _LIST}, language, cursor)
    return await _newest_first(questions, listed, source if listed.items or language or cursor else None)


async def ask_texts(questions: Questions, names: Sequence[str]) -> ListPage:
    """Stories by their ids, earliest first, as lists name the copies of a text; each text once, newest first."""
    found = await questions.ask(Service.FEED, "/v1/articles", {"article": names}, is_main=True)
    items = {card_id(item): item for item in found.items}
    newest_first = [items[name] for name in dict.fromkeys(reversed(names)) if name in items]
    return await _newest_first(questions, replace(found, body={**found.body, "items": newest_first}), None)


async def ask_story(questions: Questions, story: str) -> StoryPage:
    """A story's thread in order of time; its name is the headline that it began with."""
    told = await questions.ask(Service.RELATED, f"/v1/stories/{story}", is_main=True)
    [listed] = await confirmed(questions, [told])
    name = str(listed.items[0]["title"]) if listed.items else None
    counts, copies = await asyncio.gather(_counts(questions, listed), ask_copies(questions, map(card_id, listed.items)))
    return StoryPage(listed, name, counts, copies)


async def ask_all_themes(questions: Questions, cursor: str | None) -> Part:
    """All themes, a page at a time."""
    return await questions.ask(Service.RELATED, "/v1/themes", {"cursor": cursor} if cursor else None, is_main=True)


async def ask_most_read(questions: Questions, window: Window, language: str | None) -> MostReadPage:
    """What was read most in the window."""
    [ranking] = await _ask_ranked(questions, {"most-read": window}, _MOST_READ, language)
    items = await _ask_stories(questions, ranking)
    return MostReadPage(ranking, _ranked(ranking, items))


async def _ask_list(
    questions: Questions, selection: Mapping[str, str | int], language: str | None, cursor: str | None
) -> Part:
    wanted = dict(selection)
    if language:
        wanted["language"] = language
    if cursor:
        wanted["cursor"] = cursor
    return await questions.ask(Service.FEED, "/v1/articles", wanted, is_main=True)


async def _newest_first(questions: Questions, listed: Part, name: str | None) -> ListPage:
    [safe] = await confirmed(questions, [listed])
    counts, copies = await asyncio.gather(_counts(questions, safe), ask_copies(questions, map(card_id, safe.items)))
    return ListPage(safe, name, counts, copies)


async def _ask_home_themes(questions: Questions, asked: "asyncio.Task[Part]", language: str | None) -> ThemeLists:
    names = [str(theme["name"]) for theme in (await asked).items[:_HOME_THEMES]]
    return await ask_themes(questions, names, language)


async def _no_themes() -> ThemeLists:
    return ThemeLists([], [])


async def _ask_rankings(questions: Questions, language: str | None) -> tuple[Sequence[Ranked], Sequence[Ranked]]:
    """What was read most in a day, and what rises now and is not among that."""
    asked = {"most-read": "24h", "trending": "1h"}
    most_read, rising = await _ask_ranked(questions, asked, 2 * _HOME_RANKED, language)
    items = await _ask_stories(questions, most_read, rising)
    most = _ranked(most_read, items)[:_HOME_RANKED]
    shown = {card_id(one.item) for one in most}
    return most, [one for one in _ranked(rising, items) if card_id(one.item) not in shown][:_HOME_RANKED]


async def _no_rankings() -> tuple[Sequence[Ranked], Sequence[Ranked]]:
    return (), ()


async def _ask_ranked(
    questions: Questions, windows: Mapping[str, str], limit: int, language: str | None
) -> Sequence[Part]:
    wanted = {"limit": limit} | ({"language": language} if language else {})
    async with asyncio.TaskGroup() as tasks:
        asked = [
            tasks.create_task(questions.ask(Service.VIEWS, f"/v1/{ranking}", {"window": window, **wanted}, age="cards"))
            for ranking, window in windows.items()
        ]
    return [task.result() for task in asked]


async def _ask_stories(questions: Questions, *rankings: Part) -> Mapping[str, Item]:
    """The stories of rankings, which name them only; those that are published, whatever the ranking says."""
    names = list(dict.fromkeys(str(item["article"]) for ranking in rankings for item in ranking.items))
    if not names:
        return {}
    found = await questions.ask(Service.FEED, "/v1/articles", {"article": names}, age="cards")
    [found] = await confirmed(questions, [found])
    return {card_id(item): item for item in found.items}


def _ranked(ranking: Part, items: Mapping[str, Item]) -> Sequence[Ranked]:
    shown = [(one, items[one["article"]]) for one in ranking.items if one["article"] in items]
    return [Ranked(item, count_of(one) if ranking.status == "ok" else None) for one, item in shown]


async def _counts_of(questions: Questions, listed: "asyncio.Task[Part]") -> Mapping[str, int]:
    return await _counts(questions, await listed)


async def _counts(questions: Questions, listed: Part) -> Mapping[str, int]:
    names = [card_id(item) for item in listed.items][:100]
    if not names:
        return {}
    answer = await questions.ask(Service.VIEWS, "/v1/views", {"article": names})
    if answer.status != "ok":
        return {}  # no number rather than an old one
    counts = ((item.get("article"), count_of(item)) for item in answer.items if item)
    return {str(article): count for article, count in counts if article and count is not None}
