"""How long was a process ready to run, and had no processor?

On a machine that does other things too an answer takes long for no reason of its own. Linux keeps for each thread how
long it stood in the queue of a processor; what is left of an answer's time without that is the answer's.
"""

from pathlib import Path
from typing import Final

_NANOS: Final = 1e9
PROCESSES: Final = Path("/proc")


def queued_seconds(process_id: int, *, processes: Path = PROCESSES) -> float:
    """Return how long the threads of a process have waited for a processor so far; 0 where nobody keeps that."""
    return sum(map(_queued, (processes / str(process_id) / "task").glob("*/schedstat"))) / _NANOS


def _queued(kept: Path) -> int:
    try:
        _running, queued, _slices = map(int, kept.read_text().split())
    except OSError:  # the thread has ended
        return 0
    return queued
