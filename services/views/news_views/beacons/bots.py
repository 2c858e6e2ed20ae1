"""Which user agents are programs, by their own word.

Three questions, from the cheapest to the dearest: does it speak of itself in the words that programs use; does it have
the form of a browser's or an app's agent at all; and is it in the shared list of crawlers. docs/bots.md has how well
that does on lists that we did not make.
"""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

import crawleruseragents

_TOLD_BY: Final = 512
"""Characters of the user agent that are looked at: programs name themselves early, and a match costs time by length."""
_REMEMBERED: Final = 16_384
_BEGINNING: Final = 4
_SHORTEST: Final = 8
"""Characters; no browser says less."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

_WORDS: Final = (
    # What it does. Longer words around these are meant: Googlebot, crawler, scraping.
    r"(?<!ca)bots?(?![a-z])|crawl|spider(?! \d)|scrap(?:e|ing|y)|slurp|archive[r.]|indexer|fetch|harvest"
    r"|monitor|uptime|check(?:er|ing|up|_|/|-|\b)|validat|scan(?:ner|ning|\b)|feed(?!back)|\brss|preview|snippet|favicon"
    r"|screenshot|thumbnail|research|survey|probe|\baudit|verif|analyz|analys|collector|extract|sniff|transcod|reaper"
    r"|offline|seo(?![a-z])|downloader|(?:link|site|web|url|page)[ _-]?(?:analy|walk|copi|zip|strip|grab|mon|index"
    r"|reaper|dump|reader|sucker|watch|collect|search|mirror|shot|test|resolver|tool|auto)"
    r"|search(?:er|[ -]?engine|link|\.|me\b)|headless|phantomjs|puppeteer|playwright|selenium|webdriver|cypress/"
    r"|lighthouse|page ?speed|gtmetrix|pingdom|mediapartners|prerender|zgrab|nmap|nikto|sqlmap|masscan|wordpress"
    # What it is written with.
    r"|python|\bperl\b|lwp[-:]|libwww(?!-fm)|libcurl|\bcurl\b|\bwget\b|go-http|\bjava/|jakarta|httpclient|http[_-]client"
    r"|httpcore|\bhttpx\b|\bhttpie\b|aiohttp|node[.-]?(?:js|fetch|superagent)|\baxios\b|\bundici\b|\bgot[ /]\d|guzzle"
    r"|faraday|\bruby(?![ ;)]| build)|\bphp[ /]|php-|winhttp|wininet|urllib|reqwest|\bokhttp/[\d.]+$|postman|insomnia"
    r"|powershell|apache-|\bhttp\.rb|typhoeus|restsharp|resty|scala|akka|dart/"
    # Who shows a card of a link.
    r"|facebookexternal|facebookcatalog|meta-external|whatsapp/[\d.]+ ?[a-z]?$|^viber|skypeuripreview|embedly"
    r"|iframely|flipboardproxy|vkshare|pinterest/0|slack-img|redditbot|mastodon/|bitlybot|nuzzel|tumblr/|snap url"
    # Who hides in the engine's own words.
    r"|like gecko; ?(?!opera)[a-z]"
    # Where to complain.
    r"|[(;+ ,<]\+?https?://|^https?://|[(;+ ,<]\+?www\.|[\w.+-]@[a-z][\w-]*\.[a-z]|\bmailto\b"
)
"""Words that only programs use of themselves; what follows or precedes keeps phones and apps of such names out."""

_BROWSER: Final = re.compile(
    r"(?:applewebkit|khtml|gecko/|gecko\)|firefox|msie|trident|presto|netfront|opera|netscape|blackberry|symbian"
    r"|series ?[3-9]0|palm|playstation|nintendo|nitro|webtv|windows ce|docomo|amiga|beos|haiku|risc os|os/2|galeon"
    r"|konqueror|netpositive|obigo|teleca|nokia|midp|dreamcast|dreampassport|\bwin(?:dows|9|nt)|x11|linux|mac|android"
    r"|inferno|ibrowse|avant|sunos|freebsd|roku|polaris|jig browser)"
)
"""Of an agent that says Mozilla, in lower case: an engine or a platform."""

_PLATFORM: Final = re.compile(
    r"android|; ?adr |iphone|ipad|ipod|\bios\b|ios[/ ]\d|cfnetwork|darwin|tvos|watchos|mac ?os|macintosh|windows|win32"
    r"|linux|x11|tizen|web0s|webos|smart-?tv|hbbtv|midp|cldc|wap|symbian|series ?[3-9]0|blackberry|palm|brew|j2me|kaios"
    r"|playstation|xbox|nintendo|roku|apple ?tv|applecoremedia|fban/|fbav/|ucweb|mre/|maui|mtk|mobile|profile/"
    r"|nokia|samsung|\blge?[-/]|sonyericsson|\bmot-|motorola|alcatel|sie-|sagem|zte|huawei|philips|panasonic|sharp"
    r"|docomo|kddi|vodafone|softbank|j-phone|up\.browser|obigo|teleca|netfront|openwave|dalvik|ucbrowser|amiga|morphos|beos|haiku"
    r"|plan9|os/2|risc os|sunos|freebsd|openbsd|netbsd|cros|qnx|opentv|espial|kreatv|humax|freebox|netcast|bada|dolfin"
)
"""Of an agent that does not say Mozilla, in lower case: a machine that people hold in their hands."""

_TERMINAL_BROWSER: Final = re.compile(r"(?:e?links|lynx|w3m|opera|dillo|netsurf|surf|uzbl|offbyone|retawq|edbrowse)\b")

_ANDROID: Final = re.compile(r"(?i)\((?![^()]*-google/)linux; (?:[a-z]\w{,6}; )?android [\w.-]*;[^()]*\)")
"""Version and device of an Android: phones are called C Bot, Butterfly and Fever, as crawlers are."""

_CHROME: Final = re.compile(r"chrome/(\d+)")
_FIREFOX: Final = re.compile(r"firefox/(\d+)")
_NEWEST: Final = 400
"""Chrome and Firefox count up one a month; in 2026 they stand at 150."""


class _SharedList:
    """The patterns of crawler-user-agents that our words do not cover: most are plain text, found by its beginning.

    One expression of all of them would try each at every character: 1 ms an agent. Looking up what stands at each
    character takes a fiftieth of that.
    """

    def __init__(self, patterns: list[str], covered_by: re.Pattern[str]) -> None:
        self._by_beginning: dict[str, list[str]] = {}
        others = []
        for pattern in patterns:
            text = _plain(pattern)
            if covered_by.search(text.lower()):
                continue
            if len(text) < _BEGINNING:
                others.append(pattern)
            else:
                self._by_beginning.setdefault(text[:_BEGINNING], []).append(text)
        self._others = re.compile("|".join(others))

    def names(self, user_agent: str) -> bool:
        """Whether one of the patterns is in it."""
        found = self._by_beginning
        for start in range(len(user_agent) - _BEGINNING + 1):
            candidates = found.get(user_agent[start : start + _BEGINNING])
            if candidates is not None and any(user_agent.startswith(text, start) for text in candidates):
                return True
        return self._others.search(user_agent) is not None


_TOO_WIDE: Final = frozenset({"Sogou", "Sonic", "Expanse"})
"""Of the shared list: also the names of a mobile browser and of phones; the crawlers say more."""


def _plain(pattern: str) -> str:
    """The text that a pattern stands for; nothing when it is more than a text."""
    unescaped = re.sub(r"\\\W", "", pattern)
    return "" if re.search(r"[\\\[\](){}|*+?^$.]", unescaped) else re.sub(r"\\(\W)", r"\1", pattern)


@lru_cache(1)
def _programs() -> tuple[re.Pattern[str], _SharedList]:
    # At the first question, not at import: a process that counts asks none.
    path = Path(crawleruseragents.__file__).with_name("crawler-user-agents.json")
    words = re.compile(_WORDS)
    patterns = [entry["pattern"] for entry in json.loads(path.read_text())]
    return words, _SharedList([pattern for pattern in patterns if pattern not in _TOO_WIDE], words)


def is_bot(user_agent: str) -> bool:
    """Whether a user agent names a crawler, a library or a tool; also when it names nothing that people use."""
    return _is_known_bot(user_agent[:_TOLD_BY])  # cut first: what is remembered is bounded in bytes, too


def names_program(user_agent: str) -> bool:
    """The same without remembering it: 0.1 ms."""
    text = _ANDROID.sub("(Linux; Android)", user_agent[:_TOLD_BY])
    lowered = text.lower()
    words, listed = _programs()
    return (
        len(text.strip()) < _SHORTEST
        or _CONTROL.search(text) is not None
        or not _has_the_form_of_a_browser(lowered)
        or _is_impossible(lowered)
        or words.search(lowered) is not None
        or listed.names(text)
    )


_is_known_bot = lru_cache(_REMEMBERED)(names_program)


def _has_the_form_of_a_browser(text: str) -> bool:
    if text.startswith("mozilla/"):
        return _BROWSER.search(text) is not None
    return _PLATFORM.search(text) is not None or _TERMINAL_BROWSER.match(text) is not None


def _is_impossible(text: str) -> bool:
    return any(
        int(found.group(1)) > _NEWEST for found in (_CHROME.search(text), _FIREFOX.search(text)) if found is not None
    )
