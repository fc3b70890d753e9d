"""Clients see every version of their list prices, which one they pay by, and move to a later one."""

from models.database import Database
from services import catalogue
from tests.builders import an_organization
from tests.services.test_catalogue import NOVEMBER, dearer

LIST = """query($id: ID!) { organization(id: $id) { listPrices { version effectiveAt onOffer subscribed
    plan { version discounts { kind } commitment { amount } items { priceVersion } } } } }"""


async def test_shows_the_versions_and_moves_to_the_one_on_offer(database: Database) -> None:
    owner = await an_organization(database)
    await catalogue.publish(owner.books.database.runner, dearer(), effective_at=NOVEMBER, at=owner.at)

    before = (await owner.data(LIST, id=owner.organization_id))["organization"]["listPrices"]
    later = owner.later(40)
    moved = await later.do("changePlan", "plan { key version } preview { difference { amount } }", planKey="pooled")
    after = (await later.data(LIST, id=owner.organization_id))["organization"]["listPrices"]

    shown = [(each["version"], each["onOffer"], each["subscribed"]) for each in before]
    assert shown == [(2, False, False), (1, True, True)]
    assert before[0]["plan"]["items"][0]["priceVersion"] == "2026-11"
    assert before[0]["plan"]["discounts"] == []
    assert moved["plan"] == {"key": "pooled", "version": 2}
    assert [(each["onOffer"], each["subscribed"]) for each in after] == [(True, True), (False, False)]
