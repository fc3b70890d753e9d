"""Which operation is meant by a request, may it be executed, and who pays for finding out?

A document is measured, then parsed and validated once and remembered. One that was never seen before takes its turn:
reading it is work that nobody asked us to repeat.
"""

from typing import Any

from graphql import GraphQLSchema, OperationDefinitionNode

from api import deprecations
from api.budgets import Budgets, Tab
from api.graph_requests import GraphRequest
from api.observing import Observer
from api.operations import Document, Documents, Operation, Refused, chosen
from api.pacing import Pace
from api.rows import places
from api.settings import Limits
from api.trusted_documents import Library
from api.validating import validated
from schema.errors import GraphError, as_graphql, first_code


class Preparing:
    """Prepares the operations of one schema."""

    def __init__(
        self, schema: GraphQLSchema, limits: Limits, budgets: Budgets, library: Library, observer: Observer
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._library = library
        self._documents = Documents(limits.documents_cached_max)
        self.budgets = budgets
        self.observer = observer
        self.pace = Pace()

    async def admit(self, request: GraphRequest, *, tab: Tab, is_known: bool) -> Operation:
        """Prepare a request when it is its turn: what was never seen before waits for others, the rest does not."""
        if not request.query or self._documents.get(request.query) is not None:
            return self.prepare(request, tab=tab, is_known=is_known)
        try:
            return await self.pace.run(tab.payers[:1], lambda: self.prepare(request, tab=tab, is_known=is_known))
        except GraphError as fault:
            self.observer.refused(fault.code)
            raise Refused(as_graphql(fault)) from fault

    def prepare(self, request: GraphRequest, *, tab: Tab | None = None, is_known: bool = True) -> Operation:
        """Return the operation the request means, or raise `Refused`. Who pays, pays for either.

        To callers who are not known a refusal suggests no names: they would learn the schema by guessing.
        """
        try:
            if tab is not None:
                tab.require(1)
            operation = self._prepared(request, tab, is_known=is_known)
            if tab is not None:
                tab.take(operation.cost.points)
        except GraphError as fault:
            self.observer.refused(fault.code)
            raise Refused(as_graphql(fault)) from fault
        except Refused as refused:
            self.observer.refused(first_code(refused.errors))
            if tab is not None:
                tab.fine()
            raise
        return operation

    def check(self, text: str) -> Document:
        """Return a document that would be executed, or raise `Refused` with why it would not."""
        return validated(self._schema, text, self._limits, is_known=True)

    def rows(self, operation: Operation, answered: dict[str, Any] | None) -> int:
        """Return how many rows an operation was answered."""
        found = operation.document.rows.get(operation.name)
        if found is None:
            found = places(self._schema, operation.document.node, operation.definition)
            operation.document.rows[operation.name] = found
        return found.among(answered)

    def _prepared(self, request: GraphRequest, tab: Tab | None, *, is_known: bool) -> Operation:
        text = self._library.text_of(request)
        document = self._documents.get(text)
        if document is None:
            document = validated(self._schema, text, self._limits, is_known=is_known)
            self._documents.add(document)
        self._library.learn(request)
        definition = chosen(document.node, request.operation_name)
        deprecated = self._deprecated(document, definition, request.variables) if document.deprecated else frozenset()
        return Operation(document, definition, request.variables, tab, deprecated)

    def _deprecated(
        self, document: Document, definition: OperationDefinitionNode, variables: dict[str, Any]
    ) -> frozenset[str]:
        name = "" if definition.name is None else definition.name.value
        return document.deprecated[name] | deprecations.in_variables(self._schema, definition, variables)
