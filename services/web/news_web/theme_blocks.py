"""The newest stories of some themes side by side, as the home page and an article's page show them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from news_shared.themes import theme_slug
from news_web.folding import UNASKED, ask_copies, folded
from news_web.peers import Part, Questions
from news_web.public_paths import Service
from news_web.stories import Item, card_id

_STORIES: Final = 4
_ASKED: Final = 2 * _STORIES  # one of them may be the story of the page, others copies


@dataclass(frozen=True)
class ThemeBlock:
    """A theme and its newest stories."""

    slug: str
    name: str
    items: Sequence[Item]


@dataclass(frozen=True)
class ThemeLists:
    """What the feed answered for each of some themes, in the same order, and what is known of copies among all."""

    names: Sequence[str]
    lists: Sequence[Part]
    copies: Part = UNASKED

    @property
    def status(self) -> str:
        """``ok`` when every list could be had."""
        return "ok" if all(part.is_ok for part in self.lists) else "unavailable"

    def blocks(self, *, without: str | None = None) -> Sequence[ThemeBlock]:
        """The themes that have a story, each text once, not counting one and its copies."""
        blocks = []
        for name, part in zip(self.names, self.lists, strict=True):
            items = folded(part.items, self.copies, without=without)[:_STORIES]
            if items:
                blocks.append(ThemeBlock(theme_slug(name), name, items))
        return blocks


async def ask_themes(
    questions: Questions, names: Sequence[str], language: str | None = None, *, beside: str | None = None
) -> ThemeLists:
    """The newest stories of each theme, in one language or in all, beside a story that has these themes."""
    wanted: dict[str, str | int] = {"limit": _ASKED}
    if language:
        wanted["language"] = language
    async with asyncio.TaskGroup() as tasks:
        lists = [
            tasks.create_task(questions.ask(Service.FEED, "/v1/articles", {**wanted, "theme": name}, age="cards"))
            for name in names
        ]
    found = [task.result() for task in lists]
    shown = [card_id(item) for part in found for item in part.items]
    named = [*shown, beside] if beside and shown else shown
    return ThemeLists(list(names), found, await ask_copies(questions, named, age="cards"))
