"""Folders in memory, and which are trusted."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hexauth.memory.folder import MOST, is_in_memory, memory_folder, prune

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="such folders are Linux's")


@pytest.fixture
def runtime() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hx-test-", dir="/dev/shm") as folder:
        yield Path(folder)


def test_folder_is_made_for_the_user_alone(runtime: Path) -> None:
    found = memory_folder({"XDG_RUNTIME_DIR": str(runtime)})

    assert found == str(runtime / "hexauth")
    assert Path(found).stat().st_mode & 0o777 == 0o700


def test_folder_that_others_may_enter_is_passed_over(runtime: Path) -> None:
    (runtime / "hexauth").mkdir(mode=0o755)

    assert memory_folder({"XDG_RUNTIME_DIR": str(runtime)}) != str(runtime / "hexauth")


def test_folder_on_a_disk_is_passed_over(runtime: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as disk:
        found = memory_folder({"XDG_RUNTIME_DIR": disk})

    assert found is None or not found.startswith(disk)


@pytest.mark.parametrize(("kind", "expected"), [("tmpfs", True), ("ramfs", True), ("ext4", False)])
def test_kind_of_file_system_tells(kind: str, expected: bool, tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text(f"22 1 0:41 / /x rw shared:5 - {kind} none rw\n")

    assert is_in_memory(41, str(tmp_path / "mounts")) is expected


def test_file_system_that_is_not_listed_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text("")

    assert not is_in_memory(41, str(tmp_path / "mounts"))


def test_files_from_the_future_do_not_outlive_new_ones(tmp_path: Path) -> None:
    """They were written before the clock was set back, and would be the newest for long."""
    for number in range(MOST):
        (tmp_path / f"future {number}").touch()
        os.utime(tmp_path / f"future {number}", (time.time() + 86400,) * 2)
    (tmp_path / "new").touch()

    prune(str(tmp_path))

    assert (tmp_path / "new").exists()
    assert len(list(tmp_path.iterdir())) == MOST
