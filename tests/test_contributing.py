"""The map of the house: what it names is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in (ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and ".py`" in line
]


def names(path: Path) -> set[str]:
    """Return what a module defines, methods too."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return {
        name
        for node in nodes
        if isinstance(name := getattr(node, "name", getattr(node, "id", None)), str)
    }


def test_map_answers_these_questions() -> None:
    assert len(ROWS) == 16


@pytest.mark.parametrize(("question", "files", "found"), ROWS, ids=[row[0] for row in ROWS])
def test_map_leads_to_what_is_there(question: str, files: str, found: str) -> None:
    """At most two files answer a question, and each has one of the names that are told."""
    paths = [ROOT / "hexauth" / name for name in re.findall(r"`([\w/]+\.py)`", files)]
    told = {name for name in re.findall(r"`(_?[A-Za-z]\w+)`", found) if not name.endswith("_key")}
    known = [names(path) for path in paths]

    assert 1 <= len(paths) <= 2
    assert all(each & told for each in known), question
    assert told <= set[str]().union(*known)
