"""``newsfeed sources keys`` against a running ingest API."""

import asyncio

from typer.testing import CliRunner, Result

from newsfeed.__main__ import app
from tests.ingest.test_intake_service import intake
from tests.testbed.plain_http import plain_client
from tests.testbed.role import Roles


async def test_a_key_is_added_listed_rotated_and_revoked(roles: Roles) -> None:
    async with intake(roles, publisher=False) as client:
        await client.put("/v1/sources/herald", json={})
        address = str(client.base_url)

        async def run(*arguments: str) -> Result:
            environment = {"NEWS_INGEST_URL": address, "COLUMNS": "240"}
            return await asyncio.to_thread(
                lambda: CliRunner().invoke(app, ["sources", "keys", *arguments], env=environment)
            )

        async def opens(token: str) -> bool:
            headers = {"Authorization": f"Bearer {token}"}
            async with plain_client() as anybody:
                return (await anybody.get(f"{address}/v1/sources/herald", headers=headers)).status_code == 200

        added = await run("add", "herald", "--lasts", "P90D", "--articles", "600")
        token = added.stdout.strip()
        assert (added.exit_code, await opens(token)) == (0, True), added.output
        key_id = token.split(".")[1]
        assert f"key {key_id}: articles:write; ends" in added.stderr
        listed = (await run("list", "herald")).stdout
        assert (key_id in listed, "600 articles" in listed, token in listed) == (True, True, False)

        rotated = await run("rotate", "herald", key_id, "--grace", "PT0S")
        new = rotated.stdout.strip()
        assert (rotated.exit_code, await opens(new), await opens(token)) == (0, True, False), rotated.output
        revoked = await run("revoke", "herald", new.split(".")[1])
        assert (revoked.exit_code, await opens(new)) == (0, False), revoked.output

        for wrong, told in (
            (("rotate", "herald", "nosuch"), "no key"),
            (("list", "nobody"), "no source"),
            (("add", "herald", "--lasts", "long"), "no duration"),
            (("add", "herald", "--lasts", "P9999Y"), "no calendar goes so far"),
            (("add", "herald", "--lasts", "P900Y"), "expires_at"),
        ):
            refused = await run(*wrong)
            assert refused.exit_code in {1, 2}
            assert told in refused.output, refused.output
            assert not refused.exception or isinstance(refused.exception, SystemExit)
