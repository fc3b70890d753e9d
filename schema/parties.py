"""Who is behind a contract or an invoice: which person, which legal entity?"""

from collections.abc import Mapping
from typing import Any

import strawberry

from billing import contracts as rules


@strawberry.type(description="Somebody to talk to.")
class Contact:
    name: str = strawberry.field(description="The person's name.")
    email: str = strawberry.field(description="The person's e-mail address.")


@strawberry.type(description="A legal entity that pays.")
class BillTo:
    legal_name: str = strawberry.field(description="The registered name.")
    address_lines: list[str] = strawberry.field(description="The postal address, line by line.")
    tax_id: str | None = strawberry.field(description="The tax number.")
    country: str | None = strawberry.field(description="The country, as an ISO 3166 code.")
    email: str | None = strawberry.field(description="Where invoices are sent.")
    purchase_order: str | None = strawberry.field(description="The purchase order that the payer wants to see named.")
    contract_number: str | None = strawberry.field(description="The number of the contract, where there is one.")

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> "BillTo":
        """Return the payer as frozen on an invoice."""
        return cls(
            legal_name=str(document.get("legal_name", "")),
            address_lines=[str(line) for line in document.get("address_lines") or ()],
            tax_id=document.get("tax_id"),
            country=document.get("country"),
            email=document.get("email"),
            purchase_order=document.get("purchase_order"),
            contract_number=document.get("contract"),
        )

    @classmethod
    def of_contract(cls, contract: rules.Contract) -> "BillTo | None":
        """Return the payer that a contract names."""
        named = contract.bill_to
        if named is None:
            return None
        return cls(
            legal_name=named.legal_name,
            address_lines=list(named.address_lines),
            tax_id=named.tax_id,
            country=named.country,
            email=named.email,
            purchase_order=contract.purchase_order,
            contract_number=contract.number,
        )
