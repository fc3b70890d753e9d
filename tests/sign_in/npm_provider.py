"""`oidc-provider` from npm, running beside the test, and told over its standard input what to be."""

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "provider"
SECONDS_MAX = 20


class NpmProvider:
    """A running provider."""

    def __init__(self, process: asyncio.subprocess.Process, issuer: str) -> None:
        self._process = process
        self.issuer = issuer

    async def tell(self, **changes: Any) -> None:
        """Make it what it shall be: `clients`, `people` by subject, or `rotate` for new keys."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(changes).encode() + b"\n")
        assert await _line(self._process) == "ready"


@asynccontextmanager
async def npm_provider() -> AsyncIterator[NpmProvider]:
    """Run a provider while the block lasts."""
    _install()
    process = await asyncio.create_subprocess_exec(
        "node",
        "provider.mjs",
        cwd=FOLDER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield NpmProvider(process, await _line(process))
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(SECONDS_MAX):
        line = (await process.stdout.readline()).decode().strip()
    assert line, f"the provider ended: {process.returncode}"
    return line


def _install() -> None:
    """Install the pinned packages, once for all workers of a run."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        reason = "npm is not installed, so there is no oidc-provider to sign in with"
        if os.environ.get("BILLGRAPH_TEST_NPM") == "required":
            pytest.fail(reason)
        pytest.skip(reason)  # nobody here may stand in for it; .ci/run sets BILLGRAPH_TEST_NPM, and then it fails
    with open(FOLDER / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed = FOLDER / "node_modules" / ".package-lock.json"
        if installed.exists() and installed.stat().st_mtime >= (FOLDER / "package-lock.json").stat().st_mtime:
            return
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=FOLDER, check=True)
