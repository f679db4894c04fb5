import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hexauth.errors import Expired, VaultError
from hexauth.machine.mutex import Mutex
from tests.waiting import until

PATIENCE = 30
"""Seconds after which something that should have happened has not."""

HOLDER = """
import sys
from pathlib import Path
from hexauth.machine.mutex import Mutex

with Mutex(Path(sys.argv[1])).held(None, lambda: print("waiting", flush=True)):
    print("held", flush=True)
    sys.stdin.read()
print("freed", flush=True)
"""

COUNTER = """
import sys
from pathlib import Path
from hexauth.machine.mutex import Mutex

path, count = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(20):
    with Mutex(path, platform=sys.argv[3]).held(None):
        before = int(count.read_text())
        count.write_text(str(before + 1))
"""

platforms = pytest.mark.parametrize("platform", ["linux", "win32"])

Child = subprocess.Popen[bytes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "the.lock"


@contextmanager
def child(code: str, *arguments: object) -> Iterator[Child]:
    """Run Python code in a process that does not outlive the block."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: Child) -> str:
    assert process.stdout
    return process.stdout.readline().decode().strip()


@contextmanager
def holder(path: Path) -> Iterator[Child]:
    """Run a process that holds the mutex until its standard input is closed."""
    with child(HOLDER, path) as process:
        assert line(process) == "held"
        yield process


def let_go(process: Child) -> None:
    assert process.stdin
    process.stdin.close()


def nobody_asks() -> None:
    raise AssertionError("nobody was to wait")


def times_out(path: Path, seconds: float, platform: str = "linux") -> bool:
    with pytest.raises(Expired), Mutex(path, platform=platform).held(seconds):
        pass
    return True


@platforms
def test_processes_exclude_each_other(path: Path, platform: str, tmp_path: Path) -> None:
    """Each adds to a number in a file, reading it first: without the mutex some would be lost."""
    count = tmp_path / "count"
    count.write_text("0")

    counters = [
        subprocess.Popen([sys.executable, "-c", COUNTER, path, count, platform]) for _ in range(4)
    ]

    assert ([one.wait(PATIENCE) for one in counters], count.read_text()) == ([0] * 4, "80")


@platforms
def test_threads_exclude_each_other(path: Path, platform: str) -> None:
    inside: list[int] = []
    most: list[int] = []

    def enter() -> None:
        with Mutex(path, platform=platform).held(PATIENCE):
            inside.append(1)
            time.sleep(0.005)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert most == [1] * 12


def test_waiter_gets_it_when_the_holder_lets_go(path: Path) -> None:
    with holder(path) as process, child(HOLDER, path) as waiter:
        first = line(waiter)
        let_go(process)
        rest, _ = waiter.communicate(timeout=PATIENCE)

        assert (first, rest.split()[-2:]) == ("waiting", [b"held", b"freed"])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_holder_that_is_killed_holds_nothing(path: Path, number: signal.Signals) -> None:
    with holder(path) as process:
        process.send_signal(number)

        with Mutex(path).held(PATIENCE):
            assert process.wait(PATIENCE) == -number


@platforms
@pytest.mark.parametrize("seconds", [0, 0.05, 0.6])
def test_deadline_ends_the_wait(path: Path, seconds: float, platform: str) -> None:
    with holder(path):
        start = time.monotonic()

        assert (times_out(path, seconds, platform), time.monotonic() - start >= seconds) == (
            True,
            True,
        )


def test_who_does_not_wait_is_not_asked_while_waiting(path: Path) -> None:
    with holder(path), pytest.raises(Expired), Mutex(path).held(0, nobody_asks):
        pass


def test_who_need_not_wait_is_not_asked_while_waiting(path: Path) -> None:
    with Mutex(path).held(PATIENCE, nobody_asks):
        assert Mutex(path).is_held()


@platforms
def test_waiter_is_called_now_and_then(path: Path, platform: str) -> None:
    calls: list[int] = []

    with holder(path) as process:

        def call() -> None:
            calls.append(1)
            if len(calls) == 3:
                let_go(process)

        with Mutex(path, platform=platform).held(PATIENCE, call):
            assert len(calls) >= 3


@platforms
def test_waiter_may_stop_waiting(path: Path, platform: str) -> None:
    def stop() -> None:
        raise Expired("Enough.")

    with (
        holder(path),
        pytest.raises(Expired, match="Enough"),
        Mutex(path, platform=platform).held(None, stop),
    ):
        pass


@platforms
@pytest.mark.parametrize("waits", ["times_out", "stops"])
def test_waiter_that_gave_up_locks_nobody_out(path: Path, platform: str, waits: str) -> None:
    """On POSIX a thread goes on waiting in its place: it must let go of what it gets too late."""

    def stop() -> None:
        if waits == "stops":
            raise Expired("Enough.")

    with holder(path) as process:
        for _ in range(3):
            with pytest.raises(Expired), Mutex(path, platform=platform).held(0.3, stop):
                pass
        let_go(process)

        with Mutex(path, platform=platform).held(PATIENCE):
            assert line(process) == "freed"


INTERRUPTED = """
import sys
from pathlib import Path
from hexauth.machine.mutex import Mutex

try:
    mutex = Mutex(Path(sys.argv[1]), platform=sys.argv[2])
    with mutex.held(None, lambda: print("waiting", flush=True)):
        print("held", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@platforms
def test_ctrl_c_ends_the_wait(path: Path, platform: str) -> None:
    with holder(path), child(INTERRUPTED, path, platform) as waiter:
        line(waiter)
        waiter.send_signal(signal.SIGINT)
        rest, _ = waiter.communicate(timeout=PATIENCE)

        assert (rest.split()[-1], waiter.returncode) == (b"interrupted", 0)


def test_program_can_end_while_it_waits_in_vain(path: Path) -> None:
    """The thread that still waits must not keep the interpreter."""
    code = HOLDER.replace("None, lambda", "0.1, lambda")

    with holder(path), child(code, path) as waiter:
        assert waiter.wait(PATIENCE) == 1


def test_mutex_is_free_again_after_a_failure_inside(path: Path) -> None:
    with pytest.raises(OSError, match="broken"), Mutex(path).held(0):
        raise OSError("broken")

    assert not Mutex(path).is_held()


def test_mutex_says_whether_somebody_holds_it(path: Path) -> None:
    before = Mutex(path).is_held()
    with holder(path):
        during = Mutex(path).is_held()

    assert (before, during, Mutex(path).is_held()) == (False, True, False)


def test_program_started_by_the_holder_does_not_keep_the_mutex(path: Path) -> None:
    with Mutex(path).held(0):
        browser = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    with browser:
        assert not Mutex(path).is_held()
        browser.kill()


def test_mutex_is_a_flock_that_a_program_in_a_hurry_can_take_without_it(path: Path) -> None:
    """The warm `get` takes it with `fcntl.flock`, before anything heavy is imported."""
    before = Mutex(path).is_held()
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        assert (before, Mutex(path).is_held()) == (False, True)


def test_lock_file_is_private_and_permanent(path: Path) -> None:
    def facts() -> tuple[int, int, int]:
        found = path.stat()
        return stat.S_IMODE(found.st_mode), stat.S_IMODE(path.parent.stat().st_mode), found.st_ino

    with Mutex(path).held(0):
        during = facts()
    with Mutex(path).held(0):
        pass

    assert (during, facts()[:2]) == (facts(), (0o600, 0o700))


def symlink(path: Path) -> None:
    (path.parent / "elsewhere").touch()
    path.symlink_to(path.parent / "elsewhere")


FAULTS: dict[str, Callable[[Path], object]] = {
    "is a symbolic link": symlink,
    "cannot be opened: Is a directory": Path.mkdir,
    "is not a regular file": os.mkfifo,
}


@pytest.mark.parametrize("words", FAULTS)
def test_lock_that_is_no_file_is_refused(path: Path, words: str) -> None:
    path.parent.mkdir()
    FAULTS[words](path)

    with pytest.raises(VaultError, match=words) as caught, Mutex(path).held(0):
        pass
    assert (caught.value.exit_code, str(path) in str(caught.value)) == (7, True)


def test_folder_that_cannot_be_written_is_named() -> None:
    """Nobody can make files in a process's folder, nor change its mode, not even root."""
    with pytest.raises(VaultError, match=r"The lock file /proc/self/1\.lock cannot be opened"):
        Mutex(Path("/proc/self/1.lock")).is_held()


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "while it waits"])
def test_file_system_without_locks_is_named(
    path: Path, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS may answer ENOLCK, to the first try or to the one that waits; here nothing else does."""

    def flock(descriptor: int, flags: int) -> None:
        raise BlockingIOError if waits and flags & fcntl.LOCK_NB else OSError(errno.ENOLCK, "")

    monkeypatch.setattr(fcntl, "flock", flock)

    with pytest.raises(VaultError, match="cannot be locked: No locks available") as caught:
        Mutex(path).held(5).__enter__()
    assert str(path) in str(caught.value)
    assert "local folder" in caught.value.hint


def test_hundreds_of_turns_leak_nothing(path: Path) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with Mutex(path).held(0):
        before = open_files()
        for _ in range(300):
            assert Mutex(path).is_held()
    for _ in range(300):
        with Mutex(path).held(0):
            pass

    assert open_files() == before - 1


def test_abandoned_waits_leak_nothing(path: Path) -> None:
    def is_as_before() -> bool:
        return len(list(Path("/proc/self/fd").iterdir())) == before

    before = len(list(Path("/proc/self/fd").iterdir()))
    with Mutex(path).held(0):
        for _ in range(20):
            times_out(path, 0.001)

    until(is_as_before, PATIENCE)
