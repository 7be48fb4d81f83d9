"""The plan of the rooms, held: who imports whom, how long a file may be; configs and README name what is there."""

import ast
import inspect
import json
import pydoc
import re
import warnings
from importlib import import_module
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "custom"
CONFIGS = sorted((REPOSITORY / "bundle" / "configs").glob("*.json"))
FILES = sorted(PACKAGE.rglob("*.py"))

# A file imports only from a room of a lower rank or from its own room. Files at the top are rooms by themselves.
RANK = {
    **dict.fromkeys(["checks", "place", "files"], 0),
    "geometry": 1,
    **dict.fromkeys(["targets", "drawing"], 2),
    **dict.fromkeys(["data", "transforms", "networks", "losses", "metrics"], 3),
    **dict.fromkeys(["training", "inference"], 4),
    "report": 5,
    "recipes": 6,
    "commands": 7,
    "__main__": 8,
}
NEIGHBOURS = {("place", "checks"), ("files", "checks")}
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 50
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
CONFIG_WORDS = {"_target_", "_disabled_", "_requires_", "_desc_", "_mode_"}


def name_of(path):
    return str(path.relative_to(REPOSITORY))


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def each_file(function):
    return pytest.mark.parametrize("path", FILES, ids=name_of)(function)


def rooms_imported(path, tree):
    """The rooms that a file's relative imports reach, with the line of each."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.relative_to(PACKAGE).parts[: -node.level]
            steps = (*base, *(node.module.split(".") if node.module else ()))
            # `from .. import checks` at the top names rooms, `from .. import __version__` none
            rooms = steps[:1] or [alias.name for alias in node.names if not alias.name.startswith("__")]
            yield from ((room, node.lineno) for room in rooms)


def test_rooms_are_read_from_imports():
    tree = ast.parse(
        "from ..checks import a\nfrom . import b\nfrom ..losses.c import d\nfrom .. import place\nimport os"
    )
    found = list(rooms_imported(PACKAGE / "report" / "x.py", tree))
    assert found == [("checks", 1), ("report", 2), ("losses", 3), ("place", 4)]
    deeper = ast.parse("from ...checks import a\nfrom ..mixture import b")
    assert list(rooms_imported(PACKAGE / "networks" / "m" / "x.py", deeper)) == [("checks", 1), ("networks", 2)]


@each_file
def test_imports_go_down_only(path):
    room = room_of(path)
    if room == "__init__":
        assert not list(rooms_imported(path, ast.parse(path.read_text())))
        return
    assert room in RANK, f"{name_of(path)}: a room that the plan does not know"
    for target, line in rooms_imported(path, ast.parse(path.read_text())):
        allowed = target == room or RANK[target] < RANK[room] or (room, target) in NEIGHBOURS
        assert allowed, f"{name_of(path)}:{line}: {room} (rank {RANK[room]}) imports {target} (rank {RANK[target]})"


@each_file
def test_imports_are_relative_and_at_the_top(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        assert not {"custom", "tests"} & {name.split(".")[0] for name in names}, f"{name_of(path)}:{node.lineno}"
        if isinstance(node, FUNCTIONS):
            hidden = [child.lineno for child in ast.walk(node) if isinstance(child, (ast.Import, ast.ImportFrom))]
            assert not hidden, f"{name_of(path)}:{hidden[0]}: an import inside {node.name}"


@each_file
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES, name_of(path)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FUNCTIONS):
            lines = node.end_lineno - node.lineno + 1
            assert lines <= MOST_LINES_OF_A_FUNCTION, f"{name_of(path)}:{node.lineno}: {node.name} has {lines} lines"


def components(node, where=""):
    """Each dict with a `_target_` in a config, with its place."""
    if isinstance(node, dict) and "_target_" in node:
        yield where, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from components(child, f"{where}#{key}".lstrip("#"))


def located(target):
    """The class or function that MONAI takes for a `_target_`: of its own by a bare name, else by the full path."""
    bundle = import_module("monai.bundle")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two MONAI components of one name it takes the first
        item = bundle.ConfigComponent(config={"_target_": target}, id="", locator=bundle.ComponentLocator())
        return pydoc.locate(item.resolve_module_name())


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_configs_name_what_is_there_and_what_it_takes(path):
    wrong = []
    for where, node in components(json.loads(path.read_text())):
        target = node["_target_"]
        if target.startswith(("$", "@")):
            continue
        found = located(target)
        if found is None:
            wrong.append(f"{where}: no {target}")
            continue
        parameters = inspect.signature(found).parameters
        takes_anything = any(p.kind == p.VAR_KEYWORD for p in parameters.values())
        given = set(node) - CONFIG_WORDS
        if given - set(parameters) and not takes_anything:
            wrong.append(f"{where}: {target} takes no {', '.join(sorted(given - set(parameters)))}")
        optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        needed = {name for name, p in parameters.items() if p.default is p.empty and p.kind not in optional}
        if needed - given and node.get("_mode_", "default") == "default":
            wrong.append(f"{where}: {target} needs {', '.join(sorted(needed - given))}")
    assert not wrong, "; ".join(wrong)


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_the_imports_of_configs_work(path):
    config = json.loads(path.read_text())
    for line in config.get("imports", []) + config.get("+imports", []):
        exec(line.removeprefix("$"), {})


def test_the_map_has_a_line_for_every_file_and_no_other():
    text = (REPOSITORY / "docs" / "map.md").read_text()
    listed = re.findall(r"^- `(custom/[\w/.]+\.py)`: \S", text, flags=re.MULTILINE)
    files = [name_of(path) for path in FILES if path.stem != "__init__"]
    assert sorted(listed) == sorted(files)
