"""Where do an issuer's public keys come from?

From its JWKS over HTTP, kept and refreshed, or from this very process when it is its own development provider.
A key source never raises for what a stranger put in a token: a `kid` it cannot find has no keys.
"""

import asyncio
import contextvars
import json
import logging
import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx2

Jwk = Mapping[str, Any]

REFRESH_AT_MOST_EVERY = timedelta(seconds=30)
KEPT_AT_MOST = timedelta(hours=1)
DOCUMENT_BYTES_MAX = 256 * 1024
KEYS_MAX = 100
FETCH_SECONDS_MAX = 5.0

_log = logging.getLogger(__name__)


class KeySource(Protocol):
    """Finds the public keys that carry one `kid`."""

    async def find(self, kid: str, *, at: datetime) -> tuple[Jwk, ...]:
        """Return every key with this `kid`. More than one is the caller's reason to refuse."""
        ...


class KeysUnavailable(Exception):
    """The issuer's keys could not be fetched, or what came is not a key set."""


class Web(Protocol):
    """How far a URL may make us reach, and what carries the request there."""

    def check(self, url: str) -> None:
        """Raise `ValueError` for a URL that must not be used."""
        ...

    def transport(self) -> httpx2.AsyncBaseTransport:
        """Return what HTTP clients send through."""
        ...


class OperatorsWeb:
    """What an operator configures may be anywhere, over https or on this very machine."""

    def check(self, url: str) -> None:
        """Raise `ValueError` for a URL that must not be used."""
        require_safe_url(url)

    def transport(self) -> httpx2.AsyncBaseTransport:
        """Return what HTTP clients send through."""
        return httpx2.AsyncHTTPTransport(verify=tls(), trust_env=False)


class FixedKeys:
    """Keys that are known from the start and never change."""

    def __init__(self, keys: Sequence[Jwk]) -> None:
        self._by_kid = _by_kid(keys)

    async def find(self, kid: str, *, at: datetime) -> tuple[Jwk, ...]:  # noqa: ARG002  # keys without a date
        """Return the keys with this `kid`."""
        return self._by_kid.get(kid, ())


class JwksOverHttp:
    """An issuer's published key set. However many tokens name keys that are not in it, it is looked at again at most
    once in 30 seconds; and as often where it could not be fetched, or has become old.

    Keys are fetched again after an hour, so that a key the issuer withdrew is not believed for ever. While the
    issuer cannot be reached, the keys last seen stay in force.
    """

    def __init__(self, issuer_url: str, *, jwks_url: str | None = None, web: Web | None = None) -> None:
        """Take the key set from `jwks_url`, or from where the issuer's discovery document says."""
        self._issuer_url = issuer_url
        self._jwks_url = jwks_url
        self._web = web or OperatorsWeb()
        for url in (issuer_url, jwks_url):
            if url is not None:
                self._web.check(url)
        self._by_kid: dict[str, tuple[Jwk, ...]] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._searched_at: datetime | None = None
        self._flight: asyncio.Task[None] | None = None

    async def find(self, kid: str, *, at: datetime) -> tuple[Jwk, ...]:
        """Return the keys with this `kid`, after a refresh when one is due."""
        if self._flight is None and self._is_due(kid, at):
            # Its own task: the first caller hanging up must not leave the others without keys.
            refresh = self._refresh(at)
            self._flight = asyncio.get_running_loop().create_task(refresh, context=contextvars.Context())
        if self._flight is not None:
            await asyncio.shield(self._flight)
        return self._by_kid.get(kid, ())

    async def require(self, *, at: datetime) -> None:
        """Raise `KeysUnavailable` where there are no keys to be had now."""
        await self.find("", at=at)
        if not self._by_kid:
            raise KeysUnavailable("the issuer publishes no keys with a name")

    def _is_due(self, kid: str, at: datetime) -> bool:
        """Return whether to look now, and note that we do.

        A regular look does not use up the one for an unknown key: the issuer may have changed its keys just after.
        """
        # Distances, not directions: a clock set back must not lock the door until it has caught up.
        if self._fetched_at is None or abs(at - self._fetched_at) >= KEPT_AT_MOST:
            is_due = self._tried_at is None or abs(at - self._tried_at) >= REFRESH_AT_MOST_EVERY
            self._tried_at = at if is_due else self._tried_at
            return is_due
        is_due = self._searched_at is None or abs(at - self._searched_at) >= REFRESH_AT_MOST_EVERY
        if kid in self._by_kid or not is_due:
            return False
        self._searched_at = at
        return True

    async def _refresh(self, at: datetime) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS_MAX):
                self._by_kid = await self._fetch()
            self._fetched_at = at
        except Exception as error:  # whatever the issuer's machine answers must not become a fault of ours
            _log.warning("keys of issuer %s could not be refreshed: %r", self._issuer_url, error)
        finally:
            self._flight = None

    async def _fetch(self) -> dict[str, tuple[Jwk, ...]]:
        async with httpx2.AsyncClient(
            timeout=FETCH_SECONDS_MAX, transport=self._web.transport(), trust_env=False
        ) as client:
            jwks_url = self._jwks_url or await self._discover(client)
            keys = (await fetched(client, jwks_url)).get("keys")
        if not isinstance(keys, list) or len(keys) > KEYS_MAX or not all(isinstance(key, dict) for key in keys):
            raise KeysUnavailable(f"{jwks_url} is not a set of at most {KEYS_MAX} keys")
        return _by_kid(keys)

    async def _discover(self, client: httpx2.AsyncClient) -> str:
        found = await fetched(client, discovery_url(self._issuer_url))
        jwks_url = found.get("jwks_uri")
        if found.get("issuer") != self._issuer_url or not isinstance(jwks_url, str):
            raise KeysUnavailable("the discovery document is another issuer's, or names no keys")
        try:
            self._web.check(jwks_url)
        except ValueError as error:
            raise KeysUnavailable(str(error)) from error
        return jwks_url


@cache
def tls() -> ssl.SSLContext:
    """Return how every server is verified. Loading the authorities takes longer than a request, so it is done once."""
    return httpx2.create_ssl_context(trust_env=False)


def require_safe_url(url: str) -> None:
    """Raise `ValueError` unless `url` is https, or plain http to this very machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return
    raise ValueError(f"{url!r} must be https, or http on a loopback address")


def is_loopback(host: str) -> bool:
    """Return whether `host` names this very machine. No name is resolved: only `localhost` is believed."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _by_kid(keys: Sequence[Jwk]) -> dict[str, tuple[Jwk, ...]]:
    grouped: dict[str, tuple[Jwk, ...]] = {}
    for key in keys:
        if isinstance(kid := key.get("kid"), str):
            grouped[kid] = (*grouped.get(kid, ()), key)
    return grouped


def discovery_url(issuer_url: str) -> str:
    """Return where an issuer describes itself."""
    return f"{issuer_url.rstrip('/')}/.well-known/openid-configuration"


async def fetched(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    """Return the JSON object at `url`, reading no more than the bound."""
    body = bytearray()
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    async with client.stream("GET", url, headers=headers) as response:
        if response.status_code != 200:
            raise KeysUnavailable(f"{url} answered {response.status_code}")
        # Raw bytes: a small compressed answer must not unfold into a large one.
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > DOCUMENT_BYTES_MAX:
                raise KeysUnavailable(f"{url} is longer than {DOCUMENT_BYTES_MAX} bytes")
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise KeysUnavailable(f"{url} is not JSON") from error
    if not isinstance(parsed, dict):
        raise KeysUnavailable(f"{url} is not a JSON object")
    return parsed
