"""``news-ingest api``, ``news-ingest poller`` and ``news-ingest publisher``."""

import argparse

from news_shared.process import serve, setup_logging
from news_shared.settings import KafkaSettings, ProcessSettings, RedisSettings, read_groups


def main() -> None:
    """Run one role until it is told to stop."""
    parser = argparse.ArgumentParser(prog="news-ingest", description=__doc__)
    parser.add_argument("role", choices=["api", "poller", "publisher"])
    role = parser.parse_args().role
    # What takes long to import comes after the settings: a mistake in them should show at once.
    if role == "api":
        from news_ingest.settings import FetchSettings, IngestSettings

        process, kafka, redis, intake, fetching = read_groups(
            ProcessSettings, KafkaSettings, RedisSettings, IngestSettings, FetchSettings
        )
        setup_logging(process, f"ingest-{role}")
        from news_ingest import app

        serve(app.create_api(process, kafka, redis, intake, fetching), process)
    elif role == "poller":
        from news_ingest.settings import PollerSettings

        process, kafka, redis, polling = read_groups(ProcessSettings, KafkaSettings, RedisSettings, PollerSettings)
        setup_logging(process, f"ingest-{role}")
        from news_ingest import app

        serve(app.create_poller(process, kafka, redis, polling), process)
    else:
        process, kafka, redis = read_groups(ProcessSettings, KafkaSettings, RedisSettings)
        setup_logging(process, f"ingest-{role}")
        from news_ingest import app

        serve(app.create_publisher(process, kafka, redis), process)


if __name__ == "__main__":
    main()
