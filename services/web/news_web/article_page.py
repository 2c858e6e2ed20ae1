"""What an article's page is made of: which service is asked for which part, and what happens without it."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from news_shared.article_ids import ArticleId
from news_web.confirming import confirmed, confirmed_article
from news_web.folding import ask_copies_in, told_once
from news_web.named_stories import naming_only
from news_web.peers import Part, Questions
from news_web.public_paths import Service
from news_web.stories import Item, as_card, card_id, themes_of, url_in
from news_web.theme_blocks import ThemeBlock, ThemeLists, ask_themes

_THEMES: Final = 3
_RELATED: Final = 14  # some of them are shown elsewhere on the page
_STORY_BEFORE: Final = 4
_STORY_AFTER: Final = 2


@dataclass(frozen=True)
class ArticlePage:
    """An article with everything around it; each part with its own status.

    Attributes:
        reports: of its story, each text once, as the story's own page has them.
        story_copies: which of them are copies of others.
    """

    article: Part
    views: Part
    links: Part
    related: Part
    story: Part
    reports: int
    story_copies: Part
    original: Part
    theme_lists: ThemeLists

    @property
    def count(self) -> int | None:
        """Views, or None when nobody can say now: no number rather than a wrong one."""
        return count_of(self.views.body) if self.views.status == "ok" else None

    @property
    def version(self) -> tuple[str, ...] | None:
        """Differs whenever something but the count does; None when a part cannot say so."""
        themes = self.theme_lists
        around = (self.links, self.related, self.story, self.story_copies, self.original)
        shown = (self.article, *around, *themes.lists, themes.copies)
        marks = [part.etag if part.status == "ok" else part.status for part in shown]
        return tuple(map(str, marks)) if None not in marks and "stale" not in marks else None

    @property
    def translations(self) -> Sequence[Item]:
        """Stories that say the same in another language, each once."""
        found = [item for item in self.related.items if _kind(item) == "translation"]
        original = [item for item in self.original.items if card_id(item) != self._itself][:1]
        return found + [as_card(item) for item in original if card_id(item) not in _ids(found)]

    @property
    def story_so_far(self) -> Sequence[Item]:
        """The reports of its story next to it in time, each text once, itself among them; empty when there is no
        other."""
        translations = _ids(self.translations)
        once = told_once(self.story.items, self.story_copies, itself=self._itself)
        told = [item for item in once if not _ids([item]) & translations]
        place = next((index for index, item in enumerate(told) if card_id(item) == self._itself), None)
        if place is None or len(told) < 2:
            return []
        return told[max(place - _STORY_BEFORE, 0) : place + _STORY_AFTER + 1]

    @property
    def related_items(self) -> Sequence[Item]:
        """Related stories without those that have another place on the page; so have those of its themes alone."""
        apart = _ids([*self.translations, *self.story_so_far])
        return [item for item in self.related.items if card_id(item) not in apart and _kind(item) != "theme"]

    @property
    def body_links(self) -> Sequence[Item]:
        """Hyperlinks of the body with the cards of our stories."""
        return list(self.links.body.get("links") or ()) if self.links.is_ok else []

    @property
    def backlinks(self) -> Sequence[Item]:
        """Cards of the stories that link to this one."""
        return list(self.links.body.get("backlinks") or ()) if self.links.is_ok else []

    @property
    def themes(self) -> Sequence[ThemeBlock]:
        """News of the article's themes without itself and its copies."""
        return self.theme_lists.blocks(without=self._itself)

    @property
    def _itself(self) -> str | None:
        return self.article.body.get("id")


async def ask_article(questions: Questions, article_id: ArticleId) -> ArticlePage:
    """An article's page, reasons in the reader's language; look at ``article.status`` first."""
    path = f"/v1/articles/{article_id}"
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(questions.ask(Service.FEED, path, is_main=True, age="now"))
        views = tasks.create_task(questions.ask(Service.VIEWS, f"{path}/views"))
        links = tasks.create_task(questions.ask(Service.RELATED, f"{path}/links", age="cards"))
        story = tasks.create_task(questions.ask(Service.RELATED, f"{path}/story", age="cards"))
        copies = tasks.create_task(ask_copies_in(questions, story, age="cards"))
        related = tasks.create_task(
            questions.ask(Service.RELATED, f"{path}/related", {"limit": _RELATED}, has_words=True)  # editors look at it
        )
        around = tasks.create_task(_around(questions, asked))
    original, themes = around.result()
    article = confirmed_article(asked.result(), [views.result(), links.result(), story.result(), related.result()])
    copied = [story.result(), links.result(), related.result(), original, *themes.lists]
    whole_story, *safe = await confirmed(questions, copied)
    shown_story, shown_links, shown_related, shown_original, *shown_lists = _without_blocked(
        [whole_story, *safe], questions.language
    )
    return ArticlePage(
        article=article,
        views=views.result(),
        links=shown_links,
        related=shown_related,
        story=shown_story,
        reports=len(told_once(whole_story.items, copies.result())),
        story_copies=copies.result(),
        original=shown_original,
        theme_lists=replace(themes, lists=shown_lists),
    )


def _without_blocked(parts: Sequence[Part], language: str) -> Sequence[Part]:
    """The parts without what editors keep off this page, which one of them tells."""
    blocked = frozenset(str(name) for part in parts for name in part.body.get("blocked") or ())
    if not blocked:
        return parts
    # With their ETags: what is blocked has a part in that of the list which tells it.
    return [replace(part, body=naming_only(part.body, lambda name: name not in blocked, language)) for part in parts]


async def _around(questions: Questions, asked: "asyncio.Task[Part]") -> tuple[Part, ThemeLists]:
    """What can be asked for only when the article is known: what it translates, and its themes."""
    article = (await asked).body if (await asked).is_ok else {}
    async with asyncio.TaskGroup() as tasks:
        original = tasks.create_task(_ask_original(questions, article))
        names = themes_of(article)[:_THEMES]
        themes = tasks.create_task(ask_themes(questions, names, beside=article.get("id")))
    return original.result(), themes.result()


async def _ask_original(questions: Questions, article: Item) -> Part:
    """What the article says it is a translation of, by guid of its source or by URL."""
    said = article.get("translation_of")
    if not said:
        return Part("missing")
    url = url_in(said)
    name = {"url": url} if url is not None else {"article": f"{article['source']}:{said}"}
    return await questions.ask(Service.FEED, "/v1/articles", name, age="cards")


def count_of(body: Item) -> int | None:
    """A number of views, where the answer has one."""
    views = body.get("views")
    return views if isinstance(views, int) and not isinstance(views, bool) and views >= 0 else None


def _ids(items: Iterable[Item]) -> frozenset[str]:
    """The stories of a list and the copies that they stand for."""
    return frozenset(card_id(one) for item in items for one in (item, *(item.get("duplicates") or ())))


def _kind(item: Item) -> str:
    return str((item.get("reason") or {}).get("kind", ""))
