"""Many processes at once, until the last of them has ended."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.measure import crowd
from bench.programs import BARE, GET, Home, forget
from hexauth.machine.mutex import Mutex
from hexauth.sandbox.faults import parse
from tests.stress.gate import gate
from tests.waiting import until

HITS, REFRESH = "hits", "a rejected token, an empty cache and a refresh of 0.3 s"

WAITER = """
import sys, time
from pathlib import Path
from hexauth.machine.mutex import Mutex
path = Path(sys.argv[1])
for _ in range(int(sys.argv[2])):
    sys.stdin.readline()
    with Mutex(path).held(60, lambda: None):
        print(time.monotonic_ns(), flush=True)
"""

Act = Callable[[int], float]
"""Lets a crowd of a given size do something; returns the milliseconds that it took."""


def acts(home: Home, other: Home) -> Mapping[str, Act]:
    """Return what crowds do, by name; `other` has its secrets in a plain file."""
    return {
        BARE: lambda size: crowd(home.bare(), size),
        HITS: lambda size: hits(home, size),
        REFRESH: lambda size: rejected(home, size),
        "a refresh that met a 503, Secret Service": lambda size: unavailable(home, size),
        "a refresh that met a 503, file vault": lambda size: unavailable(other, size),
        "nobody logged in, Secret Service": lambda size: strangers(home, size),
        "nobody logged in, file vault": lambda size: strangers(other, size),
    }


def hits(home: Home, size: int) -> float:
    """Return how long a crowd takes whose token is in memory."""
    home.run(*GET)
    return crowd(home.program("hits", "hexauth", "get", given=home.request), size)


def rejected(home: Home, size: int) -> float:
    """Return how long a crowd takes that finds its token rejected, and no cache at all."""
    home.reject()
    home.sandbox.faults.add(parse("slow:0.3@refresh"))
    before = home.sandbox.journal.counts()["refresh"]
    took = crowd(home.program("get", "hexauth", "get", "hexpm", "--format", "header"), size)
    if home.sandbox.journal.counts()["refresh"] != before + 1:
        raise SystemExit("a crowd has refreshed more than once")
    return took


def unavailable(home: Home, size: int) -> float:
    """Return how long a crowd takes that waited for a refresh, from the server's 503 on."""
    home.reject()
    counts = home.sandbox.journal.counts
    before = counts()
    home.sandbox.faults.add(parse("503@refresh=1000"))
    with gate(Path(home.environ["HEXAUTH_HOME"], "state")) as gathered:

        def answered() -> None:
            gathered(size)
            until(lambda: counts()["faults"] > before["faults"], pause=0.001)

        took = crowd(home.program("a refresh that met a 503", *GET, code=6), size, answered)
    home.sandbox.faults.clear()
    if counts()["refresh"] != before["refresh"] + 1:
        raise SystemExit("a crowd has refreshed again after a 503")
    home.run(*GET)  # nothing was lost
    return took


def strangers(home: Home, size: int) -> float:
    """Return how long a crowd takes in a new home without a login, if it may not ask for one."""
    place = {"HEXAUTH_HOME": str(Path(tempfile.mkdtemp(dir=home.folder), "h"))}
    get = home.program("nobody logged in", *GET, "--no-login", settings=place, code=3)
    took = crowd(get, size)
    forget({**home.environ, **place})
    return took


def wake_up(folder: Path, times: int) -> float:
    """Return the median of the milliseconds from a mutex's release to the next one's turn."""
    path, took = folder / "wake.lock", []
    words = [sys.executable, "-c", WAITER, str(path), str(times)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None  # noqa: S101  (for types: both are pipes)
        assert child.stdout is not None  # noqa: S101
        for _ in range(times):
            with Mutex(path).held(60):
                print(file=child.stdin, flush=True)
                while f" {child.pid} " not in Path("/proc/locks").read_text():
                    pass
                begin = time.monotonic_ns()
            took.append((int(child.stdout.readline()) - begin) / 1e6)
    return statistics.median(took)
