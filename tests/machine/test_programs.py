import os
import subprocess
import sys
from pathlib import Path

import pytest

from hexauth.machine.programs import find_program, printed


def script(path: Path, text: str = "") -> Path:
    """Write a program in sh."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", ["./tool", "../bin/tool", "bin/tool", "bin/../tool", ""])
def test_program_is_named_without_a_folder(name: str, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "tool")

    assert find_program(name, {"PATH": str(tmp_path / "bin")}) is None


@pytest.mark.parametrize("folder", ["", ".", "bin", "./bin"])
def test_program_is_never_found_below_the_current_folder(folder: str, tmp_path: Path) -> None:
    """A cloned repository may hold a program of any name."""
    script(tmp_path / "bin" / "tool")
    script(tmp_path / "tool")
    code = "import sys; from hexauth.machine.programs import find_program as find; "
    code += "print(find('tool', {'PATH': sys.argv[1]}))"

    done = subprocess.run(
        [sys.executable, "-c", code, f"{folder}{os.pathsep}/nonexistent"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )

    assert done.stdout == b"None\n"


def test_program_is_found_in_the_first_absolute_folder_that_has_it(tmp_path: Path) -> None:
    path = os.pathsep.join(["", "bin", str(tmp_path / "a"), str(tmp_path / "b")])
    wanted = script(tmp_path / "b" / "tool")

    assert find_program("tool", {"PATH": path}) == str(wanted)


def test_program_with_an_absolute_path_must_be_executable(tmp_path: Path) -> None:
    path = script(tmp_path / "tool")
    before = find_program(str(path), {})
    path.chmod(0o644)

    assert (before, find_program(str(path), {})) == (str(path), None)


def test_what_a_program_prints_is_read_whole(tmp_path: Path) -> None:
    tool = script(tmp_path / "tool", 'echo "$A"; head -c 200000 /dev/zero; echo lost >&2; cat')

    found = printed([str(tool)], {"A": "b", "PATH": os.defpath}, 20)

    assert (found[:2], len(found)) == (b"b\n", 200_002)


def test_a_program_that_takes_too_long_has_printed_nothing(tmp_path: Path) -> None:
    tool = script(tmp_path / "tool", f"echo $$ > {tmp_path}/pid; echo early; exec sleep 100")

    assert printed([str(tool)], {"PATH": os.defpath}, 0.5) == b""
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_a_program_that_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        printed([str(tmp_path / "tool")], {}, 1)


def test_windows_has_its_own_way_to_read_a_program() -> None:
    words = [sys.executable, "-c", "print(1)"]

    assert printed(words, dict(os.environ), 20, platform="win32").split() == [b"1"]
    assert printed([*words[:2], "import time; time.sleep(60)"], {}, 0.2, platform="win32") == b""
