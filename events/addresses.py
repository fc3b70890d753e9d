"""May a webhook be sent to this address?

A customer chooses the address and our network makes the call, so an address is trusted with nothing. Its text is
checked when it is given; what its name resolves to is checked before every connection, all of it, and the connection
goes to the very address that was checked, so that a name which changes its mind in between gains nothing.

>>> Policy().target("https://hooks.example.com/billing").port
443
>>> Policy().target("https://2130706433/")
Traceback (most recent call last):
    ...
events.addresses.AddressRefused: the host '2130706433' is a number, and not an address in the usual form
>>> is_public("93.184.215.14"), is_public("169.254.169.254"), is_public("::ffff:93.184.215.14")
(True, False, False)
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

URL_LENGTH_MAX = 2_048
RESOLVE_SECONDS_MAX = 5.0
PORTS = frozenset({443, 8443})

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_TEXT = re.compile(r"[!-\[\]-~]+")  # printable ASCII without space and backslash, which parsers read differently
_PRIVATE_NAMES = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa", ".onion", ".alt", ".invalid")

# IANA's special-purpose registries: whatever is not plain unicast on the public internet.
_IPV4_REFUSED = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; 100.100.100.200 is a cloud's metadata
        "127.0.0.0/8",  # this machine
        "168.63.129.16/32",  # a cloud's wire server, on an address that looks public
        "169.254.0.0/16",  # link-local; 169.254.169.254 is most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is a cloud's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# Everything outside 2000::/3 is refused already: ::1, IPv4-mapped, NAT64, ULA, link-local, multicast.
_IPV6_UNICAST = IPv6Network("2000::/3")
_IPV6_REFUSED = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 carries an IPv4 address of the sender's choice
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


class AddressRefused(ValueError):
    """Nothing is sent there; the message says why, to the person who gave the address."""


class NameUnknown(Exception):
    """The name of the host does not resolve."""


Resolve = Callable[[str, int], Awaitable[tuple[str, ...]]]
"""Returns every address of a host, or raises `NameUnknown`."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook goes, as its address says it."""

    url: str
    scheme: str
    host: str
    port: int


async def resolve(host: str, port: int) -> tuple[str, ...]:
    """Ask the system's resolver, with a bound on how long that may take."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_SECONDS_MAX):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError) as error:
        raise NameUnknown(f"the name {host!r} does not resolve") from error
    return tuple(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


@dataclass(frozen=True, slots=True)
class Policy:
    """Whom this installation may call: the public internet over TLS, and the hosts that an operator named.

    A named host is `host` or `host:port`; what is named may be private, plain http and on any port.
    """

    allowed: frozenset[str] = frozenset()
    resolve: Resolve = resolve

    def target(self, url: str) -> Target:
        """Return where `url` leads, or raise `AddressRefused` for one that its text alone rules out."""
        if not 1 <= len(url) <= URL_LENGTH_MAX:
            raise AddressRefused(f"the address has {len(url)} characters: give 1 to {URL_LENGTH_MAX}")
        if not _TEXT.fullmatch(url):
            raise AddressRefused("the address has characters other than printable ASCII; write the name in punycode")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise AddressRefused(f"the address cannot be read: {error}") from error
        if parts.scheme not in {"https", "http"} or not host:
            raise AddressRefused("the address must start with https:// and name a host")
        if "@" in parts.netloc:
            raise AddressRefused("the address must not carry a user name or a password")
        if "#" in url:
            raise AddressRefused("the address must not have a fragment: a server never sees it")
        target = Target(url, parts.scheme, host, port if port is not None else {"https": 443, "http": 80}[parts.scheme])
        if not self._names(target):
            _require_public(target)
        return target

    async def addresses(self, target: Target) -> tuple[str, ...]:
        """Return the addresses to connect to, each of them checked; raise `AddressRefused` if any is not public."""
        found = await self.resolve(target.host, target.port)
        if not found:
            raise NameUnknown(f"the name {target.host!r} does not resolve")
        private = [] if self._names(target) else [address for address in found if not is_public(address)]
        if private:
            raise AddressRefused(f"the host {target.host!r} leads to an address that is not public")
        return found

    def _names(self, target: Target) -> bool:
        return target.host in self.allowed or f"{target.host}:{target.port}" in self.allowed


def is_public(text: str) -> bool:
    """Return whether an IP address is plain unicast on the public internet."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _IPV4_REFUSED)
    if address.scope_id is not None or address not in _IPV6_UNICAST:
        return False
    return not any(address in network for network in _IPV6_REFUSED)


def _require_public(target: Target) -> None:
    if target.scheme != "https":
        raise AddressRefused("the address must start with https://")
    if target.port not in PORTS:
        raise AddressRefused(f"the port {target.port} is not one of {', '.join(map(str, sorted(PORTS)))}")
    if ":" in target.host or _is_ipv4(target.host):
        if not is_public(target.host):
            raise AddressRefused(f"the address {target.host} is not public")
        return
    labels = target.host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        raise AddressRefused(f"the host {target.host!r} is a number, and not an address in the usual form")
    if len(target.host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused(f"the host {target.host[:60]!r} is not a name")
    if len(labels) == 1 or target.host.endswith(_PRIVATE_NAMES):
        raise AddressRefused(f"the host {target.host!r} is a name of a private network")


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True
