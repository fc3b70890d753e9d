"""How much of each credit note is tax? Noted from now on, and worked out for those that were issued before."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from tortoise.migrations.migration import Migration as BaseMigration
from tortoise.migrations.operations import RunPython

from models.ddl import Change
from models.sql import Client, Row, Statement

_ISSUED = Statement("""
    SELECT n.organization_id, n.id, n.invoice_id, n.amount_minor, i.total_minor,
           i.tax_minor + i.included_tax_minor AS tax_minor
    FROM credit_notes n JOIN invoices i ON i.organization_id = n.organization_id AND i.id = n.invoice_id
    WHERE i.total_minor > 0 ORDER BY n.organization_id, n.invoice_id, n.id
""")
_NOTE = Statement("""
    UPDATE credit_notes SET tax_minor = :tax_minor WHERE organization_id = :organization_id AND id = :id
""")


async def work_out(_apps: Any, state_editor: Any) -> None:
    """Give each note its share of the tax of its invoice, so that those of one invoice add up to it."""
    client: Client = state_editor.client
    found = await _ISSUED.rows(client)
    for _, notes in groupby(found, key=lambda row: (row["organization_id"], row["invoice_id"])):
        await _NOTE.run_many(client, _shares(tuple(notes)))


def _shares(notes: Sequence[Row]) -> list[Row]:
    """Return the tax of each note: what all notes up to it give back of the tax, less what those before it did."""
    shares: list[Row] = []
    credited = given = 0
    for note in notes:
        credited += note["amount_minor"]
        tax = (2 * note["tax_minor"] * credited + note["total_minor"]) // (2 * note["total_minor"])  # half away from 0
        shares.append({"organization_id": note["organization_id"], "id": note["id"], "tax_minor": tax - given})
        given = tax
    return shares


class Migration(BaseMigration):
    """Tax of credit notes."""

    dependencies = [("models", "0017_imports")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [  # noqa: RUF012  # the same
        Change(
            "credit_notes",
            "tax_minor",
            "ALTER TABLE credit_notes ADD COLUMN tax_minor INTEGER NOT NULL DEFAULT 0 CHECK (tax_minor >= 0)",
        ),
        RunPython(work_out),
    ]
