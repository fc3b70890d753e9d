"""To which addresses may a URL make us connect?

What an operator configures may be anywhere. What a customer configures must be https to an address of the public
internet, else our server would fetch from our own network for whoever asks. The address is looked up once, checked,
and then connected to, so that a name cannot answer differently the second time.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx2

from auth.keys import tls

_NAT64 = IPv6Network("64:ff9b::/96")
URL_MAX = 500


class ForbiddenAddress(httpx2.ConnectError):
    """The name leads to an address that customers must not make us connect to."""


@dataclass(frozen=True, slots=True)
class PublicWeb:
    """The public internet over https. `hosts` are the `host:port` allowed whatever they are: for development."""

    hosts: frozenset[str] = frozenset()

    def check(self, url: str) -> None:
        """Raise `ValueError` for a URL that must not be used, as far as its text tells."""
        parts = urlsplit(url)
        if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or "\\" in url:
            raise ValueError(f"a URL has at most {URL_MAX} plain characters")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise ValueError("a URL must not have a user, a password or a fragment")
        if f"{parts.hostname}:{parts.port}" in self.hosts and parts.scheme in {"http", "https"}:
            return
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError(f"{url!r} must be https")
        if _literal_is_private(parts.hostname):
            raise ValueError(f"{url!r} is not an address of the public internet")

    def transport(self) -> httpx2.AsyncBaseTransport:
        """Return what HTTP clients send through. Connections are not kept, so it may serve many clients."""
        plain = httpx2.AsyncHTTPTransport(
            verify=tls(), trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
        )
        return _PublicOnly(plain, self)


def is_public(address: str) -> bool:
    """Return whether an address belongs to the public internet, also where it hides inside another.

    >>> is_public("93.184.216.34"), is_public("10.0.0.1"), is_public("169.254.169.254"), is_public("::ffff:127.0.0.1")
    (True, False, False, False)
    >>> is_public("64:ff9b::7f00:1"), is_public("2002:7f00:1::"), is_public("fd00::1"), is_public("100.64.0.1")
    (False, False, False, False)
    """
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        hidden = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if found in _NAT64:
            hidden = IPv4Address(int(found) & 0xFFFFFFFF)
        if hidden is not None:
            return is_public(str(hidden))
    unfit = (found.is_private, found.is_loopback, found.is_link_local, found.is_multicast, found.is_reserved)
    return found.is_global and not any(unfit) and not found.is_unspecified


class _PublicOnly(httpx2.AsyncBaseTransport):
    """Connects to public addresses only, by the very address that was checked."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, web: PublicWeb) -> None:
        self._inner = inner
        self._web = web

    async def aclose(self) -> None:
        """Stay open for the next client: there are no idle connections to close."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request, or raise `ForbiddenAddress`."""
        host, port = request.url.host, request.url.port
        try:
            self._web.check(str(request.url.copy_with(query=None)))
        except ValueError as error:
            raise ForbiddenAddress(str(error), request=request) from error
        if f"{host}:{port}" not in self._web.hosts:
            address = await _checked_address(host, port or 443, request)
            # The certificate is still checked for the name; `Host` was set when the request was made.
            request.extensions = {**request.extensions, "sni_hostname": host}
            request.url = request.url.copy_with(host=address)
        return await self._inner.handle_async_request(request)


async def _checked_address(host: str, port: int, request: httpx2.Request) -> str:
    try:
        found: Sequence[Any] = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpx2.ConnectError(f"{host} has no address", request=request) from error
    addresses = [str(each[4][0]) for each in found]
    # One inner address among public ones is reason enough: the next connection might take it.
    if not addresses or not all(is_public(address) for address in addresses):
        raise ForbiddenAddress(f"{host} is not on the public internet", request=request)
    return addresses[0]


def _literal_is_private(host: str) -> bool:
    try:
        return not is_public(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
