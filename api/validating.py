"""Is this text a document that the schema allows and that is no more than we agreed to execute?

What is too long, too wide or too deep is refused before validation, for validating it would be the attack.
"""

import re

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, parse, specified_rules, validate
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api import cost, deprecations, overlaps, shapes
from api.operations import Document, Refused
from api.settings import Limits
from schema.errors import ErrorCode, GraphError, as_graphql, coded

_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u(?:0000|\{0+\})")  # the database stores none; JSON bodies are checked alike
_TOO_MANY_TOKENS = "Syntax Error: Document contains more than {} tokens. Parsing aborted."  # the library has no type


def validated(schema: GraphQLSchema, text: str, limits: Limits, *, is_known: bool) -> Document:
    """Return the document, or raise `Refused`. To callers who are not known it suggests no names."""
    if len(text) > limits.document_length_max:
        raise Refused(as_graphql(_too_long(len(text), limits.document_length_max)))
    if _NUL.search(text):
        message = "A string in the document holds the character U+0000."
        raise Refused(as_graphql(GraphError(ErrorCode.BAD_USER_INPUT, message)))
    try:
        document = parse(text, max_tokens=limits.document_tokens_max)
    except GraphQLError as error:
        is_long = error.message == _TOO_MANY_TOKENS.format(limits.document_tokens_max)
        code = ErrorCode.QUERY_TOO_COMPLEX if is_long else ErrorCode.GRAPHQL_PARSE_FAILED
        raise Refused(coded(error, code)) from error
    try:
        errors_max = shapes.require_usual(document)
        costs = cost.measure(document)
        cost.require_within(costs, limits)
        overlaps.pairs(document)
    except GraphError as fault:
        raise Refused(as_graphql(fault)) from fault
    errors = validate(schema, document, _RULES, errors_max, hide_suggestions=not is_known)
    if errors:
        raise Refused(*(coded(error, ErrorCode.GRAPHQL_VALIDATION_FAILED) for error in errors))
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    names = [each.name.value if each.name else None for each in operations]
    deprecated = deprecations.in_document(schema, document) if deprecations.is_anything_deprecated(schema) else {}
    return Document(text, document, dict(zip(names, costs, strict=True)), deprecated)


def _too_long(length: int, length_max: int) -> GraphError:
    message = f"The document has {length} characters; {length_max} are allowed."
    return GraphError(ErrorCode.QUERY_TOO_COMPLEX, message, limit=length_max)
