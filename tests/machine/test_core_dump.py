import resource
import subprocess
import sys

from hexauth.machine import core_dump

SEE = """
import ctypes, resource
from hexauth.machine import core_dump
def see():
    print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))
"""


def seen(code: str) -> list[list[int]]:
    """Return whether a program can be dumped, and how large the dump may be, wherever it looks."""
    done = subprocess.run([sys.executable, "-c", SEE + code], capture_output=True, check=True)
    return [[int(word) for word in line.split()] for line in done.stdout.decode().splitlines()]


def test_a_process_that_forbids_it_leaves_no_core_dump() -> None:
    before, after = seen("see(); core_dump.forbid(); see()")

    assert before[0] == 1
    assert after == [0, 0, before[2]]


def test_the_limit_comes_back_for_the_program_that_takes_its_place() -> None:
    before, after = seen("see(); core_dump.forbid(); core_dump.forbid(); core_dump.allow(); see()")

    assert after[1:] == before[1:]


def test_nothing_to_forbid_is_nothing_to_allow() -> None:
    before, after = seen("see(); core_dump.allow(); see()")

    assert before == after


def test_windows_has_none() -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)

    core_dump.forbid("win32")

    assert resource.getrlimit(resource.RLIMIT_CORE) == before


def test_another_program_can_be_dumped_again() -> None:
    """execve(2) makes a process dumpable; the memory that it had is gone."""
    next_one = [sys.executable, "-c", SEE + "see()"]

    (after,) = seen(
        "core_dump.forbid(); core_dump.allow()\n"
        f"import os, sys; os.execv(sys.executable, {next_one!r})"
    )

    assert after == [1, *resource.getrlimit(resource.RLIMIT_CORE)]
