"""How is a script played?

Step by step, through the dispatcher that serves the graph: with the permissions of whoever acts, and with a key for
each step, so that a step played twice happens once. A service that refuses a step ends the play: a demo that is not
what its script says would be worse than none.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from api.demo import personas
from api.demo.personas import Persona
from api.demo.scripts import SYSTEM, Bill, Script, Step
from auth.development import subject_of
from auth.principal import Membership, Method, Principal
from billing.money import Money
from billing.roles import BUILT_IN
from models import idempotency, identities, invoices, members
from models import organizations as rows
from models.sql import Client
from services import closing, imports, organizations, usage
from services.dispatch import Dispatcher, Request
from services.outcomes import Refused

_ALWAYS = datetime.max.replace(tzinfo=UTC)


class StepRefused(RuntimeError):
    """A service did not do what the script says."""

    def __init__(self, slug: str, key: str, answer: object) -> None:
        super().__init__(f"{slug}: step {key} was answered with {answer}")


@dataclass(slots=True)
class Stage:
    """One organization while its script is played: who is who, and what has been billed."""

    dispatcher: Dispatcher
    reader: Client
    slug: str
    organization_id: str
    issuer: str
    request_id: str
    _members: dict[str, str] = field(default_factory=dict)
    _bills: dict[str, Bill] = field(default_factory=dict)

    @classmethod
    async def open(
        cls, dispatcher: Dispatcher, reader: Client, script: Script, *, issuer: str, request_id: str
    ) -> Self:
        """Open the organization, or find it where it was opened before."""
        founder = personas.of(script.slug)[0]
        known = await rows.find_by_slug(reader, script.slug)
        if known is not None:
            member = await members.find_by_email(reader, known.organization_id, founder.email)
            assert member is not None, "whoever opened an organization is a member"
            opened = organizations.Created(known.organization_id, member.id)
        else:
            request = Request(_principal(founder, issuer, ()), script.opened_at, request_id)
            answer = await organizations.create(dispatcher, script.opening, request)
            if isinstance(answer, Refused):
                raise StepRefused(script.slug, script.opening.idempotency_key, answer)
            opened = answer
        stage = cls(dispatcher, reader, script.slug, opened.organization_id, issuer, request_id)
        stage._members[founder.email] = opened.member_id
        return stage

    def member_id(self, email: str) -> str:
        """Return the id of somebody who has joined."""
        return self._members[email]

    def bill(self, period: str) -> Bill:
        """Return the invoice of a month that was closed with one."""
        return self._bills[period]

    async def play(self, step: Step) -> None:
        """Carry out one step, and remember what later steps need of its answer."""
        command = step.command(self)
        request = Request(self._actor(step.actor), step.at, self.request_id)
        answer = await self.dispatcher.execute(step.verb, command, request)
        match answer:
            case Refused() | imports.ManyRefused():
                raise StepRefused(self.slug, step.key, answer)
            case usage.Recorded(outcomes):
                lost = [each for each in outcomes if not isinstance(each, usage.EventRecorded | usage.EventRepeated)]
                if lost:
                    raise StepRefused(self.slug, step.key, lost[0])
            case imports.ManyAdded(member_ids):
                self._members |= zip((person.email for person in command.members), member_ids, strict=True)
            case closing.Closed(period, str(invoice_id)):
                await self._remember_bill(period, invoice_id)

    async def admit(self, persona: Persona, *, at: datetime) -> None:
        """Let the persona's development account act as the member, unless it does already."""
        account = (self.issuer, subject_of(persona.email))
        if await identities.find(self.reader, self.organization_id, *account) is not None:
            return
        member = await members.find_by_email(self.reader, self.organization_id, persona.email)
        assert member is not None, "every persona is a member when the script is over"
        key = f"demo/sign-in/{persona.email}/{self.issuer}"
        command = organizations.LinkIdentity(self.organization_id, key, member.id, *account)
        request = Request(Principal.system(self.organization_id), at, self.request_id)
        answer = await self.dispatcher.execute(organizations.link_identity, command, request)
        if isinstance(answer, Refused):
            raise StepRefused(self.slug, key, answer)

    async def has_played(self, step: Step) -> bool:
        """Return whether a step was carried out before."""
        return await idempotency.find(self.reader, self.organization_id, step.key) is not None

    def _actor(self, role: str) -> Principal:
        if role == SYSTEM:
            return Principal.system(self.organization_id)
        persona = next(persona for persona in personas.of(self.slug) if persona.role == role)
        permissions = BUILT_IN[role].permissions
        membership = Membership(self.organization_id, self.member_id(persona.email), role, permissions)
        return _principal(persona, self.issuer, (membership,))

    async def _remember_bill(self, period: str, invoice_id: str) -> None:
        invoice = await invoices.find(self.reader, self.organization_id, invoice_id)
        assert invoice is not None, "the invoice was issued a moment ago"
        self._bills[period] = Bill(invoice_id, Money(invoice.total_minor, invoice.currency))


def _principal(persona: Persona, issuer: str, memberships: tuple[Membership, ...]) -> Principal:
    return Principal.of(
        memberships,
        issuer=issuer,
        subject=subject_of(persona.email),
        name=persona.name,
        email=persona.email,
        authenticated_at=datetime.min.replace(tzinfo=UTC),
        expires_at=_ALWAYS,
        method=Method.BEARER,
    )
