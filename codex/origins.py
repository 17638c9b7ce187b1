"""Hosts and origins as browsers and settings write them, each in one form that can be compared."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Hosts:
    """The hosts a server answers for: the names of loopback, the address it listens on, and listed ones.

    Where it listens on every address (0.0.0.0, ::), any IP address is one of them: a name that an attacker
    owns can be rebound to this machine, an address cannot.
    """

    def __init__(self, listens_on: str, listed: Iterable[str] = ()) -> None:
        """listens_on: the setting server.host. listed: names in the form of `host_name`."""
        self._names = {"localhost", *listed}
        self._any_address = not listens_on or _is_unspecified(listens_on)
        if listens_on:
            self._names.add(host_name(listens_on))

    def __contains__(self, name: str) -> bool:
        """name: in the form of `host_name`."""
        if name in self._names:
            return True
        address = _address(name)
        return address is not None and (self._any_address or _is_loopback(address))


def is_loopback(host: str) -> bool:
    """Whether a server that listens on this host is reached from its own machine only."""
    address = _address(host.strip().removeprefix("[").removesuffix("]"))
    return host.strip().lower() == "localhost" or (address is not None and _is_loopback(address))


def authority(text: str) -> tuple[str, int | None]:
    """The host, in the form of `host_name`, and the port of a Host header. Raises ValueError."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a host with an optional port")
    port = None if match[2] is None else int(match[2])
    if port is not None and port > 65535:
        raise ValueError(f"{text!r} is not a host: its port is above 65535")
    return host_name(match[1]), port


def host_name(text: str) -> str:
    """A host in one form: lower case, international names in ASCII, IPv6 compressed and without brackets.

    Raises ValueError where it is no host, or more than one.
    """
    name = _in_ascii(text.strip().lower())
    address = _address(name.removeprefix("[").removesuffix("]"))
    if address is not None:
        return address.compressed
    match = _AUTHORITY.fullmatch(name)
    if match is None or match[2] is not None or name.startswith("["):
        raise ValueError(f"{text!r} is not a host name: write it without scheme, port and wildcard")
    return name


def origin(text: str) -> str:
    """A web origin as browsers send it: lower case, without the scheme's own port. Raises ValueError."""
    scheme, separator, rest = text.strip().partition("://")
    if not separator or _SCHEME.fullmatch(scheme) is None:
        raise ValueError(f"{text!r} is not an origin: write it as http://localhost:3000")
    host, port = authority(_in_ascii(rest))
    scheme = scheme.lower()
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}" if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{scheme}://{name}:{port}"


def web_address(text: str) -> str:
    """An address of http or https, as it is. Raises ValueError."""
    address = text.strip()
    parts = urlsplit(address)
    if parts.scheme.lower() not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("that is no web address: write it as https://example.org/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("leave user and password out of the address")
    authority(_in_ascii(parts.netloc))
    if not address.isascii() or re.search(r"[\x00-\x20\x7f]", address):
        raise ValueError("write the address with ASCII characters and without spaces")
    return address


def _in_ascii(name: str) -> str:
    return name if name.isascii() else name.encode("idna").decode("ascii")


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(name: str) -> _Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _is_unspecified(name: str) -> bool:
    address = _address(name)
    return address is not None and address.is_unspecified


def _is_loopback(address: _Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
