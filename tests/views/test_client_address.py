"""Whose beacon it is, behind proxies and before them."""

import pytest

from news_views.beacons.client_address import TrustedProxies, network_bytes

PROXIES = TrustedProxies("127.0.0.1, 10.0.0.0/8, fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # an untrusted peer may write what it likes
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),  # what a client put before it is not believed
        ("127.0.0.1", "198.51.100.7, 10.1.2.3", "198.51.100.7"),
        ("127.0.0.1", "10.1.2.3, 10.1.2.4", "10.1.2.3"),
        ("127.0.0.1", "198.51.100.7, nonsense", "127.0.0.1"),
        ("127.0.0.1", "nonsense, 198.51.100.7", "198.51.100.7"),
        ("::ffff:127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("", "198.51.100.7", ""),
        ("127.0.0.1", "198.51.100.7:51234", "198.51.100.7"),
        ("127.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("127.0.0.1", "[2001:db8::1]", "2001:db8::1"),
        ("127.0.0.1", "198.51.100.7:51234, 10.1.2.3:80", "198.51.100.7"),
        ("127.0.0.1", "198.51.100.7:port", "127.0.0.1"),
        ("127.0.0.1", "[2001:db8::1]nonsense", "127.0.0.1"),
        ("127.0.0.1", "[]:443", "127.0.0.1"),
    ],
)
def test_the_client_is_the_last_hop_that_is_not_one_of_our_proxies(peer: str, forwarded_for: str, client: str) -> None:
    assert PROXIES.client(peer, forwarded_for) == client


def test_a_household_is_one_reader_and_a_mapped_address_is_the_address() -> None:
    assert (
        network_bytes("2001:db8:1:2::1") == network_bytes("2001:db8:1:2:ffff::9") == bytes.fromhex("20010db800010002")
    )
    assert network_bytes("2001:db8:1:3::1") != network_bytes("2001:db8:1:2::1")
    assert network_bytes("::ffff:192.0.2.1") == network_bytes("192.0.2.1") == bytes([192, 0, 2, 1])
    assert network_bytes("fe80::1%eth0") == network_bytes("fe80::2")


def test_a_setting_that_is_no_network_is_an_error() -> None:
    with pytest.raises(ValueError, match="everybody"):
        TrustedProxies("127.0.0.1, everybody")
