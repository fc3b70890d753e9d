"""How is a message posted to an address that nobody here has reason to trust?

Once, to the very address that was checked, within a time, without following anything: no redirect, no proxy, no
cookie. Of the answer only the status counts, with `Retry-After`; of its body a short beginning is kept for the person
who has to find out why it fails, and the rest is never read.
"""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache

import httpx2

from billing.webhooks import Fault
from events.addresses import AddressRefused, NameUnknown, Policy, Target

SECONDS_MAX = 15.0
CONNECT_SECONDS_MAX = 5.0
ADDRESSES_TRIED_MAX = 2
EXCERPT_BYTES_MAX = 1_024
EXCERPT_SECONDS_MAX = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status with the beginning of a body, or the fault because of which there is none."""

    status: int | None
    excerpt: str = ""
    retry_after: timedelta = timedelta(0)
    fault: Fault | None = None


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Connects to one checked address, whatever the URL's host resolves to by now.

    The host of the URL stays in the Host header and is the name the certificate must be for. A transport serves one
    request: a connection kept for another host at the same address would skip that host's certificate.
    """

    def __init__(self, address: str, target: Target) -> None:
        self._address = address
        self._target = target
        self._inner = httpx2.AsyncHTTPTransport(verify=tls(), trust_env=False, http2=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request to the pinned address."""
        request.url = request.url.copy_with(host=self._address, port=self._target.port)
        request.extensions = {**request.extensions, "sni_hostname": self._target.host}
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()


@cache
def tls() -> ssl.SSLContext:
    """Return how every receiver's certificate is verified; loading the authorities takes longer than a request."""
    return httpx2.create_ssl_context(trust_env=False)


async def post(
    policy: Policy, url: str, body: bytes, headers: dict[str, str], *, at: datetime, seconds_max: float = SECONDS_MAX
) -> Answer:
    """Post `body` once and return what came back; nothing a receiver does raises."""
    try:
        async with asyncio.timeout(seconds_max):
            target = policy.target(url)
            return await _post(await policy.addresses(target), target, body, headers, at)
    except AddressRefused as error:
        return Answer(None, excerpt=str(error), fault=Fault.ADDRESS_REFUSED)
    except NameUnknown as error:
        return Answer(None, excerpt=str(error), fault=Fault.NAME_UNKNOWN)
    except (TimeoutError, httpx2.TimeoutException):
        return Answer(None, excerpt=f"no whole answer within {seconds_max:g} s", fault=Fault.TIMED_OUT)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        return Answer(None, excerpt=_printable(str(error) or type(error).__name__), fault=Fault.UNREACHABLE)


async def _post(
    addresses: tuple[str, ...], target: Target, body: bytes, headers: dict[str, str], at: datetime
) -> Answer:
    """Try the addresses in their order until one accepts a connection."""
    tried = addresses[:ADDRESSES_TRIED_MAX]
    for address in tried[:-1]:
        try:
            return await _post_to(address, target, body, headers, at)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            continue  # nothing was sent yet
    return await _post_to(tried[-1], target, body, headers, at)


async def _post_to(address: str, target: Target, body: bytes, headers: dict[str, str], at: datetime) -> Answer:
    timeout = httpx2.Timeout(SECONDS_MAX, connect=CONNECT_SECONDS_MAX)
    sent = {**headers, "accept-encoding": "identity", "connection": "close"}
    async with (
        httpx2.AsyncClient(
            transport=PinnedTransport(address, target), timeout=timeout, trust_env=False, follow_redirects=False
        ) as client,
        client.stream("POST", target.url, content=body, headers=sent) as response,
    ):
        return Answer(
            response.status_code,
            excerpt=await _beginning(response),
            retry_after=_retry_after(response.headers.get("retry-after", ""), at),
        )


async def _beginning(response: httpx2.Response) -> str:
    """Return the first bytes of the body as text, and read no further."""
    read = bytearray()
    try:
        async with asyncio.timeout(EXCERPT_SECONDS_MAX):
            # Raw bytes: a small compressed answer must not unfold into a large one.
            async for chunk in response.aiter_raw():
                read += chunk
                if len(read) >= EXCERPT_BYTES_MAX:
                    break
    except (TimeoutError, httpx2.TransportError):
        pass  # the status has arrived, and only that counts
    return _printable(bytes(read[:EXCERPT_BYTES_MAX]).decode(errors="replace"))


def _retry_after(text: str, at: datetime) -> timedelta:
    """Return how long the receiver asks us to wait: seconds or a date, and nothing where it is neither."""
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return timedelta(seconds=int(text))
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return timedelta(0)
    return max(timedelta(0), (until if until.tzinfo else until.replace(tzinfo=UTC)) - at)


def _printable(text: str) -> str:
    """Return text that a database keeps and a terminal survives."""
    return "".join(
        character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}" for character in text
    )[:EXCERPT_BYTES_MAX]
