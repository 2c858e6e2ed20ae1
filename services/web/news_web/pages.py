"""What a page is made of: which service is asked for which part, all at once, and what happens without it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from news_shared.article_ids import ArticleId
from news_shared.themes import theme_slug
from news_web.peers import Part, Peers
from news_web.public_paths import Service
from news_web.stories import Item

_THEMES_OF_AN_ARTICLE: Final = 3
_STORIES_A_THEME: Final = 4
_THEMES_OF_THE_HOME_PAGE: Final = 6
_STORIES_OF_THE_HOME_PAGE: Final = 18  # a lead beside two, then rows of three
_STORIES_OF_A_THEME_PAGE: Final = 20
_RELATED: Final = 8


@dataclass(frozen=True)
class ThemeBlock:
    """A theme and its newest stories."""

    slug: str
    name: str
    items: Sequence[Item]


@dataclass(frozen=True)
class ArticlePage:
    """An article with everything around it; each part with its own status."""

    article: Part
    views: Part
    links: Part
    related: Part
    themes: Sequence[ThemeBlock]
    themes_status: str
    original: Item | None

    @property
    def count(self) -> int | None:
        """Views, or None when nobody can say now: no number rather than a wrong one."""
        return _count(self.views.body) if self.views.is_ok else None

    @property
    def translations(self) -> Sequence[Item]:
        """Stories that say the same in another language, each once."""
        found = [item for item in self._related if _kind(item) == "translation"]
        if self.original is not None and all(item["article"] != self.original["article"] for item in found):
            found.append(self.original)
        return found

    @property
    def related_items(self) -> Sequence[Item]:
        """Related stories without the translations, which have their own place."""
        apart = {item["article"] for item in self.translations}
        return [item for item in self._related if item["article"] not in apart]

    @property
    def body_links(self) -> Sequence[Item]:
        """Hyperlinks of the body with the cards of our stories."""
        return list(self.links.body.get("links", ()))

    @property
    def backlinks(self) -> Sequence[Item]:
        """Cards of the stories that link to this one."""
        return list(self.links.body.get("backlinks", ()))

    @property
    def _related(self) -> Sequence[Item]:
        return list(self.related.body.get("items", ()))


@dataclass(frozen=True)
class HomePage:
    """The newest stories, their counts where known, and some themes."""

    newest: Part
    counts: Mapping[str, int]
    themes: Sequence[ThemeBlock]
    all_themes: Part


@dataclass(frozen=True)
class ThemePage:
    """The newest stories of one theme; `name` is None when nobody knows such a theme."""

    listed: Part
    name: str | None
    counts: Mapping[str, int]


class Pages:
    """Puts pages together."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def article(self, article_id: ArticleId, language: str) -> ArticlePage:
        """An article's page, reasons in the given language; look at ``article.status`` first."""
        path = f"/v1/articles/{article_id}"
        async with asyncio.TaskGroup() as tasks:
            article = tasks.create_task(self._peers.ask(Service.FEED, path))
            views = tasks.create_task(self._peers.ask(Service.VIEWS, f"{path}/views"))
            links = tasks.create_task(self._peers.ask(Service.RELATED, f"{path}/links"))
            related = tasks.create_task(
                self._peers.ask(Service.RELATED, f"{path}/related", {"limit": _RELATED}, language=language)
            )
            around = tasks.create_task(self._around(article))
        themes, status, original = around.result()
        return ArticlePage(article.result(), views.result(), links.result(), related.result(), themes, status, original)

    async def home(self, language: str | None, cursor: str | None) -> HomePage:
        """The front page, or an older page of it; all languages unless one is named."""
        wanted: dict[str, str | int] = {"limit": _STORIES_OF_THE_HOME_PAGE}
        if language:
            wanted["language"] = language
        if cursor:
            wanted["cursor"] = cursor
        async with asyncio.TaskGroup() as tasks:
            newest = tasks.create_task(self._peers.ask(Service.FEED, "/v1/articles", wanted))
            themes = tasks.create_task(self._peers.ask(Service.RELATED, "/v1/themes"))
        listed = list(themes.result().body.get("items", ()))[:_THEMES_OF_THE_HOME_PAGE]
        async with asyncio.TaskGroup() as tasks:
            counts = tasks.create_task(self._counts(newest.result().body.get("items", ())))
            blocks = tasks.create_task(
                self._theme_blocks([] if cursor else [theme["name"] for theme in listed], language=language)
            )
        return HomePage(newest.result(), counts.result(), blocks.result()[0], themes.result())

    async def theme(self, slug: str, language: str | None, cursor: str | None) -> ThemePage:
        """A theme's page, or an older page of it."""
        name: str | None = None
        listed = await self._of_theme(slug, language, cursor)
        if listed.is_ok and not listed.body.get("items"):
            # Perhaps a slug as `related` spells it; it knows the name behind it, and names of themes without stories.
            known = await self._peers.ask(Service.RELATED, f"/v1/themes/{slug}")
            name = (known.body.get("theme") or {}).get("name")
            if name is not None and theme_slug(name) != slug:
                listed = await self._of_theme(name, language, cursor)
        items = listed.body.get("items", ())
        tags = (tag for item in items for tag in item.get("tags", ()))
        name = name or next((tag for tag in tags if theme_slug(tag) == theme_slug(slug)), None)
        return ThemePage(listed, name, await self._counts(items))

    async def _of_theme(self, theme: str, language: str | None, cursor: str | None) -> Part:
        wanted: dict[str, str | int] = {"theme": theme, "limit": _STORIES_OF_A_THEME_PAGE}
        if language:
            wanted["language"] = language
        if cursor:
            wanted["cursor"] = cursor
        return await self._peers.ask(Service.FEED, "/v1/articles", wanted)

    async def themes(self, cursor: str | None) -> Part:
        """All themes, a page at a time."""
        return await self._peers.ask(Service.RELATED, "/v1/themes", {"cursor": cursor} if cursor else None)

    async def _around(self, asked: "asyncio.Task[Part]") -> tuple[Sequence[ThemeBlock], str, Item | None]:
        """What can be asked for only when the article is known: its themes, and what it translates."""
        article = (await asked).body if (await asked).is_ok else {}
        async with asyncio.TaskGroup() as tasks:
            themes = tasks.create_task(
                self._theme_blocks(article.get("tags", ())[:_THEMES_OF_AN_ARTICLE], without=article.get("id"))
            )
            original = tasks.create_task(self._original(article))
        return *themes.result(), original.result()

    async def _original(self, article: Item) -> Item | None:
        """What the article says it is a translation of, by guid of its source or by URL."""
        said = article.get("translation_of")
        if not said:
            return None
        by_url = said.startswith(("http://", "https://"))
        name = {"url": said} if by_url else {"article": f"{article['source']}:{said}"}
        found = (await self._peers.ask(Service.FEED, "/v1/articles", name)).body.get("items", ())
        return as_card(found[0]) if found else None

    async def _theme_blocks(
        self, names: Sequence[str], *, language: str | None = None, without: str | None = None
    ) -> tuple[Sequence[ThemeBlock], str]:
        """The newest stories of some themes; a theme without another story is left out."""
        wanted: dict[str, str | int] = {"limit": _STORIES_A_THEME + 1}
        if language:
            wanted["language"] = language
        async with asyncio.TaskGroup() as tasks:
            lists = [
                tasks.create_task(self._peers.ask(Service.FEED, "/v1/articles", {**wanted, "theme": name}))
                for name in names
            ]
        blocks = []
        for name, answer in zip(names, (task.result() for task in lists), strict=True):
            items = [item for item in answer.body.get("items", ()) if item["id"] != without][:_STORIES_A_THEME]
            if items:
                blocks.append(ThemeBlock(theme_slug(name), name, items))
        status = "ok" if all(task.result().is_ok for task in lists) else "unavailable"
        return blocks, status

    async def _counts(self, items: Sequence[Item]) -> Mapping[str, int]:
        ids = [str(card_id(item)) for item in items]
        if not ids:
            return {}
        answer = await self._peers.ask(Service.VIEWS, "/v1/views", {"article": ids})
        counts = ((item.get("article"), _count(item)) for item in answer.body.get("items", ()) if item)
        return {str(article): count for article, count in counts if article and count is not None}


def card_id(item: Item) -> str:
    """The id of a story, which ``feed`` calls ``id`` and cards call ``article``."""
    return str(item.get("article") or item["id"])


def as_card(article: Item) -> Item:
    """An article of the feed in the shape of a card of ``related``."""
    return {
        "article": article["id"],
        "title": article["title"],
        "url": article.get("url"),
        "language": article.get("language", "und"),
        "date": article["date_published"],
        "image": article.get("image"),
    }


def _kind(item: Item) -> str:
    return str((item.get("reason") or {}).get("kind", ""))


def _count(body: Item) -> int | None:
    views = body.get("views")
    return views if isinstance(views, int) and not isinstance(views, bool) and views >= 0 else None
