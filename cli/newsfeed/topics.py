"""``newsfeed topics``: create what is missing, check what is there."""

import asyncio

from rich.console import Console
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from news_shared.errors import LogMismatchError, TransientError
from news_shared.settings import KafkaSettings, ProcessSettings, read_settings
from news_shared.topics import TOPICS, create_topics
from newsfeed.ingest_calls import failure


def topics() -> None:
    """Create the topics that are missing and check the partitions of the others."""
    kafka, process = read_settings(KafkaSettings), read_settings(ProcessSettings)
    try:
        created = asyncio.run(_create(kafka, process.partitions))
    except LogMismatchError as error:
        raise failure(str(error)) from error
    except TransientError as error:
        raise failure(f"{error}. Start Kafka, or say where it is: NEWS_KAFKA_BOOTSTRAP") from error
    console = Console()
    for spec in TOPICS:
        state = "[green]created[/]" if spec.name in created else "exists"
        console.print(f"  {spec.name:22} {state}, {process.partitions} partitions")


@retry(retry=retry_if_exception_type(TransientError), wait=wait_fixed(1), stop=stop_after_delay(60), reraise=True)
async def _create(kafka: KafkaSettings, partitions: int) -> list[str]:
    return await create_topics(kafka, partitions)
