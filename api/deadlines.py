"""How long may something take that nearly always takes far less?

What `asyncio.timeout` does, for what happens with every request: it is entered and left without waiting for anything,
which takes a tenth of the time.
"""

import asyncio
from types import TracebackType


class Deadline:
    """A block that is cancelled after so many seconds, and then raises `TimeoutError`."""

    __slots__ = ("_cancelling", "_is_over", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_over = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "only a task can be cancelled"
        self._task, self._cancelling = task, task.cancelling()
        self._timer = task.get_loop().call_later(self._seconds, self._end)

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, _where: TracebackType | None
    ) -> None:
        self._timer.cancel()
        # Whoever else cancelled the task meanwhile is obeyed: then it is not the time that ended it.
        if self._is_over and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from fault

    def _end(self) -> None:
        self._is_over = True
        self._task.cancel()
