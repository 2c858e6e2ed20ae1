"""``news-web``: the reader's pages and the one origin; it has one role."""

import argparse

from news_shared.process import serve, setup_logging
from news_web.app import create_app
from news_web.settings import WebSettings


def main() -> None:
    """Read the settings and serve until told to stop."""
    argparse.ArgumentParser(prog="news-web", description="The reader's pages of newsfeed.").parse_args()
    settings = WebSettings.read()
    setup_logging(settings.process, "web")
    serve(create_app(settings), settings.process)


if __name__ == "__main__":
    main()
