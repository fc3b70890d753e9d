"""A processor that one had to wait for is told apart from work that took long."""

from pathlib import Path

from benchmarks import starving


def test_adds_up_what_the_threads_of_a_process_stood_in_the_queue(tmp_path: Path) -> None:
    for thread, kept in {"7": "9000000000 2000000000 12\n", "8": "1 500000000 3\n"}.items():
        (tmp_path / "7" / "task" / thread).mkdir(parents=True)
        (tmp_path / "7" / "task" / thread / "schedstat").write_text(kept)

    assert starving.queued_seconds(7, processes=tmp_path) == 2.5


def test_knows_nothing_of_a_process_that_is_not_there(tmp_path: Path) -> None:
    assert starving.queued_seconds(7, processes=tmp_path) == 0
