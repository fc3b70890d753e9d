"""What can be configured, and what may never run in production as it is?

The only module that reads the environment: `BILLGRAPH_…` for everything, and `DATABASE_URL` by its usual name.
Defaults are for a laptop. With `BILLGRAPH_ENVIRONMENT=production` each unsafe one is refused by name.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.trusted_documents import Mode
from auth.founders import Founders, Founding
from documents.invoice import Party, Seller, ZeroTax
from events.addresses import Policy
from events.vault import Vault
from events.webhooks import Postbox

DEVELOPMENT_SECRET = "for development only: everybody knows this"  # noqa: S105  # refused in production
SECRET_LENGTH_MIN = 32

Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class Environment(StrEnum):
    """Where the process runs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class TokenIssuer(BaseModel):
    """A party whose access tokens are believed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="The exact `iss` of its tokens.")
    audience: str = Field(description="The `aud` its tokens for this API carry.")
    algorithms: frozenset[str] = Field(default=frozenset({"RS256"}), description="The only `alg` values accepted.")
    jwks_url: str | None = Field(default=None, description="Where its keys are; discovered from `url` when absent.")


class SellerDetails(BaseModel):
    """A legal entity that issues invoices, as it is printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    legal_name: str = Field(description="The registered name.")
    address_lines: tuple[str, ...] = Field(default=(), description="The address, line by line.")
    country: str | None = Field(default=None, description="ISO 3166 code, such as DE.")
    tax_id: str | None = Field(default=None, description="The VAT or tax number.")
    email: str | None = Field(default=None, description="Where questions about invoices go.")
    payment_lines: tuple[str, ...] = Field(default=(), description="Where to pay to, line by line.")
    zero_tax: ZeroTax | None = Field(default=None, description="Why an invoice without tax has none: Z, E or O.")

    def printed(self, key: str) -> Seller:
        """Return the seller as documents print it."""
        party = Party(self.legal_name, self.address_lines, self.country, self.tax_id, self.email)
        return Seller(key, party, self.payment_lines, self.zero_tax)


class Limits(BaseSettings):
    """The bounds on what one client can make the server do."""

    model_config = SettingsConfigDict(env_prefix="BILLGRAPH_", frozen=True, hide_input_in_errors=True)

    body_bytes_max: Count = Field(default=1 << 20, description="Largest request body, in bytes.")
    upload_bytes_max: Count = Field(default=16 << 20, description="Largest list of people to import, in bytes.")
    body_seconds_max: Seconds = Field(default=10, description="Time in which a request body must have arrived.")
    json_depth_max: Count = Field(default=64, description="Deepest nesting of a JSON body or frame.")
    frame_bytes_max: Count = Field(default=1 << 18, description="Largest WebSocket message, in bytes.")
    document_length_max: Count = Field(default=40_000, description="Longest GraphQL document, in characters.")
    document_tokens_max: Count = Field(default=3_000, description="Most tokens in a GraphQL document.")
    query_depth_max: Count = Field(default=12, description="Deepest nesting of fields; introspection is exempt.")
    query_fields_max: Count = Field(default=500, description="Most fields once every fragment is spread out.")
    query_aliases_max: Count = Field(default=50, description="Most aliases once every fragment is spread out.")
    query_roots_max: Count = Field(default=20, description="Most root fields of one operation.")
    query_directives_max: Count = Field(default=50, description="Most directives once every fragment is spread out.")
    query_rows_max: Count = Field(default=25_000, description="Most connection edges the page sizes ask for.")
    query_seconds_max: Seconds = Field(default=5, description="Time after which a query is given up.")
    mutation_seconds_max: Seconds = Field(
        default=30, description="Time after which a mutation's answer is no longer waited for; it still completes."
    )
    operations_max: Count = Field(default=500, description="Most queries and mutations in progress at once.")
    streams_max: Count = Field(default=10_000, description="Most subscriptions open at once.")
    socket_operations_max: Count = Field(default=50, description="Most operations open on one WebSocket.")
    socket_queue_max: Count = Field(default=64, description="Messages kept for a slow reader before sources wait.")
    socket_init_seconds_max: Seconds = Field(default=5, description="Time in which connection_init must arrive.")
    socket_stall_seconds_max: Seconds = Field(default=30, description="Time after which a reader that stopped is cut.")
    principal_points_max: Count = Field(
        default=600_000, description="Points an account may use at once; a point is a field or a row."
    )
    organization_points_max: Count = Field(
        default=2_400_000, description="Points the accounts of an organization may use at once, all together."
    )
    address_points_max: Count = Field(
        default=120_000, description="Points an address may use at once without signing in."
    )
    points_seconds: Count = Field(default=60, description="Seconds in which a budget of points fills up again.")
    documents_cached_max: Count = Field(default=500, description="Parsed documents kept for repetition.")


class Settings(BaseSettings):
    """Everything an operator decides."""

    model_config = SettingsConfigDict(
        env_prefix="BILLGRAPH_", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    environment: Environment = Field(default=Environment.DEVELOPMENT, description="`development` or `production`.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str = Field(default="http://localhost:8000", description="The address people see, without a path.")
    database_url: SecretStr = Field(
        default=SecretStr("sqlite://.data/billgraph.db"),
        validation_alias="DATABASE_URL",
        description="`sqlite://path` for one process, `postgres://…` for any number.",
    )
    confined_database_url: SecretStr | None = Field(
        default=None,
        description="The same PostgreSQL database as a role that row level security confines: what is answered to "
        "callers is read with it. See `billgraph confine`.",
    )
    allowed_origins: frozenset[str] = Field(
        default=frozenset(), description="JSON list of other web origins whose pages may call the graph."
    )
    issuers: tuple[TokenIssuer, ...] = Field(
        default=(), description="JSON list of the parties whose access tokens are believed."
    )
    sign_in_issuer: str | None = Field(default=None, description="OpenID provider people sign in with.")
    sign_in_client_id: str = Field(default="billgraph", description="Our client id at that provider.")
    sign_in_client_secret: SecretStr = Field(default=SecretStr(""), description="Our client secret at that provider.")
    session_secret: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_SECRET), description="Key that signs cookies; at least 32 characters."
    )
    data_secrets: tuple[SecretStr, ...] = Field(
        default=(SecretStr(DEVELOPMENT_SECRET),),
        description="JSON list of keys that encrypt client secrets and signing keys: the first encrypts, all decrypt.",
    )
    provider_hosts: frozenset[str] = Field(
        default=frozenset(),
        description="JSON list of `host:port` at which identity providers of organizations may be, though not https "
        "or not public; development only.",
    )
    failures_max: Count = Field(
        default=100, description="Proofs of identity that may fail in a minute from one address, in one process."
    )
    session_seconds_max: Seconds = Field(default=12 * 3600, description="Time after which a session ends.")
    session_idle_seconds_max: Seconds = Field(default=3600, description="Time after which an unused session ends.")
    development_sign_in: bool = Field(default=True, description="Offer sign-in without a provider; development only.")
    sellers: dict[str, SellerDetails] = Field(
        default_factory=dict, description="JSON object of our legal entities, by the key that organizations name."
    )
    webhook_delivery: bool = Field(default=True, description="Send webhooks from this process.")
    webhook_secret_keys: tuple[SecretStr, ...] = Field(
        default=(),
        description="JSON list of keys that encrypt webhook secrets, 32 bytes in url-safe base64 each: the first "
        "encrypts, every one decrypts.",
    )
    webhook_allowed_hosts: frozenset[str] = Field(
        default=frozenset(),
        description="JSON list of hosts, `host` or `host:port`, to which webhooks may go although they are private or "
        "without TLS.",
    )
    webhook_allowed_hosts_in_production: bool = Field(
        default=False, description="Accept BILLGRAPH_WEBHOOK_ALLOWED_HOSTS in production too."
    )
    events_resumable_days: Annotated[int, Field(gt=0, le=3_650)] = Field(
        default=30, description="How many days back a subscription goes on from a cursor; the log itself stays."
    )
    organization_creation: Founding = Field(
        default=Founding.ANYONE,
        description="Who may open organizations: `anyone` who is signed in, accounts of `listed` issuers, or `nobody`.",
    )
    organization_issuers: frozenset[str] = Field(
        default=frozenset(), description="JSON list of the issuers whose accounts may, where it is `listed`."
    )
    federation: bool = Field(default=False, description="Answer a router of Apollo Federation 2: be a subgraph of its.")
    query_page: bool = Field(default=True, description="Show browsers a page to write queries on.")
    compiled: bool = Field(default=True, description="Write plans for the queries that come again, and run those.")
    processes: Annotated[int, Field(gt=0, le=1_000)] = Field(
        default=1, description="How many processes serve together: each grants its part of every budget of points."
    )
    trusted_proxies: str = Field(
        default="127.0.0.1", description="Addresses, with commas, whose X-Forwarded-For is believed; none for nobody."
    )
    trusted_documents: Mode = Field(
        default=Mode.ANY,
        description="Execute `any` document, `log` those not registered, or `only` registered ones.",
    )
    trusted_documents_file: Path | None = Field(
        default=None, description="The file of registered documents, which `billgraph documents register` writes."
    )
    log_level: str = Field(default="info", description="Least severity that is logged.")
    metrics_token: SecretStr | None = Field(
        default=None,
        description="Bearer token for /metrics, at least 32 characters; without it only this machine reads them, and "
        "in production nobody.",
    )
    tracing: bool = Field(default=False, description="Send spans by OpenTelemetry; needs the extra `otel`.")
    tracing_documents: bool = Field(default=False, description="Put the GraphQL document into each span.")
    drain_seconds: Annotated[float, Field(ge=0)] = Field(
        default=0, description="Time between being told to stop and stopping to listen, for load balancers to notice."
    )
    shutdown_seconds_max: Seconds = Field(default=20, description="Time requests in progress get at shutdown.")
    limits: Limits = Field(default_factory=Limits, description="See the bounds below.")

    @property
    def printed_sellers(self) -> dict[str, Seller]:
        """Return our legal entities as documents print them."""
        return {key: details.printed(key) for key, details in self.sellers.items()}

    @property
    def postbox(self) -> Postbox:
        """Return whom webhooks may go to, and how their secrets are kept."""
        keys = [key.get_secret_value() for key in self.webhook_secret_keys]
        return Postbox(Policy(self.webhook_allowed_hosts), Vault(keys))

    @property
    def confined_url(self) -> str | None:
        """Return the URL that answers are read with, where it is another one."""
        return self.confined_database_url.get_secret_value() if self.confined_database_url else None

    @property
    def founders(self) -> Founders:
        """Return who may open organizations."""
        return Founders(self.organization_creation, self.organization_issuers)

    @property
    def is_production(self) -> bool:
        """Return whether real customers depend on this process."""
        return self.environment is Environment.PRODUCTION

    @property
    def trusted_origins(self) -> frozenset[str]:
        """Return the web origins whose pages may call us: our own and the allowed ones."""
        return self.allowed_origins | {self.public_url.rstrip("/")}

    @field_validator("webhook_secret_keys")
    @classmethod
    def _usable_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        Vault([key.get_secret_value() for key in keys])  # raises for what is no key, without showing it
        return keys

    @field_validator("metrics_token")
    @classmethod
    def _strong_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and len(token) < SECRET_LENGTH_MIN:
            raise ValueError(f"must have at least {SECRET_LENGTH_MIN} characters")
        return token

    @field_validator("webhook_allowed_hosts")
    @classmethod
    def _lower_hosts(cls, hosts: frozenset[str]) -> frozenset[str]:
        return frozenset(host.lower() for host in hosts)

    @model_validator(mode="after")
    def _name_the_founders(self) -> Self:
        if (self.organization_creation is Founding.LISTED) != bool(self.organization_issuers):
            raise ValueError(
                "BILLGRAPH_ORGANIZATION_ISSUERS names issuers where BILLGRAPH_ORGANIZATION_CREATION is listed"
            )
        return self

    @model_validator(mode="after")
    def _refuse_unsafe_production(self) -> Self:
        if not self.is_production:
            return self
        faults = [
            f"{variable} {fault}"
            for variable, is_unsafe, fault in (
                (
                    "BILLGRAPH_SESSION_SECRET",
                    _is_weak(self.session_secret),
                    f"must be a secret of at least {SECRET_LENGTH_MIN} characters",
                ),
                (
                    "BILLGRAPH_DATA_SECRETS",
                    not self.data_secrets or any(_is_weak(secret) for secret in self.data_secrets),
                    f"must list secrets of at least {SECRET_LENGTH_MIN} characters",
                ),
                ("BILLGRAPH_PROVIDER_HOSTS", bool(self.provider_hosts), "must be empty"),
                ("BILLGRAPH_PUBLIC_URL", not self.public_url.startswith("https://"), "must start with https://"),
                ("BILLGRAPH_ISSUERS", not self.issuers, "must name at least one issuer"),
                ("BILLGRAPH_DEVELOPMENT_SIGN_IN", self.development_sign_in, "must be false"),
                ("BILLGRAPH_WEBHOOK_SECRET_KEYS", not self.webhook_secret_keys, "must name at least one key"),
                (
                    "BILLGRAPH_WEBHOOK_ALLOWED_HOSTS",
                    bool(self.webhook_allowed_hosts) and not self.webhook_allowed_hosts_in_production,
                    "opens private networks to customers; set BILLGRAPH_WEBHOOK_ALLOWED_HOSTS_IN_PRODUCTION to mean it",
                ),
                ("BILLGRAPH_ALLOWED_ORIGINS", "*" in self.allowed_origins, "must list origins, not *"),
            )
            if is_unsafe
        ]
        if faults:
            raise ValueError(f"unsafe for production: {'; '.join(faults)}")
        return self


def _is_weak(secret: SecretStr) -> bool:
    """Return whether a secret is short, or the one that everybody knows."""
    return secret.get_secret_value() == DEVELOPMENT_SECRET or len(secret) < SECRET_LENGTH_MIN
