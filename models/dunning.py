"""Which invoices are overdue, and what was done about each?"""

from datetime import datetime

from tortoise.backends.base.client import BaseDBAsyncClient

from billing.periods import to_microseconds
from models.sql import Statement

_DONE = Statement("""
    SELECT step FROM dunning_steps WHERE organization_id = :organization_id AND invoice_id = :invoice_id
""")
_INSERT = Statement("""
    INSERT INTO dunning_steps (organization_id, invoice_id, step, taken_at)
    VALUES (:organization_id, :invoice_id, :step, :taken_at)
""")


async def done(client: BaseDBAsyncClient, organization_id: str, invoice_id: str) -> set[str]:
    """Return the steps that were taken on an invoice."""
    rows = await _DONE.rows(client, organization_id=organization_id, invoice_id=invoice_id)
    return {row["step"] for row in rows}


async def insert(client: BaseDBAsyncClient, organization_id: str, invoice_id: str, step: str, *, at: datetime) -> None:
    """Note that a step was taken."""
    await _INSERT.run(
        client, organization_id=organization_id, invoice_id=invoice_id, step=step, taken_at=to_microseconds(at)
    )
