"""A small newsroom whose stories have everything that a page shows."""

from copy import deepcopy
from typing import Any

import httpx

from tests.web.newsroom import Newsroom, a_card, an_article

STORY = an_article(
    "ferry",
    title="Night ferries return <to> Port Morrow & beyond",
    content_html='<p>First.</p><p>As <a href="https://herald.example/cable">we reported</a>.</p><p>Third.</p>',
    links=[{"url": "https://herald.example/cable", "text": "we reported", "paragraph": 1}],
    authors=[{"name": "Ada Quill", "url": "https://herald.example/ada"}, {"name": "Ben Ink"}],
    attributions=[{"name": "Harbour office"}],
    corrections=[{"at": "2026-01-15T13:30:00Z", "note": "The ferry leaves at nine."}],
    image="https://img.example/ferry.jpg",
    tags=["Port Morrow", "Transport & trade"],
)
CABLE = an_article("cable", language="uk", title="Кабель на Аусель", tags=["Transport & trade"], image=None)
TRANSLATION = an_article("ferry-uk", language="uk", title="Нічні пороми повертаються", translation_of="ferry")
SIMILAR = an_article("similar", title="A harbour awakes")
WITHDRAWN = "0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11"


def a_newsroom() -> Newsroom:
    return Newsroom(
        deepcopy([STORY, CABLE, TRANSLATION, SIMILAR]),
        views={STORY["id"]: 21478, CABLE["id"]: 1},
        withdrawn={WITHDRAWN: {"reason": "an error of ours", "time": "2026-01-15T14:00:00Z"}},
        links={
            STORY["id"]: [
                {"paragraph": 1, "text": "we reported", "url": "https://herald.example/cable", "card": a_card(CABLE)}
            ]
        },
        backlinks={STORY["id"]: [a_card(SIMILAR)]},
        related={
            STORY["id"]: [
                {**a_card(TRANSLATION), "reason": {"kind": "translation", "text": "translation of this article"}},
                {**a_card(SIMILAR), "reason": {"kind": "similar", "text": "both about Port Morrow"}},
            ]
        },
    )


def given(answer: httpx.Response, request: httpx.Request) -> httpx.Response:
    return answer


def path_of(article: dict[str, Any]) -> str:
    return f"/articles/{article['id']}"
