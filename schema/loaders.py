"""How are the rows behind many fields read in few statements?

Each loader gathers the keys that one level of an answer asks for and reads them together: one statement for each
organization, however many rows. A key always begins with the organization, so no batch can mix up two of them.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

from billing.limits import Counter, SpendLevel
from billing.periods import month_containing
from billing.roles import Permission
from models import (
    alerts,
    api_clients,
    contracts,
    counters,
    credits,
    events,
    groups,
    invoices,
    limits,
    members,
    payments,
    releases,
    reservations,
    roles,
    seats,
)
from models import usage as usage_rows
from schema.batches import Loader, batched, grouped
from schema.directory_loaders import DirectoryLoaders
from schema.spend_loaders import SpendLoaders
from services import reports, standings, terms

RAISERS_MAX = 20


class Loaders(SpendLoaders, DirectoryLoaders):
    """The loaders of one operation, which sees every organization at one instant."""

    @cached_property
    def member(self) -> Loader[tuple[str, str], members.Member | None]:
        """Members by id."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, members.Member]:
            return {row.id: row for row in await members.find_many(self._reader, organization_id, ids)}

        return batched(read)

    @cached_property
    def webhook_event(self) -> Loader[tuple[str, str], events.Event | None]:
        """The events that webhook deliveries tell of, by delivery."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, events.Event]:
            return await events.of_deliveries(self._reader, organization_id, ids)

        return batched(read)

    @cached_property
    def role(self) -> Loader[tuple[str, str], roles.Role | None]:
        """Roles by key."""

        async def read(organization_id: str, _: list[str]) -> Mapping[str, roles.Role]:
            return {row.key: row for row in await roles.list_all(self._reader, organization_id)}

        return batched(read)

    @cached_property
    def seat(self) -> Loader[tuple[str, str], seats.SeatInterval | None]:
        """The seats members hold now, by member."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, seats.SeatInterval]:
            return {row.member_id: row for row in await seats.open_seats(self._reader, organization_id, ids)}

        return batched(read)

    @cached_property
    def pending_seat(self) -> Loader[tuple[str, str], releases.SeatRelease | None]:
        """The seats that wait to take over from those held now, by member."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, releases.SeatRelease]:
            return {row.member_id: row for row in await releases.waiting_of(self._reader, organization_id, ids)}

        return batched(read)

    @cached_property
    def timeline(self) -> Loader[str, terms.Timeline]:
        """Everything that was, is and will be agreed, by organization."""

        async def load(ids: list[str]) -> Sequence[terms.Timeline]:
            return [await terms.timeline(self._reader, id_) for id_ in ids]

        return Loader(load)

    @cached_property
    def in_force(self) -> Loader[str, terms.Terms | None]:
        """The terms in force, by organization."""

        async def load(ids: list[str]) -> Sequence[terms.Terms | None]:
            owners = await self.organization.load_many(ids)
            timelines = await self.timeline.load_many(ids)
            return [found.at(self._at(owner)) for found, owner in zip(timelines, owners, strict=True)]

        return Loader(load)

    @cached_property
    def contract(self) -> Loader[str, contracts.Contract | None]:
        """The contract in force or the next one, by organization."""

        async def load(ids: list[str]) -> Sequence[contracts.Contract | None]:
            owners = await self.organization.load_many(ids)
            return [
                await contracts.next_after(self._reader, id_, self._at(owner))
                for id_, owner in zip(ids, owners, strict=True)
            ]

        return Loader(load)

    @cached_property
    def contract_versions(self) -> Loader[str, list[contracts.Contract]]:
        """Every version of every contract, oldest first, by organization."""

        async def load(ids: list[str]) -> Sequence[list[contracts.Contract]]:
            return [await contracts.history(self._reader, id_) for id_ in ids]

        return Loader(load)

    @cached_property
    def reviews(self) -> Loader[tuple[str, str], list[contracts.ContractReview] | None]:
        """The reviews that contracts call for, by contract number."""

        async def read(organization_id: str, numbers: list[str]) -> Mapping[str, list[contracts.ContractReview]]:
            rows = await contracts.reviews_of(self._reader, organization_id, numbers)
            return grouped(rows, lambda row: row.contract_number)

        return batched(read)

    @cached_property
    def paid_seats(self) -> Loader[str, int]:
        """How many paid seats are in use, by organization."""

        async def load(ids: list[str]) -> Sequence[int]:
            return [await seats.count_billable(self._reader, id_) for id_ in ids]

        return Loader(load)

    @cached_property
    def standing(self) -> Loader[tuple[str, str], standings.Standing | None]:
        """Where members stand against their limits now, by member."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, standings.Standing]:
            owner = await self.organization.load(organization_id)
            assert owner is not None, "a member belongs to an organization that exists"
            return await standings.standings(self._reader, owner, ids, at=self._at(owner))

        return batched(read)

    @cached_property
    def group(self) -> Loader[tuple[str, str], groups.Group | None]:
        """Groups by id."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, groups.Group]:
            return {row.id: row for row in await groups.find_many(self._reader, organization_id, ids)}

        return batched(read)

    @cached_property
    def group_of(self) -> Loader[tuple[str, str], str | None]:
        """The groups members are in now, by member."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, str]:
            found = await groups.open_memberships(self._reader, organization_id, ids)
            return {row.member_id: row.group_id for row in found}

        return batched(read)

    @cached_property
    def group_counter(self) -> Loader[tuple[str, str], Counter | None]:
        """What groups have spent this month, by group."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, Counter]:
            owner = await self.organization.load(organization_id)
            assert owner is not None, "a group belongs to an organization that exists"
            start = month_containing(self._at(owner), owner.time_zone).start
            found = await counters.counters(self._reader, organization_id, period_start=start, groups=ids)
            return {subject: counter for (level, subject), counter in found.items() if level is SpendLevel.GROUP}

        return batched(read)

    @cached_property
    def raisers(self) -> Loader[str, list[members.Member]]:
        """The members who may raise a limit, by organization; the longest-standing ones where there are many."""

        async def load(ids: list[str]) -> Sequence[list[members.Member]]:
            return [await self._who_may(id_, Permission.SPEND_LIMITS_WRITE) for id_ in ids]

        return Loader(load)

    @cached_property
    def usage(self) -> Loader[tuple[str, reports.MemberAsk], reports.Report | None]:
        """Usage reports of single members."""

        async def read(
            organization_id: str, asks: list[reports.MemberAsk]
        ) -> Mapping[reports.MemberAsk, reports.Report]:
            return await reports.usage_of_members(self._reader, organization_id, asks)

        return batched(read)

    @cached_property
    def usage_event(self) -> Loader[tuple[str, str], usage_rows.UsageEvent | None]:
        """Usage events by id."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, usage_rows.UsageEvent]:
            return {row.id: row for row in await usage_rows.find_many(self._reader, organization_id, ids)}

        return batched(read)

    @cached_property
    def reservation(self) -> Loader[tuple[str, str], reservations.Reservation | None]:
        """Reservations by id."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, reservations.Reservation]:
            return {row.id: row for row in await reservations.find_many(self._reader, organization_id, ids)}

        return batched(read)

    @cached_property
    def limit(self) -> Loader[tuple[str, str], limits.SpendLimit | None]:
        """Spend limits by id, also ended ones."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, limits.SpendLimit]:
            return {row.id: row for row in await limits.find_many(self._reader, organization_id, ids)}

        return batched(read)

    @cached_property
    def alert(self) -> Loader[tuple[str, str], alerts.LimitAlert | None]:
        """Alerts by id."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, alerts.LimitAlert]:
            return {row.id: row for row in await alerts.find_many(self._reader, organization_id, ids)}

        return batched(read)

    @cached_property
    def invoice(self) -> Loader[tuple[str, str], invoices.Invoice | None]:
        """Invoices by id."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, invoices.Invoice]:
            return {row.id: row for row in await invoices.find_many(self._reader, organization_id, ids)}

        return batched(read)

    @cached_property
    def lines(self) -> Loader[tuple[str, str], list[invoices.InvoiceLine] | None]:
        """The lines of invoices, by invoice."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, list[invoices.InvoiceLine]]:
            rows = await invoices.lines_of(self._reader, organization_id, ids)
            return grouped(rows, lambda row: row.invoice_id)

        return batched(read)

    @cached_property
    def shares(self) -> Loader[tuple[str, str], list[invoices.InvoiceShare] | None]:
        """The members' parts of invoices, by invoice."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, list[invoices.InvoiceShare]]:
            rows = await invoices.shares_of(self._reader, organization_id, ids)
            return grouped(rows, lambda row: str(row.invoice_id))

        return batched(read)

    @cached_property
    def settled(self) -> Loader[tuple[str, str], int | None]:
        """What was paid and credited, in minor units, by invoice."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, int]:
            return await payments.settled_minor(self._reader, organization_id, ids)

        return batched(read)

    @cached_property
    def payments_of(self) -> Loader[tuple[str, str], list[payments.Payment] | None]:
        """Payments by invoice."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, list[payments.Payment]]:
            rows = await payments.of_invoices(self._reader, organization_id, ids)
            return grouped(rows, lambda row: row.invoice_id)

        return batched(read)

    @cached_property
    def credit_notes_of(self) -> Loader[tuple[str, str], list[payments.CreditNote] | None]:
        """Credit notes by invoice."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, list[payments.CreditNote]]:
            rows = await payments.credit_notes_of(self._reader, organization_id, ids)
            return grouped(rows, lambda row: row.invoice_id)

        return batched(read)

    @cached_property
    def credit_grant(self) -> Loader[tuple[str, str], credits.CreditGrant | None]:
        """Grants of prepaid credit by id."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, credits.CreditGrant]:
            return {row.id: row for row in await credits.find_many(self._reader, organization_id, ids)}

        return batched(read)

    @cached_property
    def credit_left(self) -> Loader[tuple[str, str], int | None]:
        """What is left of grants, in minor units, by grant."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, int]:
            return await credits.balances_minor(self._reader, organization_id, ids)

        return batched(read)

    @cached_property
    def api_client_secrets(self) -> Loader[tuple[str, str], list[api_clients.ApiClientSecret] | None]:
        """The secrets of API clients, by client."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, list[api_clients.ApiClientSecret]]:
            rows = await api_clients.secrets_of(self._reader, organization_id, ids)
            return grouped(rows, lambda row: row.client_id)

        return batched(read)

    async def _who_may(self, organization_id: str, permission: Permission) -> list[members.Member]:
        granting = [
            role.key
            for role in await roles.list_all(self._reader, organization_id)
            if permission.value in role.permissions
        ]
        return await members.in_roles(self._reader, organization_id, granting, limit=RAISERS_MAX)
