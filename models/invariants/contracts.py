"""Do a contract's instalments add up, and is it on record as it was signed?"""

from billing import contracts as rules
from billing.money import total
from billing.reading import InvalidDocument
from models import contracts as rows
from models.invariants.invariant import Books, Difference, Differences, of_organization


@of_organization
async def instalments_add_up_to_the_total(books: Books) -> Differences:
    """The instalments of every version of a contract add up to its total, to the last minor unit."""
    found: list[Difference] = []
    for contract in await rows.history(books.client, books.organization_id):
        what = f"instalments of contract {contract.number}, version {contract.version}"
        try:
            signed = contract.as_rule()
        except InvalidDocument as error:
            found.append(Difference(what, "a document that can be read", str(error)))
            continue
        parts = [part.amount for part in rules.instalments(signed, books.organization.time_zone)]
        if total(parts, signed.total.currency) != signed.total:
            found.append(Difference(what, str(signed.total), str(total(parts, signed.total.currency))))
    return found[: books.most]


@of_organization
async def columns_say_what_the_document_says(books: Books) -> Differences:
    """Number, version and term of a contract, by which it is found, are those that were signed."""
    found: list[Difference] = []
    for contract in await rows.history(books.client, books.organization_id):
        columns = {
            "number": contract.number,
            "version": contract.version,
            "start": contract.starts_at.isoformat(),
            "end": contract.ends_at.isoformat(),
        }
        found += [
            Difference(f"{name} of contract {contract.id}", str(contract.document.get(name)), str(value))
            for name, value in columns.items()
            if contract.document.get(name) != value
        ]
    return found[: books.most]
