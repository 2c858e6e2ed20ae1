"""From the article to its neighbours: embedder, linker and API together."""

from news_related.app import create_api
from tests.related.builders import a_withdrawal, an_article
from tests.related.publishing import publish
from tests.related.running import running_app, settings_for
from tests.testbed.backends import Backend
from tests.testbed.role import Roles
from tests.testbed.waiting import until


async def test_an_article_is_shown_beside_one_on_the_same_event_in_another_language(
    roles: Roles, fresh_backend: Backend
) -> None:
    for role in ("related-linker", "related-embedder"):
        await roles.start(role)
    fire = an_article("fire", title="Fire in the port of Odesa: three ships burn")
    fire_uk = an_article("fire-uk", title="Пожежа в порту Одеси: горять три кораблі", language="uk")
    await publish(fresh_backend, [fire, fire_uk, an_article("x", title="Parliament votes on the budget")])
    async with running_app(create_api(settings_for(fresh_backend))) as api:

        async def nearest() -> list[str]:
            answer = await api.get(f"/v1/articles/{fire.id}/related", params={"kind": "similar", "raw": 1})
            return [item["article"] for item in answer.json()["items"]] if answer.status_code == 200 else []

        async def first() -> bool:
            return (await nearest())[:1] == [fire_uk.id] and len(await nearest()) == 2

        await until(first, "the Ukrainian article to be the nearest", seconds=60)
        shown = (await api.get(f"/v1/articles/{fire.id}/related")).json()["items"]
        assert [item["article"] for item in shown[:1]] == [fire_uk.id]
        assert shown[0]["reason"]["similarity"] > 0.4
        await publish(fresh_backend, [a_withdrawal("fire-uk", revision=2)])

        async def gone() -> bool:
            return fire_uk.id not in await nearest()

        await until(gone, "the withdrawn one to be gone")
