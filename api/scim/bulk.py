"""How are many operations carried out in one request?

One after another, each a transaction of its own, as the standard has it: what was done stays done when a later one
fails. A resource that an operation makes can be named by later ones before its id is known.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scim2_models import ConflictException, InvalidSyntaxException, PayloadTooLargeException

from api.scim.resources import BULK_OPERATIONS_MAX

REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_REFERENCE: Final = "bulkId:"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one operation: the status, where its resource is, and why it failed where it did."""

    status: int
    location: str | None = None
    version: str | None = None
    resource_id: str | None = None
    error: Mapping[str, Any] | None = None


CarryOut = Callable[[str, str, Any, str | None], Awaitable[Done]]
"""Carry out a method on a path, with a document and the version it is for; never raise for what a directory did."""


@dataclass(slots=True)
class Bulk:
    """One request of many operations."""

    carry_out: CarryOut
    made: dict[str, str] = field(default_factory=dict)

    async def answer(self, document: Any) -> dict[str, Any]:
        """Carry out the operations until more have failed than the directory bears, and say what became of each."""
        given = {str(name).lower(): value for name, value in document.items()}
        operations = given.get("operations")
        if REQUEST not in given.get("schemas", ()) or not isinstance(operations, list):
            raise InvalidSyntaxException(detail=f"a bulk request has the schema {REQUEST} and a list of Operations")
        if len(operations) > BULK_OPERATIONS_MAX:
            detail = f"{len(operations)} operations: at most {BULK_OPERATIONS_MAX} in one request"
            raise PayloadTooLargeException(detail=detail)
        bearable = given.get("failonerrors")
        if bearable is not None and (not isinstance(bearable, int) or isinstance(bearable, bool) or bearable < 1):
            raise InvalidSyntaxException(detail="failOnErrors is a number above 0")
        answers: list[dict[str, Any]] = []
        failed = 0
        for operation in operations:
            if bearable is not None and failed >= bearable:
                break
            answer = await self._one(operation)
            failed += int(answer["status"]) >= 400
            answers.append(answer)
        return {"schemas": [RESPONSE], "Operations": answers}

    async def _one(self, operation: Any) -> dict[str, Any]:
        given = {str(name).lower(): value for name, value in operation.items()} if isinstance(operation, dict) else {}
        method, path, bulk_id = str(given.get("method", "")).upper(), given.get("path"), given.get("bulkid")
        answer: dict[str, Any] = {"method": method}
        if isinstance(bulk_id, str):
            answer["bulkId"] = bulk_id
        fault = _fault(method, path, bulk_id)
        done = fault or await self._done(method, str(path), given.get("data"), given.get("version"))
        if done.resource_id is not None and isinstance(bulk_id, str):
            self.made[bulk_id] = done.resource_id
        named = {"location": done.location, "version": done.version, "response": done.error}
        return {**answer, "status": str(done.status), **{name: each for name, each in named.items() if each}}

    async def _done(self, method: str, path: str, data: Any, version: Any) -> Done:
        try:
            resolved, document = self._resolved(path), self._resolved(data)
        except ConflictException as error:
            return Done(409, error=error.to_error().model_dump())
        return await self.carry_out(method, resolved, document, version if isinstance(version, str) else None)

    def _resolved(self, value: Any) -> Any:
        """Return a value with the ids of what earlier operations made in the place of the names they gave."""
        if isinstance(value, dict):
            return {name: self._resolved(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._resolved(each) for each in value]
        if not isinstance(value, str) or _REFERENCE not in value:
            return value
        before, _, name = value.partition(_REFERENCE)
        if before and not before.endswith("/"):
            return value
        if name not in self.made:
            raise ConflictException(detail=f"no earlier operation made {name[:80]!r}")
        return f"{before}{self.made[name]}"


def _fault(method: str, path: Any, bulk_id: Any) -> Done | None:
    detail = None
    if method not in _METHODS:
        detail = "the method of an operation is POST, PUT, PATCH or DELETE"
    elif not isinstance(path, str) or not path.startswith("/"):
        detail = "the path of an operation begins with /Users or /Groups"
    elif method == "POST" and not isinstance(bulk_id, str):
        detail = "an operation that makes a resource has a bulkId"
    return Done(400, error=InvalidSyntaxException(detail=detail).to_error().model_dump()) if detail else None
