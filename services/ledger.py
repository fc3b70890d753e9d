"""How do the counters stand while a transaction decides?

A ledger holds the limits and counters of the windows that a transaction touches, loaded once under the organization's
lock. Several commands of one transaction share it, so that each is decided by what the ones before it left, and what
all of them moved is written once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from billing import limits as rules
from billing.money import NANOS_MAX
from billing.windows import Windows
from models import counters as counter_rows
from models import limits as rows
from models.counters import WindowKey
from models.sql import Client
from services.rating import Spot


@dataclass(slots=True, eq=False)
class Cell:
    """One counter as it stands now, and as it stood when it was loaded."""

    key: WindowKey
    spent: int
    held: int
    spent_before: int
    held_before: int

    @property
    def counter(self) -> rules.Counter:
        """The counter as the rules know it."""
        return rules.Counter(self.key[2], self.key[3], self.spent, self.held, self.key[0])


@dataclass(slots=True, eq=False)
class Place:
    """The counters of one spot, and the limits that are held against them."""

    spot: Spot
    cells: tuple[Cell, ...]
    guards: tuple[tuple[rules.Limit, Cell], ...]
    caps: tuple[tuple[int, Cell], ...]

    @property
    def gates(self) -> tuple[rules.Gate, ...]:
        """What spend must pass here, as the counters stand now."""
        return tuple(rules.Gate(limit.level, limit.subject, limit, cell.counter) for limit, cell in self.guards)

    def decide(self, amount_nanos: int) -> rules.Allowed | rules.Blocked:
        """Return whether an amount passes every gate; what fits below all caps does so without another look."""
        for cap, cell in self.caps:
            if cell.spent + cell.held + amount_nanos > cap:
                return rules.decide(self.gates, amount_nanos)
        return _ALLOWED


_ALLOWED = rules.Allowed()
Entry = tuple[Sequence[Cell], int, int]
"""Counters, with what each of them gained in spent and in held nanos."""


@dataclass(slots=True)
class Ledger:
    """The limits and counters of a transaction."""

    limits: rules.InForce
    loaded: Mapping[WindowKey, rules.Counter]
    cells: dict[WindowKey, Cell] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)

    def cell(self, key: WindowKey) -> Cell:
        """Return one counter; a missing one stands at zero."""
        cell = self.cells.get(key)
        if cell is None:
            found = self.loaded.get(key)
            spent, held = (found.spent_nanos, found.held_nanos) if found else (0, 0)
            cell = self.cells[key] = Cell(key, spent, held, spent, held)
        return cell

    def place(self, spot: Spot) -> Place:
        """Return the counters and limits of a spot."""
        place = self.places.get(id(spot))  # the place keeps the spot, so no other can have its id
        if place is None:
            place = self.places[id(spot)] = self._placed(spot)
        return place

    def deltas(self) -> list[counter_rows.Delta]:
        """Return what every counter gained since it was loaded."""
        return [
            counter_rows.Delta(
                start, interval, level, subject, cell.spent - cell.spent_before, cell.held - cell.held_before
            )
            for (interval, start, level, subject), cell in self.cells.items()
            if cell.spent != cell.spent_before or cell.held != cell.held_before
        ]

    def _placed(self, spot: Spot) -> Place:
        guards = tuple(
            (limit, self.cell(_key(limit, spot.chain, spot.windows))) for limit in self.limits.bearing(spot.chain)
        )
        return Place(
            spot,
            tuple(self.cell(key) for key in keys(spot)),
            guards,
            tuple(
                (limit.cap_nanos, cell)
                for limit, cell in guards
                if limit.cap_nanos is not None and limit.kind is not rules.LimitKind.NOTIFY
            ),
        )


def move(cells: Sequence[Cell], *, spent_nanos: int = 0, held_nanos: int = 0) -> bool:
    """Add to counters; False, and nothing added, where one would pass the bound."""
    gained = spent_nanos + held_nanos
    if gained > 0:
        bound = NANOS_MAX - gained
        for cell in cells:
            if cell.spent + cell.held > bound:
                return False
    if spent_nanos:
        for cell in cells:
            cell.spent += spent_nanos
    if held_nanos:
        for cell in cells:
            cell.held += held_nanos
    return True


def undo(entry: Entry) -> None:
    """Take back what was added."""
    cells, spent_nanos, held_nanos = entry
    for cell in cells:
        cell.spent -= spent_nanos
        cell.held -= held_nanos


def keys(spot: Spot) -> tuple[WindowKey, ...]:
    """Return the key of every counter that spend at a spot moves."""
    return tuple(
        (interval, period.start, level, subject)
        for interval, period in spot.windows.items()
        for level, subject in spot.chain.counted
    )


async def load(client: Client, organization_id: str, spots: Iterable[Spot], holds: Iterable[WindowKey] = ()) -> Ledger:
    """Load the limits and counters that amounts meet at some spots, and the counters that holds stand on.

    It takes two statements however many they are.
    """
    found, held = list(spots), set(holds)
    if not found and not held:
        return Ledger(rules.InForce(()), {})
    days = {id(spot.day): spot.day for spot in found}
    met = {(interval, period.start) for day in days.values() for interval, period in day.windows.items()}
    met |= {(interval, start) for interval, start, _, _ in held}
    subjects = counter_rows.Subjects.of({id(spot): spot.chain for spot in found}.values()).joined(held)
    in_force = await rows.in_force_for(client, organization_id, subjects)
    counters = await counter_rows.counters_of(client, organization_id, met, subjects)
    return Ledger(rules.InForce(in_force), counters)


def _key(limit: rules.Limit, chain: rules.Chain, found: Windows) -> WindowKey:
    return limit.interval, found[limit.interval].start, limit.counted_at, chain.subject(limit.counted_at)
