"""How does a batch of usage pass the graph without being looked at a dozen times?

A thousand events cost graphql-core and strawberry many times what recording them does. So an executor of ours knows two
places: variables that hold a list of events, which are read in one pass where all of them are plainly valid, and the
list of results, which is written from what the service answered where only plain fields are asked for. In every other
case, and for everything else of the operation, the library does what it always does, and what is wrong with an input
is said in its words.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from graphql import DocumentNode, GraphQLList, GraphQLObjectType, GraphQLOutputType, GraphQLSchema, get_named_type
from graphql.execution import Executor
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from billing.currencies import exponent
from billing.money import nanos_amount
from resolvers.plain_usage import plain
from resolvers.usage import Results
from schema.ids import Kind
from services import usage

INPUT: Final = "RecordUsageInput"
_STATUS: Final[Mapping[type, str]] = {
    usage.EventRecorded: "RECORDED",
    usage.EventRepeated: "DUPLICATE",
    usage.EventBlocked: "REFUSED",
    usage.EventRefused: "REFUSED",
}
_KEPT: Final = (usage.EventRecorded, usage.EventRepeated)


class UsageExecutor(StrawberryGraphQLCoreExecutionContext):
    """strawberry's executor, and batches of usage more quickly."""

    @classmethod
    def build(
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        root_value: Any = None,
        context_value: Any = None,
        raw_variable_values: dict[str, Any] | None = None,
        *args: Any,
        **rest: Any,
    ) -> Any:
        """Return an executor, or what is wrong with the variables in the library's words."""
        given = raw_variable_values or {}
        for name, value in given.items():
            events = plain(value.get("events")) if type(value) is dict else None
            if events is not None:
                without = {**given, name: {**value, "events": []}}
                built = super().build(schema, document, root_value, context_value, without, *args, **rest)
                if not isinstance(built, list) and _is_usage(built, name):
                    built.variable_values.coerced[name]["events"] = events
                    return built
        return super().build(schema, document, root_value, context_value, raw_variable_values, *args, **rest)

    def complete_list_value(
        self, return_type: GraphQLList[GraphQLOutputType], field_details_list: Any, *rest: Any
    ) -> Any:
        """Return a list as the answer shows it."""
        *_, result, _position = rest
        if isinstance(result, Results):
            written = _written(self, return_type, field_details_list, result)
            if written is not None:
                return written
        return super().complete_list_value(return_type, field_details_list, *rest)


def _is_usage(executor: Executor[Any], name: str) -> bool:
    """Return whether a variable is declared to be what `recordUsage` takes."""
    source = executor.variable_values.sources.get(name)
    return source is not None and str(get_named_type(source.signature.type)) == INPUT


def _written(
    executor: Executor[Any], return_type: GraphQLList[GraphQLOutputType], field_details_list: Any, results: Results
) -> list[dict[str, Any]] | None:
    """Return the results as the answer shows them, or None where more than plain fields is asked for."""
    result_type = get_named_type(return_type)
    assert isinstance(result_type, GraphQLObjectType), "a result is an object"
    asked = executor.collect_subfields(result_type, field_details_list).grouped_field_set
    plain, columns = _columns(results), dict[str, Sequence[Any]]()
    for shown, details in asked.items():
        name = details[0].node.name.value
        if name == "cost":
            money_type = get_named_type(result_type.fields[name].type)
            assert isinstance(money_type, GraphQLObjectType), "money is an object"
            column = _costs(executor.collect_subfields(money_type, details).grouped_field_set, results)
        else:
            column = plain[name]() if name in plain else None
        if column is None:
            return None
        columns[shown] = column
    names = tuple(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _columns(results: Results) -> Mapping[str, Callable[[], Sequence[Any]]]:
    """Return how each plain field is read of all outcomes at once."""
    prefix = f"{Kind.USAGE_EVENT.value}_{results.owner.organization_id}_"
    outcomes = results.outcomes
    return {
        "__typename": lambda: ["UsageEventResult"] * len(outcomes),
        "eventId": lambda: [outcome.event_id for outcome in outcomes],
        "status": lambda: [_STATUS[type(outcome)] for outcome in outcomes],
        "usageId": lambda: [prefix + outcome.usage_id if isinstance(outcome, _KEPT) else None for outcome in outcomes],
        "overLimit": lambda: [isinstance(outcome, usage.EventRecorded) and outcome.over_limit for outcome in outcomes],
    }


def _costs(asked: Mapping[str, Any], results: Results) -> Sequence[dict[str, str] | None] | None:
    """Return the costs of all outcomes; equal costs are one object."""
    names = {shown: details[0].node.name.value for shown, details in asked.items()}
    if not set(names.values()) <= {"amount", "currency", "__typename"}:
        return None
    currency = results.owner.currency
    decimals = exponent(currency)
    nanos = [None if isinstance(each, usage.EventRefused) else each.cost_nanos for each in results.outcomes]
    shown_as: dict[int | None, dict[str, str] | None] = {None: None}
    for each in {cost for cost in nanos if cost is not None}:
        said = {"amount": nanos_amount(each, decimals), "currency": currency, "__typename": "Money"}
        shown_as[each] = {shown: said[name] for shown, name in names.items()}
    return [shown_as[each] for each in nanos]
