"""``news-feed api|projector|rebuild``: one role a process."""

import argparse
import asyncio

from news_feed.app import create_api, create_projector
from news_feed.projection import FEED_PROJECTION
from news_feed.settings import FeedSettings
from news_shared.process import serve, setup_logging

_SERVERS = {"api": create_api, "projector": create_projector}


def main() -> None:
    """Read the settings and do what was asked for: serve until told to stop, or rebuild once."""
    parser = argparse.ArgumentParser(prog="news-feed", description="The article store of newsfeed.")
    parser.add_argument("role", choices=[*_SERVERS, "rebuild"])
    role: str = parser.parse_args().role
    settings = FeedSettings.read()
    setup_logging(settings.process, f"feed-{role}")
    if role == "rebuild":
        from news_shared.projection.rebuild_command import rebuild_with_bar  # rich, for this role only

        asyncio.run(
            rebuild_with_bar(
                FEED_PROJECTION, "feed", kafka=settings.kafka, redis=settings.redis, process=settings.process
            )
        )
    else:
        serve(_SERVERS[role](settings), settings.process)


if __name__ == "__main__":
    main()
