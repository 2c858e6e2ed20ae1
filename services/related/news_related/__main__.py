"""``news-related api|linker|rebuild``: one role a process."""

import argparse
import asyncio

from news_related.app import create_api, create_linker
from news_related.rebuilding import rebuild_graph
from news_related.settings import RelatedSettings
from news_shared.process import serve, setup_logging

_SERVERS = {"api": create_api, "linker": create_linker}


def main() -> None:
    """Read the settings and do what was asked for: serve until told to stop, or rebuild once."""
    parser = argparse.ArgumentParser(prog="news-related", description="Related stories of newsfeed.")
    parser.add_argument("role", choices=[*_SERVERS, "rebuild"])
    role: str = parser.parse_args().role
    settings = RelatedSettings.read()
    setup_logging(settings.process, f"related-{role}")
    if role == "rebuild":
        asyncio.run(rebuild_graph(settings))
    else:
        serve(_SERVERS[role](settings), settings.process)


if __name__ == "__main__":
    main()
