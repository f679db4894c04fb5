"""The plan of the house: who may import whom, and how large a room may be."""

import ast
from graphlib import TopologicalSorter

import pytest

from writers.house import House, executed

FLOORS = (
    ("errors", "hex", "hot", "lean_json", "model"),
    ("machine", "protocols"),
    ("screen", "tools", "world"),
    ("memory",),
    ("vault",),
    ("servers",),
    ("login",),
    ("credentials",),
    ("doctor", "library", "proxy", "sandbox"),
    ("cli",),
)
"""From the ground up: what stands on a floor imports from lower floors alone."""

DOORS = ("", "__main__")
"""Above all floors: the package hands out what programs use, `__main__` what people type."""

ALLOWED = {
    ("", "library"): "the package hands it on when it is asked for",
    ("cli", "sandbox"): "its command alone",
    ("hex", "model"): "both are the ground",
    ("hot", "machine"): "only a `get` that waits imports the lock that it waits for",
}
"""What else may be imported, and why."""

ALONE = {
    "hot": {"machine"},
    "machine": {"errors"},
    "protocols": {"", "errors", "lean_json", "model"},
    "sandbox": {"errors", "hex"},
    "screen": {"machine"},
    "tools": {"errors", "machine", "model", "protocols"},
}
"""Rooms that get along with these others."""

TOP = 8
"""The most modules that may stand outside the rooms."""

HEAVY = {"click", "requests", "keyring", "portalocker", "cryptography", "flask", "jeepney"}
"""Packages that take so long to import that only those who need them may pay."""

PAYS = ("hexauth.cli", "hexauth.sandbox", "hexauth.credentials.http_auth")
"""Where they are imported at once: whoever comes there needs them."""

LINES = 300

HOUSE = House()

every_module = pytest.mark.parametrize("module", HOUSE.trees)


def floor(room: str) -> int:
    """Return the number of the floor that `room` is on; doors are above them all."""
    return next((n for n, rooms in enumerate(FLOORS) if room in rooms), len(FLOORS))


def test_every_module_is_in_a_room_or_is_one_of_few_at_the_top() -> None:
    known = {*DOORS, *(room for rooms in FLOORS for room in rooms)}

    assert {HOUSE.room(module) for module in HOUSE.trees} == known
    assert len(known - set(HOUSE.rooms)) <= TOP


def test_imports_between_rooms_point_downwards() -> None:
    upwards = {(up, low) for up, low in HOUSE.arrows() if low and floor(up) <= floor(low)}

    assert upwards <= set(ALLOWED)


def test_floors_are_no_more_than_the_imports_make() -> None:
    """What the table says of the rooms is what counting says, but for those that stand beside."""
    counted = [[room for room in rooms if room != "sandbox"] for rooms in HOUSE.floors()]

    assert counted == [
        [room for room in rooms if room not in ("library", "sandbox")] for rooms in FLOORS
    ]


def test_no_modules_need_each_other() -> None:
    inside = [module for module in HOUSE.trees if module != HOUSE.package]
    order = TopologicalSorter({module: HOUSE.neighbors(module) for module in inside})

    assert set(inside) <= set(order.static_order())


@pytest.mark.parametrize("name", ALONE)
def test_room_gets_along_without_the_rest(name: str) -> None:
    assert {low for up, low in HOUSE.arrows() if up == name} <= ALONE[name]


@pytest.mark.parametrize("room", ["doctor", "sandbox"])
def test_room_is_entered_by_its_command_alone(room: str) -> None:
    entering = {
        module for module in HOUSE.trees if room in map(HOUSE.room, HOUSE.neighbors(module))
    }

    assert {each for each in entering if HOUSE.room(each) != room} <= {f"hexauth.cli.{room}"}


@every_module
def test_heavy_packages_are_imported_where_they_are_used(module: str) -> None:
    """Python's start-up is the product's speed."""
    at_start = {name.partition(".")[0] for name in HOUSE.imports(executed(HOUSE.trees[module]))}

    assert module.startswith(PAYS) or at_start & HEAVY == set()


def test_package_itself_imports_nothing() -> None:
    """Its `TYPE_CHECKING` is its own, as importing `typing` takes time."""
    assert list(HOUSE.imports(executed(HOUSE.trees["hexauth"]))) == []


@every_module
def test_module_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(HOUSE.trees[module])


@every_module
def test_module_fits_into_one_head(module: str) -> None:
    assert len(HOUSE.files[module].read_text("utf-8").splitlines()) <= LINES
