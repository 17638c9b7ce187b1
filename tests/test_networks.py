"""Which addresses are public, in every way that one can be written."""

from __future__ import annotations

import socket

import pytest

from codex.networks import NotPublic, is_public, resolved


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "1.1.1.1", "2606:4700::1111", "2606:4700::1111%eth0"),
        *("::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"),
    ],
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "0.0.0.0", "0.1.2.3", "198.18.0.1", "192.0.0.8", "192.88.99.1", "192.0.2.1"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *(
            "::",
            "::1",
            "fe80::1",
            "fe80::1%eth0",
            "fe80::1%25eth0",
            "fc00::1",
            "fd00::1",
            "fec0::1",
            "ff02::1",
        ),
        *("100::1", "2001:db8::1", "3fff::1", "5f00::1", "2001::1"),
        # With an IPv4 address in it: mapped, compatible, translated, 6to4, NAT64, Teredo, ISATAP
        *("::ffff:127.0.0.1", "::ffff:a00:1", "::127.0.0.1", "::ffff:0:127.0.0.1", "2002:7f00:1::"),
        *("2002:a9fe:a9fe::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"),
        *("2001:0:808:808::1", "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1"),
    ],
)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "localhost",
        "LocalHost",
        "0",
    ],
)
def test_other_spellings_of_the_loopback_are_refused(host: str) -> None:
    with pytest.raises(NotPublic, match="on this machine"):
        resolved(host, 80)
    assert resolved(host, 80, local=True)


def test_a_name_of_which_one_address_is_private_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("8.8.8.8", "10.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(NotPublic, match=r"example\.org is 10\.0\.0\.1"):
        resolved("example.org", 80)


def test_localhost_with_a_dot_is_private_or_unknown() -> None:
    """Some resolvers know it, some ask a name server for it."""
    try:
        found = resolved("localhost.", 80)
    except (NotPublic, OSError):
        return
    raise AssertionError(found)
