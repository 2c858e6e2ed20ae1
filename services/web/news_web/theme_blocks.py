"""The newest stories of some themes side by side, as the home page and an article's page show them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from news_shared.themes import theme_slug
from news_web.peers import Part, Questions
from news_web.public_paths import Service
from news_web.stories import Item, card_id

_STORIES: Final = 4


@dataclass(frozen=True)
class ThemeBlock:
    """A theme and its newest stories."""

    slug: str
    name: str
    items: Sequence[Item]


@dataclass(frozen=True)
class ThemeLists:
    """What the feed answered for each of some themes, in the same order."""

    names: Sequence[str]
    lists: Sequence[Part]

    @property
    def status(self) -> str:
        """``ok`` when every list could be had."""
        return "ok" if all(part.is_ok for part in self.lists) else "unavailable"

    def blocks(self, *, without: str | None = None) -> Sequence[ThemeBlock]:
        """The themes that have a story, not counting one."""
        blocks = []
        for name, part in zip(self.names, self.lists, strict=True):
            items = [item for item in part.items if card_id(item) != without][:_STORIES]
            if items:
                blocks.append(ThemeBlock(theme_slug(name), name, items))
        return blocks


async def ask_themes(questions: Questions, names: Sequence[str], language: str | None = None) -> ThemeLists:
    """The newest stories of each theme, in one language or in all."""
    wanted: dict[str, str | int] = {"limit": _STORIES + 1}  # one of them may be the story of the page
    if language:
        wanted["language"] = language
    async with asyncio.TaskGroup() as tasks:
        lists = [
            tasks.create_task(questions.ask(Service.FEED, "/v1/articles", {**wanted, "theme": name}, age="cards"))
            for name in names
        ]
    return ThemeLists(list(names), [task.result() for task in lists])
