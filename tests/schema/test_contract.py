"""The graph as clients see it: the committed file, the names that were promised, and a sentence for everything."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_specified_directive,
    lexicographic_sort_schema,
    print_schema,
)

from resolvers.roots import schema, sdl
from schema.user_errors import UserErrorCode
from services.outcomes import RefusalCode

FILLERS = frozenset({
    "a", "an", "the", "of", "it", "thi", "that", "which", "who", "whose", "what", "in", "on", "at", "to", "for", "by",
    "from", "with", "and", "or", "i", "are", "wa", "be", "ha", "have",
})  # fmt: skip
COMMITTED = Path(__file__).parents[2] / "schema.graphql"
GRAPH: GraphQLSchema = build_schema(sdl())

# From the design: what was promised to clients.
PROMISED = {
    "Query": "viewer node nodes organization organizations estimate previewPlanChange previewSeatChange "
    "previewRoleChange previewSeatReassignment",
    "Mutation": "createOrganization updateOrganization convertEvaluation addMember importMembers changeMemberRole "
    "changeSeatTier reassignSeat deactivateMember reactivateMember setSpendLimit clearSpendLimit recordUsage "
    "correctUsage changePlan schedulePlanChange amendContract renewContract closeBillingPeriod finalizeInvoice "
    "voidInvoice markInvoiceUncollectible createWebhookEndpoint updateWebhookEndpoint "
    "deleteWebhookEndpoint rotateWebhookSecret replayWebhook sendTestWebhook "
    "issueCreditNote recordPayment setPaymentMethod grantCredit advanceTestClock "
    "setSpendWatch requestLimitIncrease decideLimitIncrease withdrawLimitIncrease",
    "Organization": "id slug name currency timeZone locale status members roles seatTiers plan contract priceBook "
    "seatUsage usage spendLimits spendStatus limitAlerts invoices upcomingInvoice balance payments paymentMethods "
    "creditNotes auditEvents testClock scheduledPlan contracts creditBalance creditGrants creditEntries billTo "
    "invoiceGraceHours",
    "Member": "id externalId email name role status seat monthToDate effectiveLimit limitIncreaseRequests forecast",
    "EffectiveSpendLimit": "amount remaining bindingLevel resetsAt chain whoCanRaise",
    "SpendLimitLink": "limitId level subject cap spent held remaining",
    "Invoice": "number status period currency subtotal tax total amountDue issuedAt dueAt lines memberBreakdown "
    "downloads",
    "InvoiceLine": "description quantity amount explanation usageEvents seatIntervals",
    "Contract": "number version versions effectiveAt recordedAt",
    "ChangePreview": "before after difference effectiveAt upcomingInvoice userErrors",
    "TestClockHappening": "at what invoice userError",
    "ImportRowError": "code message field row line email",
    "WebhookEndpoint": "url kinds status disabledReason cursor deliveries",
    "WebhookDelivery": "messageId kind status attempts nextAttemptAt responseStatus responseExcerpt durationMs fault",
    "LineExplanation": "formula policy steps priceVersion rounding sources",
    "PriceStep": "quantity unitAmount flatAmount amount",
    "Money": "amount currency formatted",
    "LimitAlertEvent": "cursor dedupId alert",
    "LimitAlert": "level subject threshold cap spent remaining period member",
    "SeatUsage": "current peak peakAt billable intervals",
    "SpendLimitReached": "code message field bindingLimit shortfall",
    "UsageUpdatedEvent": "cursor update",
    "LimitIncreaseChangedEvent": "cursor change",
    "UnusualSpendEvent": "cursor dedupId anomaly",
    "SpendOverrunEvent": "cursor dedupId overrun",
    "SpendForecast": "period asOf method spent low expected high unavailable cap capReachedOn inputs",
    "SeatChangedEvent": "cursor change",
    "InvoiceStatusChangedEvent": "cursor change",
    "Subscription": "limitApproaching limitIncreaseChanged unusualSpend spendOverrun usageUpdated seatChanged "
    "invoiceStatusChanged organizationEvents",
}


def test_is_the_committed_file() -> None:
    assert COMMITTED.read_text() == sdl(), "run `billgraph schema` and review the difference"


def test_serves_what_it_prints() -> None:
    served = lexicographic_sort_schema(build_schema(schema.as_str()))

    assert print_schema(served) == print_schema(lexicographic_sort_schema(GRAPH))


@pytest.mark.parametrize(("type_name", "fields"), PROMISED.items())
def test_keeps_the_promised_names(type_name: str, fields: str) -> None:
    found = GRAPH.type_map[type_name]

    assert isinstance(found, GraphQLObjectType)
    assert set(fields.split()) <= set(found.fields)


def test_has_a_sentence_for_every_type_field_argument_and_value() -> None:
    silent = [name for name, description in _described() if not (description or "").strip().endswith((".", "?", ")"))]

    assert silent == []


def test_no_sentence_only_repeats_the_name() -> None:
    empty = [f"{name}: {text}" for name, text in _described() if not _words(text or "") - _words(name) - FILLERS]

    assert empty == []


def _words(text: str) -> set[str]:
    """Return the words in a text or in a name, in lower case and without the s of a plural."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)
    return {part.lower().removesuffix("s") for part in parts}


def test_takes_one_input_with_a_key_and_answers_with_one_payload() -> None:
    assert GRAPH.mutation_type is not None
    for name, field in GRAPH.mutation_type.fields.items():
        capital = f"{name[0].upper()}{name[1:]}"
        given = get_named_type(field.args["input"].type)

        assert list(field.args) == ["input"], name
        assert str(field.type) == f"{capital}Payload!"
        assert isinstance(given, GraphQLInputObjectType)
        assert given.name == f"{capital}Input"
        assert str(given.fields["idempotencyKey"].type) == "String!"
        payload = get_named_type(field.type)
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["userErrors"].type) == "[UserError!]!"


def test_never_uses_a_float() -> None:
    assert "Float" not in GRAPH.type_map


def test_can_say_every_refusal_of_the_services() -> None:
    assert set(RefusalCode.__members__) < set(UserErrorCode.__members__)


def _described() -> Iterator[tuple[str, str | None]]:
    for name, each in GRAPH.type_map.items():
        if name.startswith("__") or name in {"String", "Int", "Boolean", "ID"}:
            continue
        yield name, each.description
        yield from _parts(name, each)
    for directive in (each for each in GRAPH.directives if not is_specified_directive(each)):
        yield f"@{directive.name}", directive.description


def _parts(name: str, each: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    if isinstance(each, GraphQLObjectType | GraphQLInterfaceType):
        for field_name, field in each.fields.items():
            yield f"{name}.{field_name}", field.description
            for argument_name, argument in field.args.items():
                yield f"{name}.{field_name}({argument_name})", argument.description
    if isinstance(each, GraphQLInputObjectType):
        for field_name, given in each.fields.items():
            yield f"{name}.{field_name}", given.description
    if isinstance(each, GraphQLEnumType):
        for value_name, value in each.values.items():
            yield f"{name}.{value_name}", value.description
