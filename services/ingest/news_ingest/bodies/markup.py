"""Which markup an article's body may have, and what becomes of each element."""

INLINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "rp"),
        *("rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var"),
    }
)
PARAGRAPHS = frozenset(
    {
        *("p", "div", "section", "article", "main", "header", "footer", "aside", "nav", "center", "address", "details"),
        *("summary", "fieldset", "hgroup", "dialog"),
    }
)
"""Each becomes a paragraph: without style sheets they mean no more."""
PHRASING_BLOCKS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "pre", "dt", "caption", "figcaption"})
"""Blocks that hold text and inline elements only; blocks inside them are unwrapped."""
FLOW_BLOCKS = frozenset({"blockquote", "figure", "li", "dd", "td", "th"})
STRUCTURES = frozenset({"ul", "ol", "dl", "table", "thead", "tbody", "tfoot", "tr"})
"""They hold other blocks, never text."""
EMBEDS = frozenset({"iframe", "video", "audio", "object", "embed"})
"""Each becomes a link to what it would show."""
VOID = frozenset({"br", "hr", "img", "embed", "source"})

PARENTS = {
    "li": {"ul", "ol"},
    "dt": {"dl"},
    "dd": {"dl"},
    "figcaption": {"figure"},
    "caption": {"table"},
    "thead": {"table"},
    "tbody": {"table"},
    "tfoot": {"table"},
    "tr": {"table", "thead", "tbody", "tfoot"},
    "td": {"tr"},
    "th": {"tr"},
}
"""Elsewhere each is a paragraph."""
IMPLIED = {"ul": "li", "ol": "li", "dl": "dd"}
"""What text gets around it that stands right inside a structure."""
WRITTEN_AS = {"h1": "h2", "h5": "h4", "h6": "h4"}
"""The page has a first heading of its own: the title."""

ATTRIBUTES = {
    "a": {"href", "title", "hreflang"},
    "abbr": {"title"},
    "img": {"src", "alt", "width", "height"},
    "blockquote": {"cite"},
    "time": {"datetime"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start", "reversed"},
}
"""What is written, besides ``lang`` and ``dir`` everywhere."""
EVERYWHERE = {"lang", "dir"}
NUMBERS = frozenset({"width", "height", "colspan", "rowspan", "start"})

READ_TAGS = INLINE | PARAGRAPHS | PHRASING_BLOCKS | FLOW_BLOCKS | STRUCTURES | EMBEDS | VOID
READ_ATTRIBUTES = {
    **{tag: {*names} for tag, names in ATTRIBUTES.items()},
    "*": EVERYWHERE,
    "img": {"src", "alt", "width", "height", "data-src"},
    "blockquote": {"cite", "class", "data-instgrm-permalink"},
    "div": {"data-href"},
    "iframe": {"src", "title", "data-src"},
    "video": {"src", "title"},
    "audio": {"src", "title"},
    "embed": {"src", "title"},
    "source": {"src"},
    "object": {"data", "title"},
}
"""What the sanitiser leaves for us to look at: more than is written."""
