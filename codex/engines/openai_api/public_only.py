"""Connections to public addresses alone, to a server that somebody else has named."""

from __future__ import annotations

from asyncio import to_thread

import httpx2

from codex.networks import NotPublic, resolved

PORTS = {"http": 80, "https": 443}


class PublicOnly(httpx2.AsyncHTTPTransport):
    """Resolves a host once for each request and connects to that address, whatever its name leads to then.

    A host of which an address is private is a connection that failed.
    """

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises ConnectError where the host is unknown or not public."""
        host, scheme = request.url.host, request.url.scheme
        try:
            addresses = await to_thread(resolved, host, request.url.port or PORTS[scheme])
        except NotPublic as error:
            why = f"{error}, which safety.private_addresses=true allows"
            raise httpx2.ConnectError(why, request=request) from error
        except (OSError, UnicodeError) as error:
            raise httpx2.ConnectError(str(error), request=request) from error
        # The certificate and the Host header stay the name's.
        request.url = request.url.copy_with(host=addresses[0])
        request.extensions = {**request.extensions, "sni_hostname": host}
        return await super().handle_async_request(request)
