"""Whatever happens, a crowd is asked once: the short form of `sh scripts/stress 100`."""

from pathlib import Path

import pytest

from tests.stress.cases import CASES, Case, run

SIZE = 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_crowd_is_asked_once(case: Case, tmp_path: Path) -> None:
    assert run(case, SIZE, tmp_path) == case.expected(SIZE)
