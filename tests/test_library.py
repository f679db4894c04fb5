"""The library call, in programs of their own: threads and asyncio tasks as processes do."""

import sys
from collections.abc import Callable

import pytest

from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve
from tests.waiting import until

Make = Callable[[Sandbox], Machine]

THREADS = """
import sys, threading
from hexauth import library

barrier, got = threading.Barrier(20), []

def work():
    barrier.wait()
    got.append(library.get("hexpm", may_ask=True).secret)

threads = [threading.Thread(target=work) for _ in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*got, sep="\\n")
"""

TASKS = """
import asyncio
from hexauth import library

async def work():
    print((await asyncio.to_thread(library.get, "hexpm", may_ask=True)).secret)

async def main():
    await asyncio.gather(*(work() for _ in range(20)))

asyncio.run(main())
"""

REFUSED = """
from hexauth import library
from hexauth.errors import HexauthError

try:
    library.get(may_ask=False)
except HexauthError as error:
    print(type(error).__name__, error.exit_code, sep=" ")
"""

MANY = """
import os, warnings
from pathlib import Path
from hexauth import library

warnings.simplefilter("error")
library.get()
before = len(list(Path("/proc/self/fd").iterdir()))
for number in range(50):
    library.get(min_ttl=number + 1)
print(len(list(Path("/proc/self/fd").iterdir())) - before)
"""


@pytest.mark.parametrize("program", [THREADS, TASKS], ids=["threads", "tasks"])
def test_threads_of_one_process_are_asked_once(serve: Serve, machine: Make, program: str) -> None:
    sandbox = serve(approve_after=1)

    done = machine(sandbox).run(sys.executable, "-c", program)

    lines = done.stdout.decode().splitlines()
    assert (len(lines), len(set(lines))) == (20, 1), done.stderr
    assert done.stderr.count(b"To log in, open") == 1
    assert sandbox.journal.counts()["prompts"] == 1


@pytest.mark.parametrize("program", [THREADS, TASKS], ids=["threads", "tasks"])
def test_threads_of_one_process_refresh_once(serve: Serve, logged_in: Make, program: str) -> None:
    sandbox = serve(approve_after=0)
    here = logged_in(sandbox)
    old = here.reject_token(sandbox)
    sandbox.faults.add(parse("slow:0.5@refresh"))

    done = here.run(sys.executable, "-c", program)

    lines = done.stdout.decode().splitlines()
    assert (len(lines), len(set(lines) - {old})) == (20, 1), done.stderr
    assert (sandbox.journal.counts()["refresh"], sandbox.journal.counts()["prompts"]) == (1, 1)


def test_a_no_is_every_thread_s_answer(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    with machine(sandbox).start(sys.executable, "-c", THREADS) as process:
        until(lambda: len(sandbox.hexpm.grants()) == 1)
        sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=False)
        out, err = process.communicate(timeout=60)

    assert (out.strip(), err.count(b"hexauth.errors.Declined: ")) == (b"", 20)
    assert sandbox.journal.counts()["prompts"] == 1


def test_an_error_is_an_exception_that_knows_its_exit_code(serve: Serve, machine: Make) -> None:
    done = machine(serve()).run(sys.executable, "-c", REFUSED)

    assert done.stdout == b"LoginRequired 3\n"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_many_calls_leave_nothing_open(serve: Serve, logged_in: Make) -> None:
    """Neither connections nor terminals nor lock files."""
    done = logged_in(serve(approve_after=0)).run(sys.executable, "-c", MANY)

    assert (done.stdout, done.stderr) == (b"0\n", b"")
