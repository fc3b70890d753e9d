"""Every kind of event is documented with its fields, and what is really emitted has the documented shape."""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

from models import events as log
from services.event_kinds import EVENT_KINDS
from tests.builders import Database, a_member, a_sandbox, event, usd

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "events.md"
_SECTION = re.compile(r"^### `(\w+)`, version (\d+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\| `(\w+)` \| (\S[^|]*) \| (\S[^|]*) \|$", re.MULTILINE)
_EXAMPLE = re.compile(r"```json\n(.*?)\n```", re.DOTALL)


@dataclass(frozen=True)
class Kind:
    """What the page says of one kind."""

    fields: tuple[str, ...]
    always: frozenset[str]
    example: dict[str, object]


def documented() -> dict[tuple[str, int], Kind]:
    """Return every kind and version on the page."""
    found = {}
    for name, version, text in _SECTION.findall(PAGE.read_text()):
        (example,) = _EXAMPLE.findall(text)
        rows = _FIELD.findall(text)
        fields = tuple(field for field, _unit, _meaning in rows)
        always = frozenset(field for field, unit, _meaning in rows if ", where " not in unit)
        assert (name, int(version)) not in found, f"{name} is there twice"
        found[name, int(version)] = Kind(fields, always, json.loads(example))
    return found


def emitted() -> dict[str, str]:
    """Return every kind that some service emits, with the place where it does."""
    found = {}
    for path in sorted((ROOT / "services").rglob("*.py")):
        tree = ast.parse(path.read_text())
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "emit":
                for kind in _texts(node.args[0], constants):
                    found[kind] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return found


def _texts(node: ast.expr, constants: dict[str, ast.expr]) -> list[str]:
    match node:
        case ast.Constant(str() as text):
            return [text]
        case ast.IfExp(_, yes, no):
            return [*_texts(yes, constants), *_texts(no, constants)]
        case ast.Name(name) if name in constants:
            return _texts(constants[name], constants)
    raise AssertionError(f"{ast.unparse(node)} cannot be read: give emit its kind as a text or a constant beside it")


def test_finds_what_is_emitted() -> None:
    kinds = emitted()

    assert {"SeatGranted", "PlanChanged", "PlanChangeScheduled", "SpendLimitThresholdReached"} <= kinds.keys()
    assert len(kinds) > 35


def test_every_kind_is_documented_and_no_other() -> None:
    kinds, page = emitted(), {name for name, _ in documented()}

    missing = {kind: place for kind, place in kinds.items() if kind not in page}
    assert not missing, f"say in docs/events.md what these are: {missing}"
    assert page <= kinds.keys(), "docs/events.md tells of what nobody emits"
    assert kinds.keys() == EVENT_KINDS, "services/event_kinds.py lists what is emitted, and nothing else"


def test_every_example_has_the_documented_fields() -> None:
    page = documented()

    assert page
    assert {name: set(kind.example) for name, kind in page.items()} == {
        name: set(kind.fields) for name, kind in page.items()
    }


async def test_what_is_emitted_has_the_documented_shape(database: Database) -> None:
    owner = await a_sandbox(database, invoice_grace_seconds=86_400)
    bo, _ = await a_member(owner, "bo")
    await owner.do("setSpendLimit", "limit { id }", level="MEMBER", memberId=bo, amount=usd("10.00"))
    await owner.do("recordUsage", "results { status }", events=[event("e1", bo, "8")])
    await owner.do("correctUsage", "billedLater", eventId="e1", correctionId="c1", quantity="250000")
    await owner.do("changeMemberRole", "member { id }", memberId=bo, role="billing_admin")
    await owner.do("changeSeatTier", "member { id }", memberId=bo, tier="chat_code")
    await owner.do("clearSpendLimit", "__typename", level="MEMBER", memberId=bo)
    await owner.do("deactivateMember", "member { id }", memberId=bo)
    await owner.do("advanceTestClock", "clock { now }", to="2026-12-03T00:00:00Z")

    page, reader, organization_id = documented(), owner.books.reader, owner.books.organization_id
    entries = await log.after(reader, organization_id, 0, limit=1_000)

    assert len({entry.kind for entry in entries}) > 15
    for entry in entries:
        assert (entry.kind, entry.version) in page, f"{entry.kind} {entry.version} is not documented"
        kind, payload = page[entry.kind, entry.version], json.loads(entry.payload)
        assert kind.always <= set(payload) <= set(kind.fields), entry.kind
