"""docs/threats.md names tests: they are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

TEXT = (ROOT / "docs" / "threats.md").read_text("utf-8") + (ROOT / "SECURITY.md").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(tests/[^`]+)`", TEXT))))
def test_what_shows_a_defense_is_there(name: str) -> None:
    path, _, test = name.partition("::")

    assert (ROOT / path).exists()
    assert not test or f"\ndef {test}(" in (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`sh (scripts/\w+)", TEXT))))
def test_scripts_that_are_named_are_there(name: str) -> None:
    assert (ROOT / name).is_file()


def test_each_row_names_what_shows_it() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and line.count("|") == 4]
    named = [row for row in rows if "`tests/" in row]

    assert len(named) >= 15
    assert {row for row in rows if "shown by" not in row and "---" not in row} == set(named)
