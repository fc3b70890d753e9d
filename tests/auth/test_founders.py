"""Who may open an organization is decided by whoever runs the server."""

import pytest
from pydantic import ValidationError

from api.settings import Settings
from auth.founders import Founders, Founding, NotAFounder
from auth.principal import Principal
from events.hub import Hub
from models.database import Database
from services import organizations
from services.dispatch import Dispatcher, Request
from tests.services.books import START, a_person, books

COMMAND = organizations.Create("open-globex", "globex", "Globex", "USD", "UTC", "en", "pooled")
ANN = a_person("ann")


async def opened(database: Database, founders: Founders) -> object:
    """Return the answer to Ann, who opens an organization."""
    dispatcher = Dispatcher(database.runner, Hub(), founders=founders)
    return await organizations.create(dispatcher, COMMAND, Request(ANN, START, "request"))


@pytest.mark.parametrize("founders", [Founders(), Founders(Founding.LISTED, frozenset({ANN.issuer}))])
async def test_lets_open_whoever_may(database: Database, founders: Founders) -> None:
    await books(database)

    assert isinstance(await opened(database, founders), organizations.Created)


@pytest.mark.parametrize(
    "founders", [Founders(Founding.NOBODY), Founders(Founding.LISTED, frozenset({f"{ANN.issuer}.evil.example"}))]
)
async def test_refuses_everybody_else_before_anything_is_written(database: Database, founders: Founders) -> None:
    await books(database)

    with pytest.raises(NotAFounder, match="organizations are opened by"):
        await opened(database, founders)

    assert isinstance(await opened(database, Founders()), organizations.Created), "not even the key was used up"


def test_lets_the_operators_own_programs_open_them_always() -> None:
    Founders(Founding.NOBODY).require(Principal.system("any"))


@pytest.mark.parametrize(
    "settings",
    [{"organization_creation": "listed"}, {"organization_issuers": frozenset({"https://id.example"})}],
)
def test_issuers_are_named_exactly_where_they_count(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="BILLGRAPH_ORGANIZATION_ISSUERS"):
        Settings(**settings)  # type: ignore[arg-type]  # pydantic checks them
