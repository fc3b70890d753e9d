"""What was agreed with an organization, and which agreements ask for a review?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from billing import contracts as rules
from models.fields import DocumentField, InstantField, code


class Contract(Model):
    """An agreement for a term. An amendment is a new row with a later version, in force from `effective_at`."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    number: str = code()
    document: Any = DocumentField()
    version = fields.BigIntField()
    effective_at: datetime = InstantField()  # type: ignore[assignment]
    starts_at: datetime = InstantField()  # type: ignore[assignment]
    ends_at: datetime = InstantField()  # type: ignore[assignment]
    recorded_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "contracts"

    def as_rule(self) -> rules.Contract:
        """Return the contract as the rules know it."""
        return rules.from_document(self.document)


class ContractReview(Model):
    """A fact that calls for a talk with the customer, raised once per contract and reason."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    contract_number: str = code()
    reason: str = code()
    period_key: str = code()
    seats_used = fields.BigIntField()
    band_up_to = fields.BigIntField()
    report: Any = DocumentField()
    raised_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "contract_reviews"


async def at_instant(client: BaseDBAsyncClient, organization_id: str, at: datetime) -> Contract | None:
    """Return the contract in force at `at`."""
    query = Contract.filter(organization_id=organization_id, effective_at__lte=at, starts_at__lte=at, ends_at__gt=at)
    return await query.using_db(client).order_by("-effective_at", "-version").first()


async def next_after(client: BaseDBAsyncClient, organization_id: str, at: datetime) -> Contract | None:
    """Return the contract in force at `at`, or else the first that starts after it."""
    current = await at_instant(client, organization_id, at)
    if current is not None:
        return current
    query = Contract.filter(organization_id=organization_id, starts_at__gt=at).using_db(client)
    return await query.order_by("starts_at").first()


async def insert(client: BaseDBAsyncClient, **columns: Any) -> Contract:
    """Record a contract."""
    return await Contract.create(using_db=client, **columns)


async def reviews(client: BaseDBAsyncClient, organization_id: str, number: str) -> list[ContractReview]:
    """Return the reviews that a contract calls for, oldest first."""
    query = ContractReview.filter(organization_id=organization_id, contract_number=number)
    return await query.using_db(client).order_by("raised_at").limit(100)


async def reviews_of(client: BaseDBAsyncClient, organization_id: str, numbers: Sequence[str]) -> list[ContractReview]:
    """Return the reviews that the given contracts call for, oldest first."""
    query = ContractReview.filter(organization_id=organization_id, contract_number__in=list(numbers))
    return await query.using_db(client).order_by("raised_at", "id").limit(1_000)


async def newest(client: BaseDBAsyncClient, organization_id: str) -> Contract | None:
    """Return the last version of the last contract on record, whether or not it runs yet."""
    query = Contract.filter(organization_id=organization_id).using_db(client)
    return await query.order_by("-starts_at", "-version").first()


async def history(client: BaseDBAsyncClient, organization_id: str) -> list[Contract]:
    """Return every version of every contract, oldest first."""
    query = Contract.filter(organization_id=organization_id).using_db(client)
    return await query.order_by("starts_at", "version").limit(1_000)


async def find(client: BaseDBAsyncClient, organization_id: str, contract_id: str) -> Contract | None:
    """Return one version of a contract by id."""
    return await Contract.filter(organization_id=organization_id, id=contract_id).using_db(client).first()


async def review_exists(
    client: BaseDBAsyncClient, organization_id: str, number: str, *, reason: str, period_key: str = ""
) -> bool:
    """Return whether this review was raised before."""
    query = ContractReview.filter(
        organization_id=organization_id, contract_number=number, reason=reason, period_key=period_key
    )
    return await query.using_db(client).exists()


async def insert_review(client: BaseDBAsyncClient, **columns: Any) -> None:
    """Raise a review."""
    await ContractReview.create(using_db=client, **columns)
