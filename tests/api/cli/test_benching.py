"""`billgraph bench` is offered where the benchmarks are, and says so where they are not."""

from pathlib import Path

import pytest

from api.cli import benching


def test_lists_the_proofs_in_a_checkout(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        benching.run(["--help"])

    assert ended.value.code == 0
    offered = capsys.readouterr().out
    assert all(name in offered for name in ("alerts", "close", "fan-out", "kills", "limits"))


def test_says_what_is_missing_where_there_is_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(benching.NoBenchmarks, match="run this in a checkout"):
        benching.run(["close"], checkout=tmp_path)
