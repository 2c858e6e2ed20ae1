"""``news-related api|linker|embedder|rebuild``: one role a process.

Roles are imported where they are chosen: a process that embeds runs this file again, and needs none of them.
"""

import argparse
import asyncio


def main() -> None:
    """Read the settings and do what was asked for: serve until told to stop, or rebuild once."""
    from news_related import app
    from news_related.rebuilding import rebuild_graph
    from news_related.settings import RelatedSettings
    from news_shared.process import serve, setup_logging

    servers = {"api": app.create_api, "linker": app.create_linker, "embedder": app.create_embedder}
    parser = argparse.ArgumentParser(prog="news-related", description="Related stories of newsfeed.")
    parser.add_argument("role", choices=[*servers, "rebuild"])
    role: str = parser.parse_args().role
    settings = RelatedSettings.read()
    setup_logging(settings.process, f"related-{role}")
    if role == "rebuild":
        asyncio.run(rebuild_graph(settings))
    else:
        serve(servers[role](settings), settings.process)


if __name__ == "__main__":
    main()
