"""How does an operator know that a database is right?

One bar over the organizations, and a line for each difference: whose, what, what it should be and what it is. The
database may be in use meanwhile. The exit status is 1 when anything differs.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.cli.closing import chosen
from api.settings import Settings
from models import organizations as rows
from models.database import reading
from models.schema_check import require_golden
from models.sql import Client
from services import verification
from services.verification import Finding


@dataclass(slots=True)
class Told:
    """What was said so far, never more than the bound."""

    most: int
    as_json: bool
    organizations: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many more differences are worth finding."""
        return self.most - len(self.findings)

    def tell(self, findings: Sequence[Finding]) -> None:
        """Remember findings, and print them at once unless all of it is printed at the end."""
        self.findings += findings
        if not self.as_json:
            for finding in findings:
                print(line_of(finding))  # noqa: T201  # the interface

    def conclude(self) -> int:
        """Print what it comes to, and return the exit status."""
        if self.as_json:
            print(json.dumps(self._document(), ensure_ascii=False, indent=2))  # noqa: T201  # the interface
        else:
            looked = f"{self.organizations} organizations, {len(verification.INVARIANTS)} invariants"
            more = ", and perhaps more: the search ended here" if self.left == 0 else ""
            print(f"{looked}: {len(self.findings) or 'no'} differences{more}")  # noqa: T201  # the interface
        return 1 if self.findings else 0

    def _document(self) -> dict[str, object]:
        return {
            "organizations": self.organizations,
            "invariants": len(verification.INVARIANTS),
            "complete": self.left > 0,
            "differences": [
                {
                    "organization": finding.organization,
                    "invariant": finding.invariant.name,
                    "promise": finding.invariant.promise,
                    "what": finding.difference.what,
                    "expected": finding.difference.expected,
                    "found": finding.difference.found,
                }
                for finding in self.findings
            ],
        }


async def verify(settings: Settings, slug: str | None, *, most: int, as_json: bool) -> int:
    """Look at one organization or at all of them, and return 1 when anything differs."""
    told = Told(most, as_json)
    async with reading(settings.database_url.get_secret_value()) as reader:
        await require_golden(reader)
        await _look(reader, slug, told)
    return told.conclude()


def line_of(finding: Finding) -> str:
    """Return a finding as one line for a person."""
    whose, difference = finding.organization or "all organizations", finding.difference
    return (
        f"{whose}: {finding.invariant.name}: {difference.what}: "
        f"expected {difference.expected}, found {difference.found}"
    )


async def _look(reader: Client, slug: str | None, told: Told) -> None:
    total = 1 if slug else await rows.count(reader)
    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("verifying", total=total)
        async for organization in chosen(reader, slug):
            told.tell(await verification.of_organization(reader, organization.organization_id, most=told.left))
            told.organizations += 1
            progress.advance(task)
            if told.left == 0:
                return
        if slug is None:
            told.tell(await verification.of_database(reader, most=told.left))
