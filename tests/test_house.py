"""The plan of the house: who may import whom, and how large a room may be."""

import ast
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "hexauth"

FLOORS = (
    {"", "clock", "errors", "model", "turn"},
    {"hot"},
    {"hex", "memory", "mutex", "system", "urls"},
    {"config", "git_config", "protocols"},
    {"http", "repositories", "sandbox", "journal", "vault"},
    {"oauth", "targets"},
    {"discovery"},
    {"device", "world", "cache"},
    {"servers"},
    {"accounts"},
    {"tokens"},
    {"attempt"},
    {"keys", "session", "stored"},
    {"login", "search"},
    {"resolve"},
    {"authenticate", "library", "setup"},
    {"imports"},
    {"cli"},
    {"__main__"},
)
"""From the ground up: a room imports from lower floors alone. A folder is one room."""

SELF_CONTAINED = {
    "": set[str](),
    "hot": {"turn"},
    "turn": set[str](),
    "protocols": {"", "errors", "model"},
    "sandbox": {"", "errors", "hex", "model"},
}
"""Rooms that get along with these others."""

HEAVY = {"click", "requests", "keyring", "portalocker", "cryptography", "flask", "jeepney"}
"""Packages that take so long to import that only those who need them may pay."""

LINES = 320


def _name(path: Path) -> str:
    """Return a module's name as imports write it; a package goes by its folder's."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = sorted(ROOT.rglob("*.py"))
MODULES = {_name(path): ast.parse(path.read_text("utf-8")) for path in FILES}

every_module = pytest.mark.parametrize("module", MODULES)


def imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield what `nodes` import; of our own, modules rather than the names in them."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            names = [f"{base}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else base for name in names)


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when their module is imported."""
    for child in ast.iter_child_nodes(node):
        is_typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        if not is_typing and not isinstance(child, ast.FunctionDef | ast.Lambda):
            yield child
            yield from executed(child)


def neighbors(module: str) -> set[str]:
    """Return the modules of ours that `module` imports, wherever in it."""
    found = set(imported(ast.walk(MODULES[module])))
    # The package hands on what programs use, and is not above those rooms for that.
    return {name for name in found if name.partition(".")[0] == "hexauth" and module != "hexauth"}


def room(module: str) -> str:
    """Return the part of the house that a module belongs to: `vault` for `hexauth.vault.file`."""
    return f"{module}.".split(".")[1]


def floor(module: str) -> int:
    """Return the number of the floor that `module` is on; FLOORS must say."""
    return next(number for number, rooms in enumerate(FLOORS) if room(module) in rooms)


def test_every_room_has_a_floor() -> None:
    assert {room(module) for module in MODULES} <= set[str]().union(*FLOORS)


@every_module
def test_imports_point_downwards(module: str) -> None:
    others = {other for other in neighbors(module) if room(other) != room(module)}

    assert {other for other in others if floor(other) >= floor(module)} == set()


def test_no_modules_need_each_other() -> None:
    order = TopologicalSorter({module: neighbors(module) for module in MODULES})

    assert set(order.static_order()) == set(MODULES)


@pytest.mark.parametrize("name", SELF_CONTAINED)
def test_room_gets_along_without_the_rest(name: str) -> None:
    inside = [module for module in MODULES if room(module) == name]
    needed = {room(other) for module in inside for other in neighbors(module)}

    assert needed <= SELF_CONTAINED[name] | {name}


def test_sandbox_is_entered_by_its_command_alone() -> None:
    entering = {module for module in MODULES if "sandbox" in map(room, neighbors(module))}

    assert {module for module in entering if room(module) != "sandbox"} <= {"hexauth.cli.sandbox"}


@every_module
def test_heavy_packages_are_imported_where_they_are_used(module: str) -> None:
    """Python's start-up is the product's speed."""
    at_start = {name.partition(".")[0] for name in imported(executed(MODULES[module]))}

    assert room(module) in ("authenticate", "cli", "sandbox") or at_start & HEAVY == set()


def test_package_itself_imports_nothing() -> None:
    """Its `TYPE_CHECKING` is its own, as importing `typing` takes time."""
    assert list(imported(executed(MODULES["hexauth"]))) == []


@every_module
def test_module_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(MODULES[module])


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_module_fits_into_one_head(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LINES
