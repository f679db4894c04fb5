import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from writers.drawing import width
from writers.house import House
from writers.pictures import WAY, outdated, pictures, rooms, sources, way

ROOT = Path(__file__).parent.parent

ROOMS = {
    "words.py": "",
    "attic/__init__.py": "from small.cellar import wine",
    "cellar/__init__.py": "",
    "cellar/wine.py": "from small.words import red",
}
"""Two rooms, one above the other, on a ground of one module."""

SOURCES = """
from small.cellar import wine
from small.credentials.request import Request
from small.larder import bread

def from_bread(request: Request):
    return bread.slice(request.at_hand)

def from_wine(request: Request):
    return _poured()

def _poured():
    return wine.pour()

SOURCES: tuple = (("bread", from_bread), ("wine", from_wine),)
"""

REQUEST = """
from small.larder import table

class Request:
    @property
    def at_hand(self):
        return table.reach()
"""

STEPS = {
    "words.py": "",
    "hot.py": "",
    "__main__.py": "from small.cli import answer",
    "cli/__init__.py": "",
    "cli/answer.py": "from small.credentials import sources\nfrom small.protocols import smoke",
    "credentials/__init__.py": "",
    "credentials/request.py": REQUEST,
    "credentials/sources.py": SOURCES,
    "cellar/__init__.py": "from small.words import red",
    "cellar/wine.py": "",
    "larder/__init__.py": "",
    "larder/bread.py": "",
    "larder/table.py": "",
    "protocols/__init__.py": "",
    "protocols/smoke.py": "",
}
"""A `get` with two sources."""


def house(root: Path, files: Mapping[str, str]) -> House:
    """Return the package `small` that holds `files`; each says what it is for."""
    for name, text in files.items():
        path = root / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'"""The purpose of {name}."""\n{text}\n', encoding="utf-8")
    return House(root / "small")


def arrows(picture: str) -> int:
    return picture.count('class="arrow"')


def texts(picture: str) -> list[str]:
    return re.findall("<text.*>(.*)</text>", picture)


def test_pictures_are_current() -> None:
    assert outdated(ROOT) == [], "run scripts/house --write"


def test_pictures_that_are_missing_or_old_are_out_of_date(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/get.svg").write_text("old")

    assert outdated(tmp_path) == ["docs/house.svg", "docs/get.svg"]


def test_new_import_between_rooms_is_a_new_arrow(tmp_path: Path) -> None:
    before = rooms(house(tmp_path, ROOMS | {"attic/__init__.py": ""}))
    after = rooms(house(tmp_path, ROOMS))

    assert (arrows(before), arrows(after)) == (0, 1)


def test_new_room_stands_in_the_picture_with_its_purpose(tmp_path: Path) -> None:
    before = rooms(house(tmp_path, ROOMS))
    after = rooms(house(tmp_path, {"garden/__init__.py": "from small.attic import view"}))

    assert {*texts(after)} - {*texts(before)} >= {"garden", "The purpose of garden/__init__.py."}


def test_arrow_that_others_imply_is_small_print(tmp_path: Path) -> None:
    above = {"roof/__init__.py": "from small.attic import beam\nfrom small.cellar import wine"}

    picture = rooms(house(tmp_path, ROOMS | above))

    assert (arrows(picture), re.findall('"faint".*>(cellar)<', picture)) == (2, ["cellar"])


def test_source_uses_what_its_helpers_and_its_request_use(tmp_path: Path) -> None:
    assert sources(house(tmp_path, STEPS)) == {
        "bread": {"small.larder.bread", "small.larder.table"},
        "wine": {"small.cellar.wine"},
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return _poured()", "return _poured() or bread.toast()"),
        (
            '("bread", from_bread), ("wine", from_wine)',
            '("wine", from_wine), ("bread", from_bread)',
        ),
        ('("bread", from_bread), ', ""),
    ],
)
def test_another_module_order_or_source_changes_the_way(old: str, new: str, tmp_path: Path) -> None:
    before = way(house(tmp_path, STEPS))
    changed = {"credentials/sources.py": SOURCES.replace(old, new)}

    assert way(house(tmp_path, changed)) != before


def test_every_step_after_the_doors_is_imported_by_one_before() -> None:
    package = House()
    steps = [f"hexauth.{name}" for name in WAY]
    doors = 2  # whoever starts a program imports these

    for number, step in enumerate(steps[doors:], doors):
        assert step in set().union(*map(package.neighbors, steps[:number]))


@pytest.mark.parametrize("name", pictures())
def test_no_text_runs_out_of_the_page(name: str) -> None:
    page = ElementTree.fromstring(pictures()[name])  # noqa: S314  (it is our own)
    edge = float(page.attrib["viewBox"].split()[2])
    starting = [
        (float(each.attrib["x"]), each.text or "", each.attrib["class"])
        for each in page.iter("{http://www.w3.org/2000/svg}text")
        if each.attrib["text-anchor"] == "start"
    ]

    assert [text for x, text, kind in starting if x + width(text, kind) > edge] == []


def test_design_shows_the_pictures_and_lists_the_rooms_from_the_roof_down() -> None:
    package = House()
    ground, *floors = package.floors()
    inside = [f"{room}/" for floor in reversed(floors) for room in floor]
    design = (ROOT / "docs/design.md").read_text("utf-8")

    assert re.findall(r"\]\((\w+\.svg)\)", design) == ["house.svg", "get.svg"]
    assert re.findall(r"^\| `(\S+)`", design, re.MULTILINE) == [
        "__main__",
        "library",
        *inside,
        *ground,
    ]
