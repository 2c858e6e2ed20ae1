"""Which vectors are written: each text once, and the last word in the log is the article's last, whatever crashed."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from news_related.embedding.embedder import Held, Revision, digest_of, due
from news_related.embedding.model import Text
from news_shared.article_ids import ArticleId
from tests.related.builders import id_of

MODEL = "m/1"
ARTICLES = [id_of("a"), id_of("b")]


def a_revision(number: int, title: str | None, article: int = 0) -> Revision:
    return Revision(ARTICLES[article], number, None if title is None else Text(title, "", "en"))


def digest(title: str | None) -> bytes:
    return b"" if title is None else digest_of(MODEL, Text(title, "", "en").sha256)


class Run:
    """Kafka and Redis as an embedder leaves them."""

    def __init__(self) -> None:
        self.log: dict[ArticleId, Held] = {}
        self.held: dict[ArticleId, Held] = {}
        self.embedded: list[tuple[str, bytes]] = []

    def decide(self, events: Sequence[Revision], *, dies: bool = False) -> None:
        stored = {article: held for article, held in self.held.items() if article in {e.id for e in events}}
        written, held = due(stored, events, MODEL)
        for revision in written:
            title = revision.text.title if revision.text else None
            self.log[revision.id] = Held(revision.number, digest(title))
            if title is not None:
                self.embedded.append((revision.id, digest(title)))
        if not dies:
            self.held |= held

    def restore(self) -> None:
        self.held = dict(self.log)


@st.composite
def histories(draw: st.DrawFn) -> list[Revision]:
    counts = [0, 0]
    events = []
    for article in draw(st.lists(st.integers(0, 1), max_size=10)):
        counts[article] += 1
        events.append(a_revision(counts[article], draw(st.sampled_from(["x", "y", None])), article))
    return events


@given(histories(), st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["goes on", "dies", "is emptied"]))))
def test_the_log_ends_with_the_last_text_of_each_article_whatever_crashes(
    events: list[Revision], attempts: list[tuple[int, str]]
) -> None:
    run = Run()
    at = 0
    for length, fate in [*attempts, (len(events), "goes on")]:
        run.decide(events[at : at + length], dies=fate == "dies")
        if fate == "is emptied":
            run.restore()
            at = 0
        elif fate == "goes on":
            at += length
    last = {event.id: digest(event.text.title if event.text else None) for event in events}
    assert {article: held.digest for article, held in run.log.items()} == last
    assert {article: held.digest for article, held in run.held.items()} == last


@given(histories())
def test_after_a_restore_nothing_is_embedded_again_but_what_has_no_vector(events: list[Revision]) -> None:
    run = Run()
    for event in events:
        run.decide([event])
    before = list(run.embedded)
    run.restore()
    for event in events:
        run.decide([event])
    assert run.embedded == before


def test_an_update_that_leaves_the_text_embeds_nothing_and_a_restored_text_is_embedded() -> None:
    run = Run()
    for number, title in enumerate(["x", "x", None, None, "x", "y"], start=1):
        run.decide([a_revision(number, title)])
    assert [what for _, what in run.embedded] == [digest("x"), digest("x"), digest("y")]


def test_of_several_revisions_at_once_only_the_last_is_embedded() -> None:
    run = Run()
    run.decide([a_revision(1, "x"), a_revision(1, "x", 1), a_revision(2, "y")])
    assert run.embedded == [(ARTICLES[0], digest("y")), (ARTICLES[1], digest("x"))]


def test_a_text_between_that_a_former_attempt_wrote_is_written_over() -> None:
    run = Run()
    run.decide([a_revision(1, "x")])
    run.decide([a_revision(2, "y")], dies=True)
    run.decide([a_revision(2, "y"), a_revision(3, "x")])
    assert run.log[ARTICLES[0]] == Held(3, digest("x"))


def test_another_model_embeds_the_newest_revision_anew_and_no_older_one() -> None:
    held = {ARTICLES[0]: Held(2, digest_of("m/0", Text("y", "", "en").sha256))}
    written, after = due(held, [a_revision(1, "x"), a_revision(2, "y")], MODEL)
    assert written == [a_revision(2, "y")]
    assert after == {ARTICLES[0]: Held(2, digest("y"))}


@given(st.integers(0, 2**63), st.binary(max_size=16))
def test_what_is_held_survives_being_stored(revision: int, what: bytes) -> None:
    assert Held.decode(Held(revision, what).encode()) == Held(revision, what)
