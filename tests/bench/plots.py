"""Plots of measurements as plain SVG: bars from zero, each with its number."""

from collections.abc import Sequence
from html import escape

_WIDTH, _BAR, _GAP, _LABELS = 720, 26, 12, 230
_STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#1a1a1a}rect{fill:#2f6f9f}"
    "@media(prefers-color-scheme:dark){text{fill:#e8e8e8}rect{fill:#7fb8e0}}"
)


def bars(title: str, values: Sequence[tuple[str, float]]) -> str:
    """An SVG document; the longest bar is the largest value."""
    height = 40 + len(values) * (_BAR + _GAP)
    scale = (_WIDTH - _LABELS - 90) / max(value for _, value in values)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<text x="0" y="18" font-weight="600">{escape(title)}</text>',
    ]
    for place, (label, value) in enumerate(values):
        top = 34 + place * (_BAR + _GAP)
        length = round(value * scale, 1)
        middle = top + _BAR * 0.7
        lines += [
            f'<text x="{_LABELS - 10}" y="{middle}" text-anchor="end">{escape(label)}</text>',
            f'<rect x="{_LABELS}" y="{top}" width="{length}" height="{_BAR}"/>',
            f'<text x="{_LABELS + length + 8}" y="{middle}">{value:,.0f}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
