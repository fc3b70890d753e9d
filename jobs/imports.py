"""Who brings in the lists of people that wait, and when?

Any process that is on duty, a chunk of each list in turn, so that a long list holds up neither a short one nor what
else an organization does. Everything that is known of a list is in its rows: whoever is stopped has forgotten nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import structlog

from auth.principal import Principal
from models import imports as rows
from models.sql import Client
from services import import_runs
from services.dispatch import Dispatcher, Request

BATCH = 100
POLL_SECONDS = 1.0
REQUEST_ID = "job-imports"
_log = structlog.get_logger("billgraph.imports")


class Importer:
    """Works through the lists of all organizations."""

    def __init__(self, reader: Client, dispatcher: Dispatcher, *, clock: Callable[[], datetime]) -> None:
        self._reader, self._dispatcher, self._clock = reader, dispatcher, clock
        self._stopping = asyncio.Event()

    async def carry_out(self) -> int:
        """Work through every list that waits, and return how many steps were taken.

        A list of which a step fails is left for another time, and does not hold up the others.
        """
        taken = 0
        failing: set[str] = set()
        while found := [place for place in await self._waiting() if place[1] not in failing]:
            for organization_id, import_id in found:
                if self._stopping.is_set():
                    return taken
                try:
                    await self._step(organization_id, import_id)
                    taken += 1
                except Exception:
                    failing.add(import_id)
                    _log.exception("a step of an import failed", organization_id=organization_id, import_id=import_id)
        return taken

    @asynccontextmanager
    async def on_duty(self) -> AsyncIterator[None]:
        """Work while the block runs; the step under way at its end is finished."""
        duty = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._stopping.set()
            await duty

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.carry_out()
            except Exception:  # whatever is wrong with the database now, the next look may find it mended
                _log.exception("imports could not be looked after")
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._stopping.wait()

    async def _waiting(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        while page := await rows.waiting(self._reader, after=found[-1][1] if found else "", limit=BATCH):
            found += page
        return found

    async def _step(self, organization_id: str, import_id: str) -> None:
        run = await rows.find(self._reader, organization_id, import_id)
        assert run is not None, "imports stay"
        if run.finished_at is None:
            command = import_runs.CarryOn(organization_id, import_runs.step_key(run), import_id, run.done)
            request = Request(Principal.system(organization_id), self._clock(), REQUEST_ID)
            await self._dispatcher.execute(import_runs.carry_on, command, request)
