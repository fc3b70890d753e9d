"""What is written about each request, and what never is?

JSON lines in production, coloured text in development, on standard error. The request id is bound once, at the
door, and stands on every line. Tokens, cookies, bodies and GraphQL variables are never handed to a logger; the
processor below is the net under that rule, not the rule.
"""

import logging
import re
import sys
from collections.abc import Mapping

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from api.settings import Settings

_LEVELS: Mapping[str, int] = logging.getLevelNamesMapping()
_SECRET_NAME = re.compile(r"token|cookie|secret|password|authorization|variables|database_url", re.IGNORECASE)
_BEARER = re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]+")


def configure(settings: Settings) -> None:
    """Send our own lines and those of the libraries through one pipeline. Call once, before the server starts."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    ending: list[Processor] = (
        [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer()]
        if settings.is_production
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    level = _LEVELS[settings.log_level.upper()]
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.getLogger("uvicorn.error").setLevel(level)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank out whatever looks like a credential, by its name or by its shape."""
    for name, value in event.items():
        if _SECRET_NAME.search(name):
            event[name] = "[redacted]"
        elif isinstance(value, str):
            event[name] = _BEARER.sub(r"\1 [redacted]", value)
    return event
