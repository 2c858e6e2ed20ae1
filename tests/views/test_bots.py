"""Who is a program by its own word, and who is not: examples in sentences, and strings that nobody thought of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from news_views.beacons.bots import is_bot, names_program

_SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0"
_PHONE = "Mozilla/5.0 (Linux; Android 14; SM-S918B)"
_LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"

PROGRAMS = {
    "says nothing": "",
    "says only spaces": "   ",
    "says next to nothing": "-",
    "says Mozilla and no more": "Mozilla/5.0",
    "says Mozilla and no engine": "Mozilla/5.0 (compatible; Unheardof 1.0)",
    "has control characters": f"{_LINUX} {_CHROME}\x00 Safari/537.36",
    "is a Chrome of the far future": f"{_LINUX} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/9999.0.0.0 Safari/537.36",
    "is a Firefox of the far future": "Mozilla/5.0 (X11; Linux x86_64; rv:901.0) Gecko/20100101 Firefox/901.0",
    "is a tool that nobody listed": "UnheardOfTool/3.2.1",
    "uses Python requests": "python-requests/2.32.3",
    "uses Python httpx": "python-httpx/0.28.1",
    "uses Python aiohttp": "Python/3.12 aiohttp/3.11.2",
    "uses Go": "Go-http-client/2.0",
    "uses okhttp and names no app": "okhttp/4.12.0",
    "uses curl": "curl/8.5.0",
    "uses Wget on Windows": "Wget/1.21.4 (mingw32)",
    "uses Java": "Java/17.0.9",
    "uses Java's HTTP client": "Apache-HttpClient/4.5.14 (Java/17.0.9)",
    "uses Perl": "libwww-perl/6.72",
    "uses node-fetch": "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
    "uses axios": "axios/1.7.9",
    "uses undici": "undici",
    "uses Guzzle": "GuzzleHttp/7",
    "uses Faraday": "Faraday v2.9.0",
    "uses PowerShell": "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621.2506",
    "is a headless Chrome": f"{_LINUX} AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/143.0.0.0 Safari/537.36",
    "is a PhantomJS": "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1",
    "is driven by Puppeteer": f"{_LINUX} {_CHROME} Safari/537.36 Puppeteer",
    "is driven by Playwright": f"{_LINUX} {_CHROME} Safari/537.36 Playwright/1.50",
    "previews links in WhatsApp": "WhatsApp/2.23.20.0",
    "previews links in Telegram": "TelegramBot (like TwitterBot)",
    "previews links in Slack": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "previews links in Discord": "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "previews links on Facebook": "facebookexternalhit/1.1",
    "previews links on Twitter": "Twitterbot/1.0",
    "previews links in Viber": "Viber/13.3.0 (Linux; Android)",
    "previews links in Skype": "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "watches whether we are up": "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "reads feeds": "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)",
    "looks for links to sell": "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "searches as Google": f"{_PHONE} {_CHROME} Mobile Safari/537.36 (compatible; Googlebot/2.1)",
    "learns as GPTBot": "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)",
    "learns as ClaudeBot": "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0)",
    "learns as PerplexityBot": "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0)",
    "learns as Bytespider": f"{_PHONE} {_CHROME} Mobile Safari/537.36; Bytespider",
    "says where to complain": f"{_WINDOWS} {_CHROME} Safari/537.36 (unheard-of; +https://example.com/about)",
    "gives an address to write to": f"{_WINDOWS} {_CHROME} Safari/537.36 someone@example.com",
    "is Google's shop in a phone's clothes": (
        f"Mozilla/5.0 (Linux; Android 8.0; Pixel 2 Build/OPD3; Storebot-Google/1.0) {_CHROME} Mobile Safari/537.36"
    ),
}
PEOPLE = {
    "read with Chrome": f"{_WINDOWS} {_CHROME} Safari/537.36",
    "read with a Chrome that hides its phone": f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME} Mobile Safari/537.36",
    "read with Firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "read with Tor": "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0",
    "read with Safari": f"{_SAFARI} Version/17.4 Mobile/15E148 Safari/604.1",
    "read with Edge": f"{_WINDOWS} {_CHROME} Safari/537.36 Edg/143.0.0.0",
    "read with Vivaldi": f"{_WINDOWS} {_CHROME} Safari/537.36 Vivaldi/7.0.3495.18",
    "read with Brave of old": f"{_LINUX} AppleWebKit/537.36 (KHTML, like Gecko) Brave Chrome/80.0.3987.132 Safari/5",
    "read with Yandex": f"{_WINDOWS} {_CHROME} YaBrowser/25.2.0.0 Safari/537.36",
    "search in Yandex's app": f"{_PHONE} {_CHROME} Mobile Safari/537.36 YandexSearch/9.00 YandexSearchWebView/9.00",
    "read with Samsung's browser": f"{_PHONE} AppleWebKit/537.36 SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/53",
    "read with Opera Mini": "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
    "read with UC Browser": "UCWEB/2.0 (Java; U; MIDP-2.0; en-US; nokia6120c) U2/1.0.0 UCBrowser/9.4.1.377 Mobile",
    "read with KaiOS": "Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
    "read with an old Android": (
        "Mozilla/5.0 (Linux; U; Android 2.3.6; en-us; GT-S5360 Build/GINGERBREAD) AppleWebKit/533.1 "
        "(KHTML, like Gecko) Version/4.0 Mobile Safari/533.1"
    ),
    "read with an Internet Explorer": "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "read with a text browser": "Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1",
    "open links in Facebook": f"{_SAFARI} Mobile/15E148 [FBAN/FBIOS;FBAV/470.0.0.32.111;FBDV/iPhone15,2;FBID/phone]",
    "open links in Instagram": f"{_SAFARI} Mobile/15E148 Instagram 320.0.0.30.88 (iPhone15,2; iOS 17_4; uk_UA)",
    "open links in Telegram": f"{_PHONE} {_CHROME} Mobile Safari/537.36 Telegram-Android/11.4.2 (Samsung SM-S918B)",
    "open links in Line": f"{_SAFARI} Mobile/15E148 Safari Line/14.2.0",
    "open links in Viber": f"{_PHONE} {_CHROME} Mobile Safari/537.36 Viber/27.4.0.0",
    "open links in Google's app": f"{_SAFARI} GSA/310.0.615 Mobile/15E148 Safari/604.1",
    "open links in an app's web view": f"{_SAFARI} Mobile/15E148",
    "use an app of ours on an iPhone": "HeraldNews/31 CFNetwork/1494.0.7 Darwin/23.4.0",
    "use an app of ours on an Android": "Dalvik/2.1.0 (Linux; U; Android 9; SM-G965U Build/PPR1.180610.011)",
    "read on a desktop app of Electron": f"{_WINDOWS} {_CHROME} Electron/33.0.0 Safari/537.36",
    "have a phone that is called Bot": f"Mozilla/5.0 (Linux; Android 7.0; M bot 54) {_CHROME} Mobile Safari/537.36",
    "have a phone of CUBOT": f"Mozilla/5.0 (Linux; Android 8.0.0; CUBOT_P20) {_CHROME} Mobile Safari/537.36",
    "have a phone that is called Spider": f"Mozilla/5.0 (Linux; Android 13; Spider 8) {_CHROME} Mobile Safari/537.36",
    "have a television": "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 SamsungBrowser/4.0 TV Safari/53",
    "have a PlayStation": "Mozilla/5.0 (PlayStation; PlayStation 5/6.50) AppleWebKit/605.1.15 Version/13.0 Safari/605",
    "have a Switch": "Mozilla/5.0 (Nintendo Switch; WebApplet) AppleWebKit/609.4 (KHTML, like Gecko) NF/6.0.3",
}


@pytest.mark.parametrize("user_agent", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_is_who(user_agent: str) -> None:
    assert is_bot(user_agent)


@pytest.mark.parametrize("user_agent", PEOPLE.values(), ids=PEOPLE)
def test_people_are_who(user_agent: str) -> None:
    assert not is_bot(user_agent)


def test_what_stands_beyond_the_first_512_characters_changes_nothing() -> None:
    reader = PEOPLE["read with Chrome"].ljust(512)
    assert not is_bot(reader + " Googlebot/2.1")
    assert not is_bot(reader + "\x00" * 8000)


_PIECES = st.sampled_from(
    ["(", ")", "Mozilla/5.0 ", "(Linux; Android 9;", "; ", "@", "a", "-", "\\", "[", "\x7f", "bot", "Chrome/", "9" * 40]
)


@given(st.text(max_size=600) | st.lists(_PIECES, max_size=400).map("".join) | _PIECES.map(lambda piece: piece * 600))
def test_any_string_has_an_answer_and_keeps_it(user_agent: str) -> None:
    assert is_bot(user_agent) == names_program(user_agent) == is_bot(user_agent)


@given(st.sampled_from(sorted(PEOPLE.values())), st.sampled_from(["Foobot/1.0", "crawler", "+https://example.com"]))
def test_whoever_adds_a_programs_word_is_one(user_agent: str, word: str) -> None:
    assert is_bot(f"{user_agent} {word}")
