"""Every format over HTTP: taken, refused with a reason, never an error of ours."""

from typing import Any

from news_ingest.formats.detection import BY_TYPE, Format
from news_shared.article_ids import article_id
from tests.ingest.format_cases.newsml import newsml
from tests.ingest.format_cases.ninjs import ninjs
from tests.ingest.hostile_documents import DOCUMENTS
from tests.ingest.test_intake_service import SAMPLES, WAIT, intake, problem_of
from tests.testbed.role import Roles

TYPES = {
    "rss091.xml": "text/xml",
    "rss10.rdf": "application/rdf+xml",
    "rss20.xml": "application/rss+xml",
    "atom10.xml": "application/atom+xml",
    "jsonfeed10.json": "application/feed+json",
    "jsonfeed11.json": "application/json",
    "ninjs1.json": "application/json",
    "ninjs2.json": "application/vnd.iptc.ninjs+json",
    "ninjs3.json": "",
    "newsitem.xml": "application/vnd.iptc.g2.newsitem+xml",
    "newsmessage.xml": "application/vnd.iptc.g2.newsmessage+xml",
    "native.ndjson": "application/x-ndjson",
}
ACCEPTED = {
    "rss091.xml": 2,
    "rss10.rdf": 2,
    "rss20.xml": 2,
    "atom10.xml": 3,
    "jsonfeed10.json": 2,
    "jsonfeed11.json": 2,
    "ninjs1.json": 1,
    "ninjs2.json": 2,
    "ninjs3.json": 1,
    "newsitem.xml": 1,
    "newsmessage.xml": 4,
    "native.ndjson": 2,
}


async def test_every_sample_is_taken_in_its_format(roles: Roles) -> None:
    async with intake(roles, publisher=False) as client:
        for name, content_type in TYPES.items():
            body = (SAMPLES / name).read_bytes()
            headers = {"Content-Type": content_type} if content_type else {}
            answer = await client.post("/v1/articles?source=s", content=body, headers=headers)
            assert answer.status_code == 202, (name, answer.text)
            assert answer.json()["accepted"] == ACCEPTED[name], (name, answer.text)


async def test_a_format_that_is_none_is_answered_with_the_list_of_those_that_are(roles: Roles) -> None:
    async with intake(roles, publisher=False) as client:
        for query, content_type, body in (
            ("", "image/png", b"\x89PNG"),
            ("", "", b"plain words"),
            ("", "text/html", b"<html><body>No feed</body></html>"),
            ("&format=yaml", "application/json", b"{}"),
        ):
            headers = {"Content-Type": content_type} if content_type else {}
            answer = await client.post(f"/v1/articles?source=s{query}", content=body, headers=headers)
            detail = problem_of(answer, 415)["detail"]
            for known in (*BY_TYPE, *Format):
                assert known in detail, (known, detail)


async def test_a_wire_takes_back_holds_and_releases_through_its_own_fields(roles: Roles) -> None:
    async with intake(roles) as client:

        async def outcome_of(document: tuple[Format, bytes]) -> tuple[str, str]:
            form, body = document
            answer = await client.post(f"/v1/articles?source=w&format={form}", content=body, headers=WAIT)
            [item] = answer.json()["items"]
            state = (await client.get(f"/v1/articles/{item['id']}/outcome")).json()["state"]
            return str(item["outcome"]), str(state)

        def item(guid: str, version: int, meta: str = "") -> tuple[Format, bytes]:
            form, body = newsml({"@": f'version="{version}"', "itemMeta": meta})
            return form, body.replace(b"urn:1", guid.encode())

        assert await outcome_of(item("k", 1)) == ("published", "published")
        assert await outcome_of(item("k", 1)) == ("unchanged", "published")
        assert await outcome_of(item("k", 2, '<pubStatus qcode="stat:withheld"/>')) == ("withdrawn", "withheld")
        assert await outcome_of(item("k", 3)) == ("published", "published")
        assert await outcome_of(item("k", 2)) == ("stale", "published")
        assert await outcome_of(item("k", 4, '<pubStatus qcode="stat:canceled"/>')) == ("withdrawn", "withdrawn")
        assert await outcome_of(item("k", 5)) == ("withdrawn", "withdrawn")
        assert await outcome_of(item("e", 1, "<embargoed/>")) == ("held", "held")
        assert await outcome_of(item("e", 2)) == ("published", "published")

        def said(version: str, **fields: Any) -> tuple[Format, bytes]:
            return ninjs({"uri": "n", "version": version, "body_text": "B", **fields})

        assert await outcome_of(said("1.9", embargoed="2199-01-01T00:00:00Z")) == ("held", "held")
        assert await outcome_of(said("1.10", pubstatus="withheld")) == ("withdrawn", "withheld")
        assert await outcome_of(said("1.11")) == ("published", "published")
        assert await outcome_of(said("1.9")) == ("stale", "published")
        assert await outcome_of(said("1.12", pubstatus="canceled", body_text=None)) == ("withdrawn", "withdrawn")
        outcome = (await client.get(f"/v1/articles/{article_id('w', 'n')}/outcome")).json()
        assert outcome["why"] == "canceled by the source"


async def test_no_hostile_document_makes_the_service_fail(roles: Roles) -> None:
    async with intake(roles, publisher=False) as client:
        statuses = set()
        for name, document in DOCUMENTS.items():
            form, body = document()
            if len(body) > 2_000_000:
                continue  # those of some megabytes are read in a process of their own, elsewhere
            answer = await client.post(f"/v1/articles?source=h&format={form}", content=body)
            assert 200 <= answer.status_code < 500, (name, answer.status_code, answer.text[:300])
            statuses.add(answer.status_code)
        assert statuses == {202, 400, 422} or statuses == {202, 422}
