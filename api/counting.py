"""What do commands and webhooks add to what is counted?

The floors below know nothing of counters: they tell whoever listens what they answered.
"""

from collections import Counter
from typing import Final, assert_never

from api.metrics import Metrics
from billing.webhooks import is_success
from events.posting import Answer
from services import usage
from services.outcomes import Refused
from services.usage_facts import EventBlocked, EventOutcome, EventRecorded, EventRefused, EventRepeated

DONE: Final = "DONE"
DELIVERED: Final = "DELIVERED"
REFUSED: Final = "REFUSED_BY_RECEIVER"


class Counting:
    """Counts for one process what the floors below tell."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def command(self, operation: str, answer: object) -> None:
        """Count a command, and each event of usage in its answer."""
        self._metrics.command(operation, answer.code.name if isinstance(answer, Refused) else DONE)
        if isinstance(answer, usage.Recorded):
            for outcome, count in Counter(map(_of, answer.outcomes)).items():
                self._metrics.usage(outcome, count)

    def webhook(self, answer: Answer, seconds: float) -> None:
        """Count an attempt to deliver a webhook."""
        if answer.fault is not None:
            self._metrics.webhook(answer.fault.name, seconds)
        else:
            self._metrics.webhook(DELIVERED if is_success(answer.status) else REFUSED, seconds)


def _of(outcome: EventOutcome) -> str:
    match outcome:
        case EventRecorded():
            return "RECORDED"
        case EventRepeated():
            return "REPEATED"
        case EventRefused():
            return "REFUSED"
        case EventBlocked():
            return "BLOCKED"
        case _:
            assert_never(outcome)
