"""A neighbourhood as JSON, GraphViz DOT, GraphML, or a picture (SVG): pure text, everything escaped."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

from news_related.edges.edge import Edge
from news_related.edges.neighbourhood import Neighbourhood, Node, target_of
from news_related.lists.reasons import Reason, Words
from news_related.neighbours.similarity import UNITS
from news_shared.clock import rfc3339

_BOX_WIDTH, _BOX_HEIGHT = 284, 62
_COLUMN, _ROW = 372, 80
_MARGIN, _HEAD = 28, 64
_TITLE_WIDTH, _TITLE_LINES = 31, 2  # in letters of a wide Latin or Cyrillic font

_FORBIDDEN = re.compile("[^\\t\\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0, even escaped
_LEGEND = {
    "en": {
        "cites": "links to",
        "translation": "translation",
        "duplicate": "same text",
        "same_story": "same story",
        "similar": "similar",
        "pinned": "pinned",
        "theme": "theme",
        "cut": "cut off",
    },
    "uk": {
        "cites": "посилається",
        "translation": "переклад",
        "duplicate": "той самий текст",
        "same_story": "та сама подія",
        "similar": "подібне",
        "pinned": "вибір редакції",
        "theme": "тема",
        "cut": "не все",
    },
}
_STYLE = """
svg{background:#fbfaf7;font-family:system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif}
.box{fill:#fff;stroke:#c9c4b8}.middle .box{stroke:#a3321f;stroke-width:2.5}
.link .box{fill:none;stroke-dasharray:4 3}.theme .box{fill:#eef3ea;stroke:#9db58c}
.title{fill:#1d1c1a;font-size:12.5px;font-weight:600}.link .title{fill:#6d685e;font-weight:400}
.meta,.legend{fill:#6d685e;font-size:11px}
.edge{fill:none;stroke-width:1.6;opacity:.75}
.cites{stroke:#4a6fa5}.translation{stroke:#a3321f;stroke-dasharray:6 3}
.duplicate{stroke:#2f7f79;stroke-dasharray:1 2}
.same_story{stroke:#6b4c9a}.similar{stroke:#8d8a83;stroke-dasharray:1.5 3.5}
.pinned{stroke:#b8860b;stroke-width:2.2}.theme-edge{stroke:#7d9a68;stroke-dasharray:2 3}
a:hover .box{stroke:#1d1c1a}
@media(prefers-color-scheme:dark){svg{background:#171614}.box{fill:#221f1c;stroke:#4b463e}
.theme .box{fill:#20281b;stroke:#54683f}.title{fill:#ece8df}.meta,.legend,.link .title{fill:#a59e90}
.cites{stroke:#86a9da}.translation{stroke:#e0725e}.same_story{stroke:#b79be0}.duplicate{stroke:#6cc2bb}
.middle .box{stroke:#e0725e}a:hover .box{stroke:#fff}}
"""


def as_json(around: Neighbourhood, words: Words) -> dict[str, Any]:
    """Nodes and edges; each edge says why, in data and in words."""
    return {
        "nodes": [_node_json(node) for node in around.nodes.values()],
        "edges": [
            {"from": edge.source, "to": target_of(edge), "kind": edge.kind, "reason": _reason(edge, around, words)}
            for edge in around.edges
        ],
        "truncated": around.is_cut,
    }


def as_dot(around: Neighbourhood, words: Words) -> str:
    """GraphViz DOT."""
    shape = {"article": "box", "link": "note", "theme": "ellipse"}
    lines = ["digraph related {", "  rankdir=LR;", '  node [fontname="sans-serif", style=rounded];']
    for node in around.nodes.values():
        label = node.title if node.card is None else f"{node.title}\n{_meta(node)}"
        lines.append(f"  {_quoted(node.id)} [label={_quoted(label)}, shape={shape[node.kind]}];")
    for edge in around.edges:
        label = _reason(edge, around, words)["text"]
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(target_of(edge))} [label={_quoted(label)}];")
    return "\n".join([*lines, "}", ""])


def as_graphml(around: Neighbourhood, words: Words) -> str:
    """GraphML, as Gephi, yEd and networkx read it."""
    fields = ("kind", "title", "url", "language", "date")
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
    lines += [f'<key id="{name}" for="node" attr.name="{name}" attr.type="string"/>' for name in fields]
    lines += [f'<key id="e-{name}" for="edge" attr.name="{name}" attr.type="string"/>' for name in ("kind", "reason")]
    lines.append('<graph id="related" edgedefault="directed">')
    for node in around.nodes.values():
        shown = _node_json(node)
        data = "".join(f'<data key="{name}">{_xml(shown[name])}</data>' for name in fields if shown.get(name))
        lines.append(f"<node id={_attribute(node.id)}>{data}</node>")
    for number, edge in enumerate(around.edges):
        reason = _xml(_reason(edge, around, words)["text"])
        lines.append(
            f'<edge id="e{number}" source={_attribute(edge.source)} target={_attribute(target_of(edge))}>'
            f'<data key="e-kind">{edge.kind}</data><data key="e-reason">{reason}</data></edge>'
        )
    return "\n".join([*lines, "</graph>", "</graphml>", ""])


@dataclass(frozen=True)
class _Box:
    node: Node
    x: float
    y: float


def as_svg(around: Neighbourhood, words: Words) -> str:
    """A picture: the article in the middle, what it links to on the left, what links to it on the right."""
    boxes = _placed(around)
    width = max(box.x for box in boxes.values()) + _BOX_WIDTH + _MARGIN
    height = max(box.y for box in boxes.values()) + _BOX_HEIGHT + _MARGIN
    middle = next(iter(around.nodes.values()))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img"><title>{_xml(middle.title)}</title><style>{_STYLE}</style>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="context-stroke"/></marker></defs>',
        _legend(around, words),
        *[_drawn_edge(edge, boxes, around, words) for edge in around.edges],
        *[_drawn_box(box, is_middle=box.node is middle) for box in boxes.values()],
        "</svg>",
    ]
    return "\n".join(parts)


def _placed(around: Neighbourhood) -> dict[str, _Box]:
    """Columns by steps and direction: a node stands one column further than the one it was reached from."""
    column = {next(iter(around.nodes)): 0}
    for _ in range(max(node.depth for node in around.nodes.values())):
        for edge in around.edges:
            one, other = edge.source, target_of(edge)
            step = 0 if edge.kind in ("translation", "duplicate") else 1
            if one in column and other not in column:
                column[other] = column[one] - step if column[one] <= 0 else column[one] + step
            elif other in column and one not in column:
                column[one] = column[other] + step if column[other] >= 0 else column[other] - step
    for node in around.nodes.values():
        column.setdefault(node.id, node.depth)
    leftmost = min(column.values())
    rows: dict[int, list[Node]] = {}
    for node in sorted(around.nodes.values(), key=_by_time):
        rows.setdefault(column[node.id] - leftmost, []).append(node)
    tallest = max(len(some) for some in rows.values())
    return {
        node.id: _Box(node, _MARGIN + x * _COLUMN, _HEAD + (row + (tallest - len(some)) / 2) * _ROW)
        for x, some in rows.items()
        for row, node in enumerate(some)
    }


def _by_time(node: Node) -> tuple[int, int, str]:
    order = {"article": 0, "link": 1, "theme": 2}
    return order[node.kind], node.card.listed_ms if node.card else 0, node.id


def _drawn_box(box: _Box, *, is_middle: bool) -> str:
    node, x, y = box.node, box.x, box.y
    lines = _wrapped(node.title)
    text = "".join(
        f'<tspan x="{x + 12:g}" dy="{0 if number == 0 else 16}">{_xml(line)}</tspan>'
        for number, line in enumerate(lines)
    )
    top = y + (22 if len(lines) > 1 or node.card else 36)
    drawn = (
        f'<g class="node {node.kind}{" middle" if is_middle else ""}"><title>{_xml(node.title)}</title>'
        f'<rect class="box" x="{x:g}" y="{y:g}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="7"/>'
        f'<text class="title" y="{top:g}">{text}</text>'
    )
    if node.card is not None:
        drawn += f'<text class="meta" x="{x + 12:g}" y="{y + _BOX_HEIGHT - 8:g}">{_xml(_meta(node))}</text>'
    drawn += "</g>"
    address = node.card.url if node.card else node.id if node.kind == "link" else None
    if address and address.startswith(("http://", "https://")):
        return f"<a href={_attribute(address)}>{drawn}</a>"
    return drawn


def _drawn_edge(edge: Edge, boxes: dict[str, _Box], around: Neighbourhood, words: Words) -> str:
    one, other = boxes[edge.source], boxes[target_of(edge)]
    y1, y2 = one.y + _BOX_HEIGHT / 2, other.y + _BOX_HEIGHT / 2
    if one.x == other.x:  # in one column: round the right side
        x1 = x2 = one.x + _BOX_WIDTH
        bend = 34 + abs(y1 - y2) * 0.06
        path = f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 + bend:g} {y2:g} {x2:g} {y2:g}"
    else:
        leftwards = other.x < one.x
        x1 = one.x if leftwards else one.x + _BOX_WIDTH
        x2 = other.x + _BOX_WIDTH if leftwards else other.x
        half = (x1 + x2) / 2
        path = f"M{x1:g} {y1:g}C{half:g} {y1:g} {half:g} {y2:g} {x2:g} {y2:g}"
    kind = "theme-edge" if edge.kind == "theme" else edge.kind
    why = _xml(_reason(edge, around, words)["text"])
    return f'<path class="edge {kind}" d="{path}" marker-end="url(#tip)"><title>{why}</title></path>'


def _legend(around: Neighbourhood, words: Words) -> str:
    said, x, parts = _LEGEND[words], _MARGIN, []
    for kind in dict.fromkeys(edge.kind for edge in around.edges):
        name = "theme-edge" if kind == "theme" else kind
        parts.append(
            f'<path class="edge {name}" d="M{x} 28h30" marker-end="url(#tip)"/>'
            f'<text class="legend" x="{x + 38}" y="32">{said[kind]}</text>'
        )
        x += 60 + 8 * len(said[kind])
    if around.is_cut:
        parts.append(f'<text class="legend" x="{x}" y="32">… {said["cut"]}</text>')
    return "".join(parts)


def _wrapped(title: str) -> Sequence[str]:
    lines = [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if _width(longer) <= _TITLE_WIDTH or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    shown = [_cut(line) for line in lines[:_TITLE_LINES]]
    if len(lines) > _TITLE_LINES:
        last = shown[-1].rstrip("…")
        shown[-1] = (last if _width(last) < _TITLE_WIDTH else last[:-1]).rstrip(" ,.:;—") + "…"
    return shown


def _cut(line: str) -> str:
    if _width(line) <= _TITLE_WIDTH:
        return line
    while _width(line) >= _TITLE_WIDTH:
        line = line[:-1]
    return line + "…"


def _width(text: str) -> float:
    return sum(1.9 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _meta(node: Node) -> str:
    assert node.card is not None
    return f"{node.card.language} · {node.card.date:%Y-%m-%d %H:%M}"


def _node_json(node: Node) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": node.id, "kind": node.kind, "title": node.title, "depth": node.depth}
    if node.kind == "link":
        shown["url"] = node.id
    if node.card is not None:
        card = node.card
        shown |= {"url": card.url, "language": card.language, "date": rfc3339(card.date), "image": card.image}
    return shown


def _reason(edge: Edge, around: Neighbourhood, words: Words) -> dict[str, Any]:
    match edge.kind:
        case "cites":
            return Reason("cites", paragraph=edge.paragraph).shown(words)
        case "theme":
            return {"kind": "theme", "text": around.nodes[target_of(edge)].title}
        case _:
            similarity = edge.score / UNITS if edge.score is not None else None
            return Reason(edge.kind, shared=edge.shared, similarity=similarity).shown(words)


def _xml(text: object) -> str:
    return escape(_FORBIDDEN.sub("", str(text)))


def _attribute(text: str) -> str:
    return quoteattr(_FORBIDDEN.sub("", text))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # DOT escapes quotes and newlines in the same way
