"""The programs that have led to this process: each the parent of the one before it."""

import os
import sys
from contextlib import suppress
from pathlib import Path

DEPTH = 32
"""How many generations are looked at."""

Command = tuple[str, ...]
"""What a program was started with: its own name first."""


def lineage(
    pid: int = 0, platform: str = sys.platform, proc: Path = Path("/proc")
) -> list[Command]:
    """Return the commands of the process `pid` and its parents, the nearest first.

    If that is 0, they are the parents of this process.
    Nothing where that cannot be known: on Windows, or if /proc is closed (proc(5), `hidepid`). What
    a command holds may be secret: it is not for showing as it is.
    """
    if platform == "win32":
        return []
    pid = pid or os.getppid()
    return _from_ps(pid) if platform == "darwin" else _from_proc(proc, pid)


def _from_proc(proc: Path, pid: int) -> list[Command]:
    found = list[Command]()
    with suppress(OSError, ValueError, IndexError):
        while pid > 1 and len(found) < DEPTH:
            words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")[:-1]
            found.append(tuple(word.decode("utf-8", "replace") for word in words))
            # The name, in brackets, may hold anything; then come the state and the parent.
            state = (proc / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
            pid = int(state[1])
    return found


def _from_ps(pid: int) -> list[Command]:
    import subprocess

    with suppress(OSError, ValueError, subprocess.SubprocessError):
        done = subprocess.run(
            ["/bin/ps", "-A", "-o", "pid=,ppid=,command="],
            capture_output=True,
            check=True,
            timeout=1,
        )
        return ascending(done.stdout.decode("utf-8", "replace"), pid)
    return []


def ascending(table: str, pid: int) -> list[Command]:
    """Return the commands of `pid` and its parents from what ps(1) prints of all processes."""
    rows = {row[0]: row[1:] for line in table.splitlines() if len(row := line.split()) > 2}
    found = list[Command]()
    while pid > 1 and str(pid) in rows and len(found) < DEPTH:
        parent, *command = rows[str(pid)]
        found.append(tuple(command))
        pid = int(parent)
    return found
