"""Migrations form one line: whoever is anywhere on it knows what comes next."""

import importlib
import re
from itertools import pairwise
from pathlib import Path

from models import migrations

NAMES = sorted(path.stem for path in Path(migrations.__file__).parent.glob("[0-9]*.py"))


def test_no_number_is_left_out_or_used_twice() -> None:
    numbers = [int(name[:4]) for name in NAMES]

    assert numbers == list(range(1, len(numbers) + 1))
    assert all(re.fullmatch(r"\d{4}_[a-z_]+", name) for name in NAMES)


def test_each_follows_the_one_before_it() -> None:
    follows = {
        name: [before for _, before in importlib.import_module(f"models.migrations.{name}").Migration.dependencies]
        for name in NAMES
    }

    assert follows[NAMES[0]] == []
    assert [follows[after] for _, after in pairwise(NAMES)] == [[before] for before, _ in pairwise(NAMES)]
