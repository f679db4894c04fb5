import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hexauth.machine.signals import signals_held

PATIENCE = 20
"""Seconds after which something that should have happened has not."""


HOLDER = """
import os, signal, sys, time
from pathlib import Path
from hexauth.errors import VaultError
from hexauth.machine.mutex import Mutex
from hexauth.machine.signals import signals_held
from hexauth.machine.flock import Waiter
from hexauth.vault.bounded import Bounded

def wait_in_vain():
    path = Path(sys.argv[2])
    with Mutex(path).held(1):
        waiter = Waiter(os.open(path, os.O_RDWR))
        waiter.acquired(0.05)
        waiter.abandon()
        held()

def call_too_slow():
    try:
        Bounded(0.05, lambda error: VaultError("broken")).call(lambda: time.sleep(60))
    except VaultError:
        held()

def held():
    with signals_held():
        if sys.argv[1] == "nested":
            with signals_held():
                pass
        print("ready", flush=True)
        sys.stdin.readline()
        print("done", flush=True)

try:
    {"waited": wait_in_vain, "late": call_too_slow}.get(sys.argv[1], held)()
    time.sleep(20)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("how", ["nested", "flat", "waited", "late"])
@pytest.mark.parametrize(
    ("number", "code", "last"),
    [
        (signal.SIGTERM, -signal.SIGTERM, b""),
        (signal.SIGHUP, -signal.SIGHUP, b""),
        (signal.SIGINT, 0, b"interrupted\n"),
    ],
)
def test_signal_waits_until_the_block_is_done(
    number: signal.Signals, code: int, last: bytes, how: str, tmp_path: Path
) -> None:
    """Also if a thread is left that waits in vain for a mutex, or for a keyring."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, how, str(tmp_path / "mutex")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(number)
        rest, _ = process.communicate(b"\n", timeout=PATIENCE)

    assert (rest, process.returncode) == (b"done\n" + last, code)


def test_signals_are_as_before_when_the_block_is_done() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with signals_held(), signals_held():
        pass

    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def test_signals_are_as_before_when_the_block_has_failed() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with pytest.raises(OSError, match="broken"), signals_held():
        raise OSError("broken")

    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
