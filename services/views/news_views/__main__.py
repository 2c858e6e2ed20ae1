"""``news-views api|projector|rebuild``: one role a process."""

import argparse
import asyncio

from news_shared.process import serve, setup_logging
from news_views.app import create_api, create_projector
from news_views.beacons.protocol import BeaconProtocol
from news_views.settings import AllSettings


def main() -> None:
    """Read the settings and do what was asked for; a role runs until it is told to stop."""
    parser = argparse.ArgumentParser(prog="news-views", description="Readers' views: beacons in, exact counts out.")
    roles = parser.add_subparsers(dest="role", required=True)
    roles.add_parser("api", help="take beacons, answer counts")
    roles.add_parser("projector", help="announce articles to the log of views, and count")
    rebuild = roles.add_parser("rebuild", help="count anew beside the live counts, then switch over")
    rebuild.add_argument("--recount", action="store_true", help="from the log alone, as far as it reaches")
    chosen = parser.parse_args()
    settings = AllSettings.read()
    setup_logging(settings.process, f"views-{chosen.role}")
    match chosen.role:
        case "api":
            serve(create_api(settings), settings.process, protocol=BeaconProtocol)
        case "projector":
            serve(create_projector(settings), settings.process)
        case "rebuild":
            # numpy and rich, for this role only
            from news_shared.projection.rebuild_command import rebuild_with_bar
            from news_views.projection.views import views_projection

            counting = views_projection(settings.views, settings.kafka, recount=chosen.recount)
            asyncio.run(
                rebuild_with_bar(
                    counting, "views", kafka=settings.kafka, redis=settings.redis, process=settings.process
                )
            )


if __name__ == "__main__":
    main()
