"""Webhook endpoints through the graph: who may, what is refused, and where a secret is not."""

from billing.roles import Permission
from models.database import Database
from models.sql import Statement
from schema.ids import Kind
from tests.builders import Caller, an_organization, as_role, refusals, with_permissions
from tests.receiving import CREATE, a_receiver, a_sender, with_postbox

URL = "https://93.184.215.14/hook"
LIST = """query($id: ID!) { organization(id: $id) { webhookEndpoints { totalCount nodes {
    url description kinds status createdBy createdByMember { name } deliveries { totalCount } } } } }"""


async def test_an_auditor_sees_the_endpoint_and_no_role_sees_a_secret(database: Database) -> None:
    owner = with_postbox(await an_organization(database))
    await owner.do(
        "createWebhookEndpoint", CREATE, url=URL, description=" Books ", kinds=["SeatGranted", "SeatGranted"]
    )
    auditor = Caller(owner.books, as_role(owner.books.organization_id, "auditor"))

    found = await auditor.data(LIST, id=owner.organization_id)

    assert found["organization"]["webhookEndpoints"]["nodes"] == [
        {
            "url": URL,
            "description": "Books",
            "kinds": ["SeatGranted"],
            "status": "ENABLED",
            "createdBy": f"member:{owner.books.owner.memberships[owner.books.organization_id].member_id}",
            "createdByMember": {"name": "Ann"},
            "deliveries": {"totalCount": 0},
        }
    ]
    fields = await owner.data('{ __type(name: "WebhookEndpoint") { fields { name } } }')
    assert not any(each["name"] == "secret" for each in fields["__type"]["fields"])


async def test_the_same_command_is_answered_with_the_same_secret(database: Database) -> None:
    owner = with_postbox(await an_organization(database))

    first = await owner.do("createWebhookEndpoint", CREATE, url=URL, idempotencyKey="once")
    again = await owner.do("createWebhookEndpoint", CREATE, url=URL, idempotencyKey="once")

    assert first == again
    assert first["secret"].startswith("whsec_")


async def test_with_a_key_no_table_holds_a_secret_that_can_be_read(database: Database) -> None:
    owner = with_postbox(await an_organization(database))
    made = await owner.do("createWebhookEndpoint", CREATE, url=URL)
    rotated = await owner.do("rotateWebhookSecret", "secret", endpointId=made["endpoint"]["id"])

    kept = Statement("SELECT secret || coalesce(previous_secret, '') AS kept FROM webhook_endpoints")
    answers = Statement("SELECT answer AS kept FROM idempotency_keys")
    records = Statement("SELECT input || changes AS kept FROM audit_records")
    texts = [row["kept"] for each in (kept, answers, records) for row in await each.rows(database.reader)]

    assert len(texts) > 3
    assert not any("whsec_" in text for text in texts)
    assert made["secret"] != rotated["secret"]


async def test_refuses_what_cannot_be(database: Database) -> None:
    owner = with_postbox(await an_organization(database))
    made = await owner.do("createWebhookEndpoint", CREATE, url=URL)
    hook = {"endpointId": made["endpoint"]["id"]}
    never = {"endpointId": owner.id(Kind.WEBHOOK_ENDPOINT, "0" * 26)}

    refused = [
        refusals(await owner.do("createWebhookEndpoint", CREATE, url=URL, kinds=["no kind"])),
        refusals(await owner.do("createWebhookEndpoint", CREATE, url=URL, description="x" * 201)),
        refusals(await owner.do("rotateWebhookSecret", "secret", **hook, overlapHours=169)),
        refusals(await owner.do("replayWebhook", "count", **hook)),
        refusals(await owner.do("replayWebhook", "count", **hook, after="nonsense")),
        refusals(await owner.do("sendTestWebhook", "delivery { id }", **never)),
        refusals(await owner.do("deleteWebhookEndpoint", "deletedId", **never)),
    ]

    assert refused == [
        [("INPUT_INVALID", ["kinds"])],
        [("INPUT_INVALID", ["description"])],
        [("INPUT_INVALID", ["overlapHours"])],
        [("INPUT_INVALID", ["deliveryId"])],
        [("INPUT_INVALID", ["after"])],
        [("NOT_FOUND", ["endpointId"])],
        [("NOT_FOUND", ["endpointId"])],
    ]


async def test_nothing_is_sent_again_to_an_endpoint_that_is_disabled(database: Database) -> None:
    owner = with_postbox(await an_organization(database))
    made = await owner.do("createWebhookEndpoint", CREATE, url=URL)
    hook = {"endpointId": made["endpoint"]["id"]}
    disabled = await owner.do("updateWebhookEndpoint", "endpoint { status disabledReason }", **hook, enabled=False)

    refused = refusals(await owner.do("sendTestWebhook", "delivery { id }", **hook))

    assert disabled["endpoint"] == {"status": "DISABLED", "disabledReason": "MANUAL"}
    assert refused == [("STATUS_CONFLICT", ["endpointId"])]


async def test_one_organization_reaches_no_endpoint_of_another(database: Database) -> None:
    other = with_postbox(await an_organization(database, slug="globex"))
    foreign = await other.do("createWebhookEndpoint", CREATE, url=URL)
    owner = await an_organization(database)

    refused = await owner.do("deleteWebhookEndpoint", "deletedId", endpointId=foreign["endpoint"]["id"])
    seen = await owner.data("query($id: ID!) { node(id: $id) { id } }", id=foreign["endpoint"]["id"])

    assert refusals(refused) == [("NOT_FOUND", ["endpointId"])]
    assert seen == {"node": None}


async def test_a_delivery_is_found_again_until_its_endpoint_is_closed(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver)
        sent = await sender.change("sendTestWebhook", "delivery { id }")
        reader = with_permissions(sender.owner, Permission.WEBHOOKS_READ)
        node = "query($id: ID!) { node(id: $id) { ... on WebhookDelivery { kind } } }"

        before = await reader.data(node, id=sent["delivery"]["id"])
        hidden = await reader.code(node.replace("kind", "event { kind }"), id=sent["delivery"]["id"])
        await sender.change("deleteWebhookEndpoint", "deletedId")
        after = await reader.data(node, id=sent["delivery"]["id"])

        assert (before["node"], after["node"]) == ({"kind": "WebhookTestSent"}, None)
        assert hidden == "FORBIDDEN"


async def test_there_is_a_most_of_endpoints(database: Database) -> None:
    owner = with_postbox(await an_organization(database))
    for _ in range(20):
        assert refusals(await owner.do("createWebhookEndpoint", CREATE, url=URL)) == []

    assert refusals(await owner.do("createWebhookEndpoint", CREATE, url=URL)) == [
        ("STATUS_CONFLICT", ["organizationId"])
    ]


async def test_a_slip_in_the_name_of_a_kind_is_told_at_once(database: Database) -> None:
    owner = with_postbox(await an_organization(database))
    made = await owner.do("createWebhookEndpoint", CREATE, url=URL, kinds=["SpendReserved"])
    text = "userErrors { message }"

    slip = await owner.do("createWebhookEndpoint", text, url=URL, kinds=["SeatGranted", "SeatGrantd"])
    other = await owner.do("updateWebhookEndpoint", text, endpointId=made["endpoint"]["id"], kinds=["zzz"])

    assert slip["userErrors"][0]["message"] == "'SeatGrantd' is no kind of event: SeatGranted is"
    assert other["userErrors"][0]["message"] == "'zzz' is no kind of event, as docs/events.md lists them"
