"""What crosses the origin: paths, headers, and whose word is taken for an address."""

import pytest

from news_web.forwarding import forwarded_for, request_headers, response_headers, trusted_networks
from news_web.public_paths import Service, service_for

PROXIES = trusted_networks("127.0.0.1, 10.0.0.0/8, ::1")


@pytest.mark.parametrize(
    ("peer", "claimed", "passed_on"),
    [
        ("203.0.113.9", [], b"203.0.113.9"),
        ("203.0.113.9", [b"198.51.100.1"], b"203.0.113.9"),  # a reader's own word
        ("10.1.2.3", [b"198.51.100.1"], b"198.51.100.1, 10.1.2.3"),
        ("10.1.2.3", [b"forged", b"198.51.100.1"], b"forged, 198.51.100.1, 10.1.2.3"),
        ("::1", [b"2001:db8::1"], b"2001:db8::1, ::1"),
        ("::ffff:127.0.0.1", [b"198.51.100.1"], b"198.51.100.1, 127.0.0.1"),
        (None, [b"198.51.100.1"], b""),
        ("testclient", [b"198.51.100.1"], b""),
    ],
)
def test_only_a_trusted_proxy_is_believed(peer: str | None, claimed: list[bytes], passed_on: bytes) -> None:
    assert forwarded_for(peer, claimed, PROXIES) == passed_on


def test_what_a_service_needs_goes_on_and_nothing_else() -> None:
    sent = [
        (b"host", b"news.example"),
        (b"cookie", b"a=b"),
        (b"referer", b"https://elsewhere.example/"),
        (b"user-agent", b"Mozilla/5.0"),
        (b"sec-gpc", b"1"),
        (b"dnt", b"1"),
        (b"purpose", b"prefetch"),
        (b"sec-purpose", b"prefetch;prerender"),
        (b"connection", b"keep-alive"),
        (b"transfer-encoding", b"chunked"),
        (b"x-forwarded-for", b"198.51.100.1"),
        (b"x-forwarded-host", b"evil.example"),
        (b"authorization", b"Bearer key"),
    ]
    passed = request_headers(sent, peer="203.0.113.9", trusted=PROXIES, trace="00-1-2-01")
    assert passed == [
        (b"user-agent", b"Mozilla/5.0"),
        (b"sec-gpc", b"1"),
        (b"dnt", b"1"),
        (b"purpose", b"prefetch"),
        (b"sec-purpose", b"prefetch;prerender"),
        (b"authorization", b"Bearer key"),
        (b"x-forwarded-for", b"203.0.113.9"),
        (b"traceparent", b"00-1-2-01"),
    ]


def test_an_answer_keeps_its_headers_without_those_of_the_connection() -> None:
    answered = [(b"ETag", b'"x"'), (b"Transfer-Encoding", b"chunked"), (b"Server", b"x"), (b"Set-Cookie", b"a=b")]
    assert response_headers(answered) == [(b"etag", b'"x"')]


ID = "0b6f1a52-3f0e-5c5e-9a41-5a1d5c1f2b11"


@pytest.mark.parametrize(
    ("method", "path", "service"),
    [
        ("GET", "/v1/articles", Service.FEED),
        ("POST", "/v1/articles", Service.INGEST),
        ("GET", f"/v1/articles/{ID}", Service.FEED),
        ("DELETE", f"/v1/articles/{ID}", Service.INGEST),
        ("GET", "/v1/articles/herald:https%3A%2F%2Fa.example%2Fviews", Service.FEED),
        ("GET", "/v1/articles/herald:https://a.example/1/views", Service.VIEWS),
        ("GET", f"/v1/articles/{ID}/views", Service.VIEWS),
        ("GET", f"/v1/articles/{ID}/views/series", Service.VIEWS),
        ("GET", f"/v1/articles/{ID}/views.svg", Service.VIEWS),
        ("GET", f"/v1/articles/{ID}/related", Service.RELATED),
        ("GET", f"/v1/articles/{ID}/links", Service.RELATED),
        ("GET", f"/v1/articles/{ID}/story", Service.RELATED),
        ("GET", f"/v1/articles/{ID}/curation", Service.RELATED),
        ("PUT", f"/v1/articles/{ID}/curation/{ID}", Service.RELATED),
        ("GET", "/v1/related", Service.RELATED),
        ("GET", f"/v1/articles/{ID}/outcome", Service.INGEST),
        ("POST", f"/v1/articles/{ID}/restore", Service.INGEST),
        ("POST", "/v1/views", Service.VIEWS),
        ("POST", "/v1/views/batch", Service.VIEWS),
        ("GET", "/v1/views/live", Service.VIEWS),
        ("GET", "/v1/pixel.gif", Service.VIEWS),
        ("GET", "/v1/read.js", Service.VIEWS),
        ("GET", "/v1/components.js", Service.VIEWS),
        ("GET", "/v1/graph", Service.RELATED),
        ("GET", "/v1/duplicates/among", Service.RELATED),
        ("GET", "/v1/themes/port-morrow", Service.RELATED),
        ("POST", "/v1/sources/herald/keys", Service.INGEST),
        ("GET", "/v1/nothing", None),
        ("GET", "/metrics", None),
        ("GET", "/v2/articles", None),
    ],
)
def test_each_path_has_one_service(method: str, path: str, service: Service | None) -> None:
    assert service_for(method, path) == service
