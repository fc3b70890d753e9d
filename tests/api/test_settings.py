"""What may be configured, and what is refused in production."""

import pytest
from pydantic import ValidationError

from api.settings import Limits, Settings

SAFE = {
    "BILLGRAPH_ENVIRONMENT": "production",
    "BILLGRAPH_SESSION_SECRET": "a secret that nobody knows, long enough",
    "BILLGRAPH_DATA_SECRETS": '["a secret that seals, and that is long enough"]',
    "BILLGRAPH_PUBLIC_URL": "https://billing.example",
    "BILLGRAPH_ISSUERS": '[{"url": "https://id.example", "audience": "billgraph"}]',
    "BILLGRAPH_DEVELOPMENT_SIGN_IN": "false",
    "BILLGRAPH_WEBHOOK_SECRET_KEYS": '["1bBFEGs5wYHbjvbD0IFzcdIgLFhiUbo8lL2YYcJhMTg="]',
    "DATABASE_URL": "postgres://billgraph:hunter2@db/billgraph",
}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    others = (
        "BILLGRAPH_ALLOWED_ORIGINS",
        "BILLGRAPH_PORT",
        "BILLGRAPH_PROVIDER_HOSTS",
        "BILLGRAPH_WEBHOOK_ALLOWED_HOSTS",
    )
    for name in (*SAFE, *others):
        monkeypatch.delenv(name, raising=False)


def test_runs_on_a_laptop_without_any() -> None:
    settings = Settings()

    assert not settings.is_production
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.database_url.get_secret_value() == "sqlite://.data/billgraph.db"


def test_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (SAFE | {"BILLGRAPH_PORT": "9000", "BILLGRAPH_QUERY_DEPTH_MAX": "7"}).items():
        monkeypatch.setenv(name, value)

    settings = Settings()

    assert settings.is_production
    assert (settings.port, settings.limits.query_depth_max) == (9000, 7)
    assert settings.issuers[0].audience == "billgraph"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BILLGRAPH_SESSION_SECRET", None),
        ("BILLGRAPH_SESSION_SECRET", "short"),
        ("BILLGRAPH_DATA_SECRETS", None),
        ("BILLGRAPH_DATA_SECRETS", "[]"),
        ("BILLGRAPH_DATA_SECRETS", '["a secret that seals, and that is long enough", "short"]'),
        ("BILLGRAPH_PROVIDER_HOSTS", '["10.0.0.1:443"]'),
        ("BILLGRAPH_PUBLIC_URL", "http://billing.example"),
        ("BILLGRAPH_ISSUERS", None),
        ("BILLGRAPH_DEVELOPMENT_SIGN_IN", None),
        ("BILLGRAPH_ALLOWED_ORIGINS", '["*"]'),
        ("BILLGRAPH_WEBHOOK_SECRET_KEYS", None),
        ("BILLGRAPH_WEBHOOK_ALLOWED_HOSTS", '["10.0.0.7:9000"]'),
    ],
)
def test_refuses_what_is_unsafe_in_production_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None
) -> None:
    for name, safe in SAFE.items():
        monkeypatch.setenv(name, safe)
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)

    with pytest.raises(ValidationError, match=f"unsafe for production: {variable} ") as refused:
        Settings()

    assert "hunter2" not in str(refused.value)


def test_never_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", SAFE["DATABASE_URL"])

    assert "hunter2" not in repr(Settings())


def test_documents_every_variable() -> None:
    for model in (Settings, Limits):
        for name, field in model.model_fields.items():
            assert field.description, name


def test_private_receivers_in_production_take_saying_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SAFE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BILLGRAPH_WEBHOOK_ALLOWED_HOSTS", '["Receiver:9000"]')
    monkeypatch.setenv("BILLGRAPH_WEBHOOK_ALLOWED_HOSTS_IN_PRODUCTION", "true")

    assert Settings().postbox.policy.target("http://receiver:9000/").port == 9000


def test_a_webhook_key_that_is_none_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLGRAPH_WEBHOOK_SECRET_KEYS", '["hunter2"]')

    with pytest.raises(ValidationError, match="webhook_secret_keys") as refused:
        Settings()

    assert "hunter2" not in str(refused.value)
