"""The examples that the OpenAPI pages show are answers that the services give."""

from typing import Any

import pytest
from fastapi.routing import APIRoute, APIRouter
from pydantic import BaseModel

from news_feed import feed_routes as out_feeds
from news_feed import routes as feed
from news_feed import stream_routes as stream
from news_ingest import feed_routes, key_routes, websub_routes
from news_ingest import routes as ingest
from news_ingest import source_routes as sources
from news_related.queries import curation_routes as curation
from news_related.queries import duplicate_routes as duplicates
from news_related.queries import graph_routes, theme_routes
from news_related.queries import routes as related
from news_views.beacons import batch_routes
from news_views.embeds import picture_routes
from news_views.imports import routes as import_routes
from news_views.queries import live_routes, series_routes, trending_routes
from news_views.queries import routes as views

_MODULES = (
    *(feed, out_feeds, stream, ingest, sources, key_routes, feed_routes, websub_routes, curation, related, duplicates),
    *(theme_routes, graph_routes),
    *(views, batch_routes, import_routes, live_routes, picture_routes, series_routes, trending_routes),
)


def _json_examples() -> list[Any]:
    found = []
    routers: list[APIRouter] = [*(module.router for module in _MODULES), feed_routes.lists]
    for router in routers:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for status, response in route.responses.items():
                example = response.get("content", {}).get("application/json", {}).get("example")
                if example is not None:
                    name = f"{next(iter(route.methods or ()))} {route.path} {status}"
                    found.append(pytest.param(response.get("model"), example, id=name))
    return found


@pytest.mark.parametrize(("model", "example"), _json_examples())
def test_an_example_fits_its_schema_and_shows_nothing_that_is_not_in_it(
    model: type[BaseModel] | None, example: dict[str, Any]
) -> None:
    assert model is not None, "an example without a schema"
    shown = model.model_validate(example).model_dump(mode="json", by_alias=True)
    assert _fits(example, shown), f"{example} is not {shown}"


def _fits(example: object, shown: object) -> bool:
    """Whether everything in the example came through the schema."""
    if isinstance(example, dict):
        return isinstance(shown, dict) and all(name in shown and _fits(of, shown[name]) for name, of in example.items())
    if isinstance(example, list):
        return isinstance(shown, list) and all(_fits(*pair) for pair in zip(example, shown, strict=True))
    return example == shown or str(example) == str(shown)


def test_there_are_examples() -> None:
    assert len(_json_examples()) > 10
