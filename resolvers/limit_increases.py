"""Ask for a higher limit, answer, and take a question back."""

from datetime import datetime

import strawberry

from billing.limit_increases import TEXT_LENGTH_MAX, UNTIL_MAX, WAITING_MAX, Decision
from models import limit_increases as rows
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Context, Info
from schema.ids import Kind
from schema.inputs import Input, InvalidInput
from schema.limit_increases import LimitIncreaseAlreadyRequested, LimitIncreaseRequest
from schema.money import MoneyInput
from services import limit_increases
from services.outcomes import RefusalCode, Refused


@strawberry.input(description="How much more is needed, and what for.")
class RequestLimitIncreaseInput(Command):
    amount: MoneyInput = strawberry.field(description="The cap that is needed: above the cap in force.")
    reason: str = strawberry.field(description=f"Why it is needed: at most {TEXT_LENGTH_MAX} characters.")
    member_id: strawberry.ID | None = strawberry.field(
        default=None, description="For whom; left out: for the caller. For somebody else it takes MEMBERS_WRITE."
    )
    limit_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Which of the limits that bear on the member; left out: the one that binds now.",
    )
    until: datetime | None = strawberry.field(
        default=None,
        description=f"Until when it is needed, at most {UNTIL_MAX.days} days ahead; left out: for good.",
    )


@strawberry.input(description="The answer to a request for a higher limit.")
class DecideLimitIncreaseInput(Command):
    request_id: strawberry.ID = strawberry.field(description="What was asked for, by its global id.")
    decision: Decision = strawberry.field(description="Whether to raise the limit.")
    amount: MoneyInput | None = strawberry.field(
        default=None, description="The cap to grant, at most what was asked for; left out: as asked."
    )
    until: datetime | None = strawberry.field(
        default=None,
        description="Until when the raise holds, no longer than was asked for; left out: as asked. Then the former "
        "limit comes back, unless somebody has set or lifted the limit meanwhile.",
    )
    note: str | None = strawberry.field(
        default=None, description=f"What to tell the one who asked: at most {TEXT_LENGTH_MAX} characters."
    )


@strawberry.input(description="A request that need not be answered any more.")
class WithdrawLimitIncreaseInput(Command):
    request_id: strawberry.ID = strawberry.field(description="The request, one of the caller's own.")


@strawberry.type(description="What asking for a higher limit answers.")
class RequestLimitIncreasePayload(Payload):
    request: LimitIncreaseRequest | None = strawberry.field(default=None, description="The request, waiting.")


@strawberry.type(description="What answering a request for a higher limit answers.")
class DecideLimitIncreasePayload(Payload):
    request: LimitIncreaseRequest | None = strawberry.field(default=None, description="The request, answered.")


@strawberry.type(description="What taking back a request for a higher limit answers.")
class WithdrawLimitIncreasePayload(Payload):
    request: LimitIncreaseRequest | None = strawberry.field(default=None, description="The request, withdrawn.")


@strawberry.type
class IncreaseMutations:
    """What clients do about requests for a higher limit."""

    @mutation(
        limit_increases.ask,
        RequestLimitIncreasePayload,
        description="Ask those who may set limits for a higher one. One request stands for each member and limit; it "
        f"lapses after {WAITING_MAX.days} days, or when the time is over for which more was asked.",
    )
    async def request_limit_increase(
        self, info: Info, given: Input[RequestLimitIncreaseInput]
    ) -> RequestLimitIncreasePayload:
        context, organization_id = info.context, inputs.organization_id(given.organization_id)
        limit_id = given.limit_id and inputs.key(given.limit_id, Kind.SPEND_LIMIT, organization_id, "limitId")
        command = limit_increases.Ask(
            organization_id=organization_id,
            idempotency_key=given.idempotency_key,
            member_id=_member(context, organization_id, given.member_id),
            limit_id=limit_id,
            amount=given.amount.read("amount"),
            reason=given.reason,
            until=given.until,
        )
        match await context.execute(limit_increases.ask, command):
            case Refused() as refused:
                return RequestLimitIncreasePayload.refused(refused)
            case limit_increases.AlreadyAsked(request_id):
                owner = await owner_of(context, organization_id)
                waiting = LimitIncreaseAlreadyRequested.waiting(owner, request_id)
                return RequestLimitIncreasePayload(user_errors=[waiting])
            case limit_increases.Asked(request_id):
                return RequestLimitIncreasePayload(request=await _request(context, organization_id, request_id))

    @mutation(
        limit_increases.decide,
        DecideLimitIncreasePayload,
        description="Answer a request for a higher limit. An approval sets the limit at this instant: one that "
        "several share for all of them, one that each member of a tier has alone for this member only.",
    )
    async def decide_limit_increase(
        self, info: Info, given: Input[DecideLimitIncreaseInput]
    ) -> DecideLimitIncreasePayload:
        context, organization_id = info.context, inputs.organization_id(given.organization_id)
        command = limit_increases.Decide(
            organization_id=organization_id,
            idempotency_key=given.idempotency_key,
            request_id=_key(given.request_id, organization_id),
            decision=given.decision,
            amount=given.amount.read("amount") if given.amount else None,
            until=given.until,
            note=given.note,
        )
        match await context.execute(limit_increases.decide, command):
            case Refused() as refused:
                return DecideLimitIncreasePayload.refused(refused)
            case limit_increases.Decided(request_id=request_id):
                return DecideLimitIncreasePayload(request=await _request(context, organization_id, request_id))

    @mutation(
        limit_increases.withdraw,
        WithdrawLimitIncreasePayload,
        description="Take back a request for a higher limit that the caller made and nobody has answered.",
    )
    async def withdraw_limit_increase(
        self, info: Info, given: Input[WithdrawLimitIncreaseInput]
    ) -> WithdrawLimitIncreasePayload:
        context, organization_id = info.context, inputs.organization_id(given.organization_id)
        command = limit_increases.Withdraw(
            organization_id, given.idempotency_key, _key(given.request_id, organization_id)
        )
        match await context.execute(limit_increases.withdraw, command):
            case Refused() as refused:
                return WithdrawLimitIncreasePayload.refused(refused)
            case limit_increases.Withdrawn(request_id):
                return WithdrawLimitIncreasePayload(request=await _request(context, organization_id, request_id))


def _member(context: Context, organization_id: str, given: str | None) -> str:
    """Return whom the request is for: the one named, or the caller."""
    if given is not None:
        return inputs.key(given, Kind.MEMBER, organization_id, "memberId")
    membership = context.caller.membership(organization_id)
    if membership is None or membership.member_id is None:
        raise InvalidInput(RefusalCode.INPUT_INVALID, "the caller is no member; say for whom it is", ("memberId",))
    return membership.member_id


def _key(given: str, organization_id: str) -> str:
    return inputs.key(given, Kind.LIMIT_INCREASE_REQUEST, organization_id, "requestId")


async def _request(context: Context, organization_id: str, request_id: str) -> LimitIncreaseRequest:
    row = await rows.find(context.reader, organization_id, request_id)
    assert row is not None, "requests are history and never removed"
    owner = await owner_of(context, organization_id)
    return LimitIncreaseRequest.of(owner, context.at(owner), row)
