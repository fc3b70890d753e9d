"""Which customers owe no tax, by which certificate, and for how long?"""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from models.fields import InstantField, code


class TaxExemption(Model):
    """A certificate that the seller accepted, valid from an instant until another, or until it is ended."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    certificate: str = code()
    jurisdiction: str = code()
    reason = fields.TextField()
    valid_from: datetime = InstantField()  # type: ignore[assignment]
    valid_until: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    recorded_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "tax_exemptions"

    def holds(self, at: datetime) -> bool:
        """Return whether the certificate is valid at `at`."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)

    @property
    def said(self) -> str:
        """The exemption as invoices state it."""
        return f"{self.reason} (certificate {self.certificate}, {self.jurisdiction})"


async def of_organization(client: BaseDBAsyncClient, organization_id: str) -> list[TaxExemption]:
    """Return every certificate of an organization, the earliest first."""
    query = TaxExemption.filter(organization_id=organization_id).using_db(client)
    return await query.order_by("valid_from", "id").limit(1_000)


async def in_force(client: BaseDBAsyncClient, organization_id: str, at: datetime) -> TaxExemption | None:
    """Return the certificate that is valid at `at`; of several the one that became valid first."""
    found = await of_organization(client, organization_id)
    return next((each for each in found if each.holds(at)), None)


async def insert(client: BaseDBAsyncClient, **columns: Any) -> TaxExemption:
    """Record a certificate."""
    return await TaxExemption.create(using_db=client, **columns)


async def end(client: BaseDBAsyncClient, exemption: TaxExemption, *, at: datetime | None) -> None:
    """Let a certificate be valid until `at`."""
    query = TaxExemption.filter(organization_id=exemption.organization_id, id=exemption.id)
    await query.using_db(client).update(valid_until=at)
