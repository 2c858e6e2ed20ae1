"""``news-feed api|projector``: one role a process."""

import argparse

from news_feed.app import create_api, create_projector
from news_feed.settings import FeedSettings
from news_shared.process import serve, setup_logging

_ROLES = {"api": create_api, "projector": create_projector}


def main() -> None:
    """Read the settings and serve the role that was asked for, until it is told to stop."""
    parser = argparse.ArgumentParser(prog="news-feed", description="The article store of newsfeed.")
    parser.add_argument("role", choices=_ROLES)
    role: str = parser.parse_args().role
    settings = FeedSettings.read()
    setup_logging(settings.process, f"feed-{role}")
    serve(_ROLES[role](settings), settings.process)


if __name__ == "__main__":
    main()
