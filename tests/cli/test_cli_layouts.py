"""What people see at narrow, usual and wide terminals, kept as text; `python -m tests.stage`."""

from pathlib import Path

import pytest

from hexauth.screen.layout import cells
from tests.stage import FOLDER, SCENES, texts


@pytest.mark.parametrize("scene", SCENES)
def test_screens_are_as_they_were_looked_at(scene: str) -> None:
    kept = {path.name: path.read_text("utf-8") for path in FOLDER.glob(f"{scene}-[0-9]*.txt")}

    assert texts(scene) == kept


def test_nothing_kept_is_of_no_scene() -> None:
    names = {path.name.rpartition("-")[0] for path in FOLDER.iterdir()}

    assert names == set(SCENES)


@pytest.mark.parametrize("scene", SCENES)
def test_a_very_wide_terminal_takes_fewer_lines_for_the_same_words(scene: str) -> None:
    (wide,) = texts(scene, (200,)).values()
    kept = (FOLDER / f"{scene}-120.txt").read_text("utf-8")

    assert wide.split() == kept.split()
    assert len(wide.splitlines()) <= len(kept.splitlines())
    assert max(map(cells, wide.splitlines())) <= 200


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.stem)
def test_lines_fit(path: Path) -> None:
    """One that is wider has a single word, which nobody may split."""
    width = int(path.stem.rpartition("-")[2])
    wide = [line for line in path.read_text("utf-8").splitlines() if cells(line) > width]

    assert [line for line in wide if len(line.lstrip("# ").split()) > 1] == []
