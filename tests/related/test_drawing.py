"""Pictures and exchange formats of a neighbourhood: well-formed and harmless, whatever stands in a title."""

from collections.abc import Callable
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_related.edges.edge import Edge
from news_related.edges.neighbourhood import Neighbourhood, Node
from news_related.graph.facts import Card
from news_related.lists.reasons import Words
from news_related.queries.drawing import as_dot, as_graphml, as_json, as_svg
from tests.related.builders import id_of


def a_neighbourhood(title: str, url: str) -> Neighbourhood:
    one, other = (
        Card(id_of(guid), title, url, "uk", datetime(2026, 1, 15, tzinfo=UTC), None, n) for n, guid in enumerate("ab")
    )
    around = Neighbourhood()
    around.add(Node(one.id, "article", one.title, 0, one))
    around.add(Node(other.id, "article", other.title, 1, other))
    around.add(Node(url, "link", url, 1))
    around.add(Node("theme:x", "theme", title, 1))
    around.edges = [
        Edge("cites", one.id, None, url, 3),
        Edge("translation", other.id, one.id),
        Edge("theme", one.id, "theme:x"),
        Edge("pinned", one.id, other.id),
        Edge("same_story", one.id, other.id, score=931_234),
        Edge("similar", one.id, other.id, score=880_000),
        Edge("translation", one.id, other.id, score=950_000),
        Edge("duplicate", other.id, one.id, shared=0.86),
    ]
    return around


@pytest.mark.parametrize("draw", [as_svg, as_graphml])
@given(title=st.text(max_size=80), url=st.text(min_size=1, max_size=40))
def test_xml_is_well_formed_and_runs_nothing(draw: Callable[[Neighbourhood, Words], str], title: str, url: str) -> None:
    root = ElementTree.fromstring(draw(a_neighbourhood(title, url), "uk"))
    for element in root.iter():
        assert not element.tag.endswith(("script", "foreignObject", "image"))
        assert not any(name.lower().startswith("on") for name in element.attrib)
        assert element.attrib.get("href", "https://").startswith(("https://", "http://"))


@given(title=st.text(max_size=80))
def test_a_title_does_not_leave_its_quotes_in_dot(title: str) -> None:
    text = as_dot(a_neighbourhood(title, "https://a.example/"), "en")
    assert len(text.splitlines()) >= 12
    assert text.rstrip().endswith("}")


def test_json_says_why_each_edge_is_there() -> None:
    shown = as_json(a_neighbourhood("T", "https://a.example/"), "en")
    assert [edge["reason"]["text"] for edge in shown["edges"]] == [
        "linked from the fourth paragraph",
        "translation of this article",
        "T",
        "chosen by the editors",
        "another report of the same story",
        "about something similar",
        "the same report in another language",
        "almost the same text",
    ]
    assert shown["edges"][4]["reason"]["similarity"] == 0.9312
