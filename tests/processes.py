"""Processes and ports of servers that tests start: who belongs to whom, and signals to all."""

import os
import signal
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the ids of the processes that `pid` has started itself; none once it has ended."""
    with suppress(OSError):
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def state(pid: int) -> str:
    """Return the letter of a process's state (proc(5)), `X` if there is no such process."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "X"


def ended(pids: Iterable[int]) -> bool:
    """Tell whether all of them have ended, even if nobody has asked yet how."""
    return all(state(pid) in "XZ" for pid in pids)


def send(number: signal.Signals, pids: Iterable[int]) -> None:
    """Send a signal to each of the processes that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port of TCP on which nobody listens."""
    with socket.socket() as taken:
        taken.bind((address, 0))
        return int(taken.getsockname()[1])
