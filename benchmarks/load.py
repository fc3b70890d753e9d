"""Who works with the server while it is being killed, and what were they told?

Clients over real HTTP, each doing one thing after another under a key of its own. Whoever gets no answer asks again
under the same key until there is one. What was acknowledged is written down, to be looked for afterwards.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2

from api.house import now

ADD = """mutation($input: AddMemberInput!) {
    addMember(input: $input) { member { id } userErrors { code } } }"""
USE = """mutation($input: RecordUsageInput!) {
    recordUsage(input: $input) { results { eventId status usageId cost { amount } } userErrors { code } } }"""
CAP = """mutation($input: SetSpendLimitInput!) {
    setSpendLimit(input: $input) { limit { id version } userErrors { code } } }"""
HOLD = """mutation($input: ReserveSpendInput!) {
    reserveSpend(input: $input) { outcome reservation { id } userErrors { code } } }"""
"""What was decided stays; how the reservation stands is looked up, and changes until it has ended."""
SETTLE = """mutation($input: SettleReservationInput!) {
    settleReservation(input: $input) { outcome reservation { status } userErrors { code } } }"""
RELEASE = """mutation($input: ReleaseReservationInput!) {
    releaseReservation(input: $input) { outcome reservation { status } userErrors { code } } }"""
HOLD_SECONDS = 86_400  # longer than any proof: what is held at its end must still be held
ANSWERS_A_DOLLAR = 30
"""Limits rise as fast as they are used up, so that there is something to hold until the last."""
RETRY_SECONDS, RETRY_SECONDS_MAX = 0.02, 0.5


@dataclass(frozen=True, slots=True)
class Operation:
    """Something asked for under a key: a document and its input."""

    document: str
    input: dict[str, Any]


@dataclass(slots=True)
class Ledger:
    """Everything that was acknowledged, with the answer, and what it took."""

    answers: list[tuple[Operation, Any]] = field(default_factory=list)
    retries: int = 0
    replays: int = 0
    changed_by_replay: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Work:
    """One organization that clients work in."""

    origin: str
    token: str
    organization_id: str
    members: list[str]
    ledger: Ledger = field(default_factory=Ledger)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def answered(self, count: int) -> None:
        """Return when so many operations have been acknowledged in all."""
        async with self.acknowledged:
            await self.acknowledged.wait_for(lambda: len(self.ledger.answers) >= count)

    async def go(self, clients: int) -> None:
        """Work until told to stop; what was begun is finished."""
        await asyncio.gather(*(self._client(number) for number in range(clients)))

    async def ask(self, client: httpx2.AsyncClient, operation: Operation) -> Any:
        """Return the answer to an operation, however often it takes to ask."""
        body = {"query": operation.document, "variables": {"input": operation.input}}
        pause = RETRY_SECONDS
        while True:
            try:
                response = await client.post("/graphql", json=body)
                answer = response.json()
                if response.status_code == 200 and "errors" not in answer:
                    return next(iter(answer["data"].values()))
                self._note(response.status_code, answer)
            except (httpx2.HTTPError, ValueError):
                pass
            self.ledger.retries += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_SECONDS_MAX)

    def http(self) -> httpx2.AsyncClient:
        """Return a client that says who it is."""
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx2.AsyncClient(base_url=self.origin, headers=headers, timeout=30, trust_env=False)

    async def _client(self, number: int) -> None:
        dice = random.Random(f"client {number}")  # noqa: S311  # a proof is repeated, not guarded
        held: list[str] = []
        async with self.http() as client:
            count = 0
            while not self.stopping.is_set():
                count += 1
                operation = self._operation(dice, f"{number}-{count}", held)
                answer = await self.ask(client, operation)
                self.ledger.answers.append((operation, answer))
                if operation.document == HOLD and answer["outcome"] == "DONE":
                    held.append(operation.input["externalId"])
                async with self.acknowledged:
                    self.acknowledged.notify_all()
                if dice.random() < 0.1:
                    await self._again(client, dice)

    async def _again(self, client: httpx2.AsyncClient, dice: random.Random) -> None:
        """Ask for something once more that was acknowledged before, perhaps by a server that is dead by now."""
        operation, answer = dice.choice(self.ledger.answers)
        self.ledger.replays += 1
        self.ledger.changed_by_replay += await self.ask(client, operation) != answer

    def _operation(self, dice: random.Random, name: str, held: list[str]) -> Operation:
        """Return the next thing a client does; `held` are its own reservations that it has not ended yet."""
        shared = {"organizationId": self.organization_id, "idempotencyKey": name}
        match dice.random():
            case chance if chance < 0.1:
                person = {"email": f"p{name}@bench.example", "name": name, "role": "member", "tier": "chat"}
                return Operation(ADD, {**shared, **person})
            case chance if chance < 0.3:
                dollars = dice.randrange(6) + len(self.ledger.answers) // ANSWERS_A_DOLLAR
                cap = {"amount": f"{dollars}.{dice.randrange(100):02}", "currency": "USD"}
                subject = {"level": "MEMBER", "memberId": dice.choice(self.members)}
                return Operation(CAP, {**shared, **subject, "amount": cap})
            case chance if chance < 0.5 and (len(held) < 3 or chance < 0.35):
                amount = {"amount": f"0.{dice.randrange(1, 100):02}", "currency": "USD"}
                hold = {"externalId": f"h{name}", "memberId": dice.choice(self.members), "ttlSeconds": HOLD_SECONDS}
                return Operation(HOLD, {**shared, **hold, "amount": amount})
            case chance if chance < 0.6 and held:
                ended = held.pop(dice.randrange(len(held)))
                if chance < 0.53:
                    return Operation(RELEASE, {**shared, "externalId": ended})
                use = {name: value for name, value in self._event(dice, f"s{name}").items() if name != "memberId"}
                return Operation(SETTLE, {**shared, "externalId": ended, "overage": "RECORD", "usage": [use]})
            case _:
                events = [self._event(dice, f"{name}-{each}") for each in range(dice.randrange(1, 4))]
                return Operation(USE, {**shared, "events": events})

    def _event(self, dice: random.Random, event_id: str) -> dict[str, Any]:
        what = {"meter": "tokens", "model": "atlas", "direction": "INPUT", "quantity": str(dice.randrange(1, 400_000))}
        return {"id": event_id, "memberId": dice.choice(self.members), "occurredAt": now().isoformat(), **what}

    def _note(self, status: int, answer: Any) -> None:
        """Count an answer that is none."""
        codes = sorted(str(error.get("extensions", {}).get("code")) for error in answer.get("errors", ()))
        self.ledger.refusals[f"{status} {' '.join(codes)}"] += 1
