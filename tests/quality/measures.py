"""What the answers are worth: the scorers' measures, and those of the edges that readers see."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from tests.quality.gold import GoldArticle, GoldSet, Half
from tests.quality.served import Answers


@dataclass(frozen=True)
class Edges:
    """Edges shown of one kind: how many, the part that is right, and the part of what could be shown that is shown."""

    edges: int
    precision: float | None
    recall: float | None


def edges(
    articles: Iterable[GoldArticle], shown: Mapping[str, Sequence[tuple[str, str]]], kinds: set[str], most: int = 10
) -> Edges:
    """Of the edges of some kinds in default lists.

    An edge is right when both ends are of one story. Recall counts per article at most as many as a list can hold;
    of ``translation`` alone only stories told in other languages count.
    """
    by_id = {article.id: article for article in articles if article.story is not None}
    stories = Counter(article.story for article in by_id.values())
    in_language = Counter((article.story, article.language) for article in by_id.values())
    given = right = possible = 0
    for article in by_id.values():
        others = [other for other, kind in shown.get(article.id, ()) if kind in kinds and other in by_id]
        given += len(others)
        right += sum(by_id[other].story == article.story for other in others)
        own = in_language[article.story, article.language] if kinds == {"translation"} else 1
        possible += min(most, stories[article.story] - own)
    return Edges(given, round(right / given, 4) if given else None, round(right / possible, 4) if possible else None)


def translation_found(articles: Sequence[GoldArticle], rankings: Mapping[str, Sequence[str]]) -> float | None:
    """How often the nearest article in another language is of the same story, over articles and languages that have
    one; None where no story is told in two languages."""
    by_id = {article.id: article for article in articles}
    told: dict[str, set[str]] = {}
    for article in articles:
        if article.story is not None:
            told.setdefault(article.story, set()).add(article.language)
    asked = found = 0
    for article in articles:
        for language in told.get(article.story or "", set()) - {article.language}:
            first = next((key for key in rankings.get(article.id, ()) if by_id[key].language == language), None)
            asked += 1
            found += first is not None and by_id[first].story == article.story
    return round(found / asked, 4) if asked else None


def row(gold: GoldSet, read: Answers, half: Half | None) -> dict[str, object]:
    """All figures of a set, or of the stories of one half of it."""
    options = [] if half is None else ["--half", half]
    ranked = gold.score_rankings(read.rankings, *options)
    past = gold.score_rankings(read.rankings, "--past", *options)
    articles = [article for article in gold.articles if half in {None, article.half}]
    return {
        "set": gold.name,
        "half": half or "all",
        "articles": len(articles),
        "ndcg10": ranked["all"]["ndcg"],
        "ndcg10_one_language": ranked.get("same-lang", ranked["all"])["ndcg"],
        "ndcg10_across": ranked["cross-lang"]["ndcg"] if "cross-lang" in ranked else None,
        "ndcg10_past": past["all"]["ndcg"],
        "translation_found": translation_found(articles, read.rankings) if half is None else None,
        "translation": asdict(edges(articles, read.shown, {"translation"})),
        "same_story": asdict(edges(articles, read.shown, {"same_story"})),
        "either": asdict(edges(articles, read.shown, {"translation", "same_story"})),
        "threads": gold.score_clusters(read.threads, *options),
    }
