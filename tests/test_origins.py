"""Hosts and origins: which are the server's own, and one form for each."""

from __future__ import annotations

import pytest

from codex.origins import Hosts, authority, host_name, origin


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("http://localhost:7860", "http://localhost:7860"),
        ("HTTP://LocalHost:7860", "http://localhost:7860"),
        ("http://localhost:80", "http://localhost"),
        ("https://localhost:443", "https://localhost"),
        ("https://localhost:80", "https://localhost:80"),
        ("http://[::1]:7860", "http://[::1]:7860"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("chrome-extension://abcdefgh", "chrome-extension://abcdefgh"),
        ("http://bücher.example", "http://xn--bcher-kva.example"),
    ],
)
def test_an_origin_has_one_form(text: str, form: str) -> None:
    assert origin(text) == form


@pytest.mark.parametrize(
    "text",
    [
        *("null", "", "*", "localhost", "localhost:3000", "http://", "http://*", "http://*.example.org"),
        *("http://a/path", "http://a/", "http://user@a", "http://a:b", "http://a:99999", "http://a b"),
        *(
            "http://[::1",
            "http://[::1%25eth0]",
            "://a",
            "http:///a",
            "http://a,http://b",
            "http://a http://b",
        ),
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a host|not an origin"):
        origin(text)


@pytest.mark.parametrize(
    "name",
    [
        *("localhost", "localhost:7860", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:80", "127.8.9.10:7860"),
        *("[::1]", "[::1]:7860", "[0:0::1]:7860", "[::ffff:127.0.0.1]:7860"),
    ],
)
def test_every_name_of_loopback_is_the_servers_own(name: str) -> None:
    assert authority(name)[0] in Hosts("127.0.0.1")


FOREIGN = [
    *("evil.test", "x.localhost", "localhost.", "localhost.evil.test", "127.0.0.1.nip.io", "localhost.lan"),
    *("0.0.0.0", "[::]", "192.168.1.5", "[fe80::1]", "8.8.8.8", "128.0.0.1", "[::ffff:8.8.8.8]"),
    *("127.1", "0x7f000001", "2130706433", "127.0.0.01", "0177.0.0.1", "local_host", "localhos"),
]  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_every_other_name_is_foreign(name: str) -> None:
    assert authority(f"{name}:7860")[0] not in Hosts("127.0.0.1")


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", ":7860", "localhost:", "localhost:x", "localhost:99999", "localhost:-1", "localhost:1:1"),
        *("user@localhost", "localhost@evil.test", "localhost/", "local host", " localhost", "localhost\t"),
        *("[::1", "::1", "[::1]x", "[evil]", "[::::]", "localhost,evil.test", "localhost#", "%6cocalhost"),
        *("loc\u0430lhost", "localhost\x00", "\xff"),
    ],
)  # fmt: skip
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host"):
        authority(text)


def test_the_address_that_it_listens_on_is_its_own_and_no_neighbour() -> None:
    hosts = Hosts("192.168.1.5")
    assert {"192.168.1.5", "localhost", "::1"} <= {
        n for n in ("192.168.1.5", "localhost", "::1") if n in hosts
    }
    assert "192.168.1.6" not in hosts
    assert "workbench.lan" in Hosts("Workbench.lan")


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "::", ""])
def test_a_server_on_every_address_answers_for_addresses_and_for_no_name(everywhere: str) -> None:
    hosts = Hosts(everywhere)
    assert all(name in hosts for name in ("192.168.1.5", "fd00::1", "127.0.0.1", "localhost", "8.8.8.8"))
    assert not any(name in hosts for name in ("evil.test", "x.localhost", "localhost.", "192.168.1.5.nip.io"))


def test_a_listed_name_is_its_own_and_none_below_it() -> None:
    hosts = Hosts("127.0.0.1", [host_name("Codex.Example"), host_name("bücher.example")])
    assert "codex.example" in hosts
    assert authority("xn--bcher-kva.example")[0] in hosts
    assert "x.codex.example" not in hosts
    assert "codex.example." not in hosts


@pytest.mark.parametrize("name", ["", "*", "*.example", "http://a", "a:80", "a/b", "a,b", "[::1]:80", "a b"])
def test_what_is_no_host_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a host name"):
        host_name(name)
