"""Which identity providers are believed, everywhere or in one organization, and whose e-mail leads to which?

The operator's issuers come from the settings and count everywhere. An organization's own providers are rows, read
anew for every sign-in, and count in that organization alone: whoever configures a provider can vouch for anybody, but
only to themselves.
"""

from collections import OrderedDict
from datetime import datetime
from typing import TypeVar

from auth.issuers import Issuer, Trusted
from auth.keys import JwksOverHttp, KeySource, Web
from auth.minting import Mint
from auth.oidc import Oidc, Provider, ProviderUnavailable
from auth.sealing import CannotOpen, Sealer
from models import identity_providers as rows
from models.database import Database

K = TypeVar("K")
V = TypeVar("V")

KEPT_MAX = 1_000
CALLBACK, LOGGED_OUT, BACKCHANNEL = "/callback", "/logged-out", "/backchannel-logout"


class Providers:
    """Knows every provider, and keeps what it learned of each."""

    def __init__(
        self,
        database: Database,
        *,
        public_url: str,
        everywhere: Trusted,
        mint: Mint,
        sealer: Sealer,
        web: Web,
        operators: Oidc | None = None,
    ) -> None:
        self._database = database
        self.public_url = public_url
        self._everywhere = everywhere
        self._mint = mint
        self._sealer = sealer
        self._web = web
        self.operators = operators
        self._keys: OrderedDict[str, KeySource] = OrderedDict()
        self._oidc: OrderedDict[tuple[str, str], tuple[datetime, str | None, Oidc]] = OrderedDict()

    def everywhere(self, url: str) -> Issuer | None:
        """Return the issuer of this URL that the operator chose, or that is ourselves."""
        own = self._mint.issuer
        return own if url == own.url else self._everywhere.everywhere(url)

    async def named(self, url: str) -> tuple[Issuer, ...]:
        """Return every issuer of this URL whose access tokens are believed, the one believed everywhere first."""
        first = self.everywhere(url)
        found = () if first is None else (first,)
        if first is self._mint.issuer:  # nobody else speaks for us
            return found
        theirs = await rows.of_issuer(self._database.reader, url)
        return (*found, *(self._issuer(row) for row in theirs if self._may_reach(row.issuer)))

    async def oidc(self, organization_id: str | None, provider_id: str | None, *, at: datetime) -> Oidc | None:
        """Return how to sign in with a provider: an organization's, or the operator's where none is named.

        Raise `ProviderUnavailable` for one that was configured under settings that are no longer in force.
        """
        if organization_id is None or provider_id is None:
            return self.operators
        row = await rows.find(self._database.reader, organization_id, provider_id)
        try:
            return None if row is None else await self._oidc_of(row, at)
        except (ValueError, CannotOpen) as error:
            raise ProviderUnavailable(f"identity provider {provider_id}: {error}") from error

    async def for_email(self, email: str) -> rows.EmailDomain | None:
        """Return the verified domain of an address, and with it whose people these are."""
        domain = email.rpartition("@")[2].strip().lower()
        return await rows.verified_domain(self._database.reader, domain) if domain else None

    async def any_organization_has_its_own(self) -> bool:
        """Return whether people have to be asked first where they are at home."""
        return await rows.any_exists(self._database.reader)

    async def probe(self, issuer_url: str, algorithms: frozenset[str], *, at: datetime) -> None:
        """Raise `ValueError` or `ProviderUnavailable` unless a provider of this URL can be used."""
        # With keys of its own: what a configuration tries out must not disturb what others rely on.
        keys = JwksOverHttp(issuer_url, web=self._web)
        callback = f"{self.public_url}{CALLBACK}"
        provider = Provider(issuer_url, "probe", None, callback, keys, algorithms, web=self._web)
        await Oidc(provider).probe(at=at)

    def seal_secret(self, secret: str, *, organization_id: str, issuer: str) -> str:
        """Return a client secret in the form in which it is kept."""
        return self._sealer.seal(secret, place=_place(organization_id, issuer))

    def fingerprint(self, secret: str) -> str:
        """Return what tells two secrets apart without telling either."""
        return self._sealer.fingerprint(secret)

    def callback(self, organization_id: str, provider_id: str) -> str:
        """Return where a provider must send browsers back; one address each, so that none can answer for another."""
        return f"{self.public_url}{CALLBACK}/{organization_id}/{provider_id}"

    def backchannel(self, organization_id: str, provider_id: str) -> str:
        """Return where a provider tells us that a session has ended."""
        return f"{self.public_url}{BACKCHANNEL}/{organization_id}/{provider_id}"

    @property
    def logged_out(self) -> str:
        """Return where a provider may send browsers after signing them out."""
        return f"{self.public_url}{LOGGED_OUT}"

    async def _oidc_of(self, row: rows.IdentityProvider, at: datetime) -> Oidc:
        own_key = await self._mint.signing_key(at=at) if row.client_authentication == "PRIVATE_KEY_JWT" else None
        key = (row.organization_id, row.id)
        kid = own_key.kid if own_key else None
        kept = self._oidc.get(key)
        if kept is None or kept[:2] != (row.updated_at, kid):
            secret = row.client_secret
            place = _place(row.organization_id, row.issuer)
            provider = Provider(
                issuer_url=row.issuer,
                client_id=row.client_id,
                client_secret=self._sealer.open(secret, place=place) if secret is not None else None,
                redirect_uri=self.callback(row.organization_id, row.id),
                keys=self._keys_of(row.issuer),
                algorithms=frozenset(row.algorithms),
                scope=row.scopes,
                own_key=own_key,
                web=self._web,
                organization_id=row.organization_id,
                id=row.id,
            )
            kept = row.updated_at, kid, Oidc(provider)
        _keep(self._oidc, key, kept)
        return kept[2]

    def _may_reach(self, issuer_url: str) -> bool:
        """Return whether a provider's address may be used under the settings of today."""
        try:
            self._web.check(issuer_url)
        except ValueError:
            return False
        return True

    def _issuer(self, row: rows.IdentityProvider) -> Issuer:
        audience, algorithms = row.api_audience or "", frozenset(row.algorithms)
        return Issuer(row.issuer, audience, algorithms, self._keys_of(row.issuer), row.organization_id)

    def _keys_of(self, issuer_url: str) -> KeySource:
        """Return an issuer's keys, shared by all who believe it: so many organizations are one set of requests."""
        keys = self._keys.get(issuer_url) or JwksOverHttp(issuer_url, web=self._web)
        _keep(self._keys, issuer_url, keys)
        return keys


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    """Keep a value as the latest one used, and forget the one unused for longest."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > KEPT_MAX:
        kept.popitem(last=False)


def _place(organization_id: str, issuer: str) -> str:
    # Bound to the issuer: an edited row must not send the secret of one provider to another.
    return f"identity_providers/{organization_id}/{issuer}"
