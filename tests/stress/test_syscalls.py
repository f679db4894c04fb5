"""Every write may be cut off, or fail: the short form of `sh scripts/kill`."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import need
from tests.stress.syscalls import COMMANDS, Cutter, Point, pick

SAMPLE, SEED = 3, 1
"""How many calls of each command, and what picks them; `sh scripts/kill` tries all of them."""


@pytest.mark.parametrize("faults", [False, True], ids=["killed", "failing"])
@pytest.mark.parametrize("name", COMMANDS)
def test_secrets_outlive_any_system_call(name: str, faults: bool, tmp_path: Path) -> None:
    need("strace", "strace")
    cutter = Cutter(name, tmp_path)

    picked = pick(cutter.points(faults=faults), SAMPLE, SEED)
    outcomes = [cutter.cut(point) for point in picked]

    wrong = {each.point.injection: each.wrong for each in outcomes if each.wrong}
    assert wrong == {}, f"`sh scripts/kill '{name}' --sample {SAMPLE} --seed {SEED}` repeats it"
    assert any(each.reached for each in outcomes)


def test_token_outlives_a_disk_that_breaks_before_the_first_write(tmp_path: Path) -> None:
    """The server has spent the one before, so it is kept in memory."""
    need("strace", "strace")

    outcome = Cutter("get", tmp_path).cut(Point("truncate", 1, "EIO"))

    assert (outcome.reached, outcome.wrong) == (True, [])


def test_file_and_its_name_reach_the_disk(tmp_path: Path) -> None:
    """The file before it gets its name; its folder after that (fsync(2))."""
    need("strace", "strace")

    names = " ".join(point.name for point in Cutter("store", tmp_path).points())

    assert "fsync fchmod renameat fsync" in names


@pytest.mark.parametrize("error", ["ENOSPC", "EDQUOT", "EIO"])
def test_another_program_s_file_that_cannot_be_written_is_named(error: str, tmp_path: Path) -> None:
    need("strace", "strace")

    cutter = Cutter("setup", tmp_path)
    point = next(each for each in cutter.points(faults=True) if each.name == "write")
    outcome = cutter.cut(replace(point, error=error))

    assert (outcome.reached, outcome.wrong) == (True, [])
