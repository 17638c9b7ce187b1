"""Where a name leads: which addresses are public, and which are of this machine or of a private network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

_V4_WITHIN = (
    ("::/96", 0),  # IPv4-compatible
    ("::ffff:0:0/96", 0),  # IPv4-mapped
    ("::ffff:0:0:0/96", 0),  # IPv4-translated (RFC 2765)
    ("64:ff9b::/96", 0),  # NAT64 (RFC 6052)
    ("2002::/16", 80),  # 6to4 (RFC 3056)
)
"""Networks whose addresses hold an IPv4 address, and how many bits stand behind that."""
_WITHIN = tuple((ipaddress.IPv6Network(network), shift) for network, shift in _V4_WITHIN)
_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4, given up
        "64:ff9b:1::/48",  # NAT64 of a local network (RFC 8215)
        "2001::/23",  # protocol assignments, Teredo among them
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",  # site-local, given up
    )
)
"""What Python, or an old one, takes for public beside what it knows to be private."""
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The middle of an address that holds an IPv4 address of a site's own network (RFC 5214)."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPublic(Exception):
    """A host leads to this machine or into a private network."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host} is {address}, on this machine or in a private network")


def is_public(address: str) -> bool:
    """Whether an IP address, with or without a zone, is outside of this machine and of private networks.

    An IPv6 address that holds an IPv4 address is public where both are.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    return all(_is_public(each) for each in (*_within(ip), ip))


def resolved(host: str, port: int, *, local: bool = False) -> list[str]:
    """The IP addresses of a host; connect to these, since its name may lead elsewhere a moment later.

    local: whether it may be on this machine or in a private network. Raises NotPublic where one of them is;
    OSError, UnicodeError where none is known.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    refused = [address for address in addresses if not is_public(address)]
    if refused and not local:
        raise NotPublic(host, refused[0])
    return addresses


def _is_public(ip: Address) -> bool:
    if any(ip in network for network in _NEVER if network.version == ip.version):
        return False
    if isinstance(ip, ipaddress.IPv6Address) and any(ip in network for network, _ in _WITHIN):
        # What is held decides; ::1 and :: hold 0.0.0.1 and 0.0.0.0, which are private.
        return True
    return ip.is_global and not ip.is_multicast


def _within(ip: Address) -> Iterator[ipaddress.IPv4Address]:
    if isinstance(ip, ipaddress.IPv4Address):
        return
    for network, shift in _WITHIN:
        if ip in network:
            yield ipaddress.IPv4Address(int(ip) >> shift & 0xFFFFFFFF)
    if int(ip) >> 32 & 0xFFFFFFFF in _ISATAP:
        yield ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
