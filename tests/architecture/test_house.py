"""The house: what the import contracts cannot say."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("api", "auth", "billing", "documents", "events", "jobs", "models", "resolvers", "schema", "services")
MODULES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py") if "node_modules" not in path.parts)
CLOCK_READERS = {"api", "jobs"}
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 350
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "base"}


def floor_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def calls(tree: ast.AST) -> list[str]:
    return [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_keeps_the_house_rules(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = calls(tree)

    assert path.stem not in FORBIDDEN_NAMES, "a file is named for its concept"
    assert ast.get_docstring(tree), "a module says what question it answers"
    if floor_of(path) not in CLOCK_READERS:
        clocks = [name for name in called if re.search(r"(datetime\.now|utcnow|date\.today|time\.time)$", name)]
        assert not clocks, f"only api and jobs read the clock: {clocks}"
    if path != ROOT / "api" / "settings.py":
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"os\.environ|os\.getenv|getenv\(", source), "only api/settings.py reads the environment"
    if floor_of(path) == "billing":
        floats = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is float]
        assert not floats, "a float touches money"
        assert "float" not in called, "a float touches money"


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} {node.end_lineno - node.lineno + 1}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    ]

    assert long == []


def test_no_file_holds_more_than_one_can_read() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}

    assert {
        path: lines for path, lines in lengths.items() if lines > FILE_LINES_MAX and "migrations" not in path.parts
    } == {}


def test_the_tree_names_no_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    suspicious = re.compile(r"/(?:work|home/\w+|Users/\w+)/")
    found = [
        name
        for name in tracked
        if not name.endswith((".json", ".txt"))
        and (ROOT / name).is_file()
        and name != "tests/architecture/test_house.py"
        and suspicious.search((ROOT / name).read_text(encoding="utf-8", errors="ignore"))
    ]

    assert found == []


def test_the_command_and_the_distribution_share_a_name() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert 'name = "billgraph"' in project
    assert 'billgraph = "api.cli:main"' in project


def test_decisions_are_numbered_in_one_line_and_listed_once() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = sorted(path.name for path in folder.glob("[0-9]*.md"))
    listed = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\)", (folder / "README.md").read_text(), re.MULTILINE)

    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))
    assert listed == [(name[:4], name) for name in pages]
    for name in pages:
        assert (folder / name).read_text().startswith(f"# {name[:4]} "), name
