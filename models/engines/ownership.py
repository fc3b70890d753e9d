"""Who may speak on a connection that is inside a transaction?

Only the task that opened it. A task started inside a transaction would inherit it, write into it late and join
somebody else's rollback, so a second task is refused at the first statement.
"""

import asyncio


class ForeignTask(RuntimeError):
    """A task other than the one that opened a transaction tried to use it: a programming error."""


class Owned:
    """Mixin of a transaction's client: remembers its task."""

    _task: asyncio.Task[object] | None

    def claim(self) -> None:
        """Remember the running task as the only one allowed here."""
        self._task = asyncio.current_task()

    def check_owner(self) -> None:
        """Raise `ForeignTask` unless the running task opened this transaction."""
        if asyncio.current_task() is not self._task:
            raise ForeignTask("a transaction is used by the task that opened it, and by no other")
