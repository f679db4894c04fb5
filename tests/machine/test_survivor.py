"""Work that goes on although the process that needs it is killed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from hexauth.machine.mutex import Mutex
from hexauth.machine.survivor import can_outlive, outlive
from tests.waiting import until

KILLED = """\
import os, sys, time
from pathlib import Path
from hexauth.machine.mutex import Mutex
from hexauth.machine.survivor import outlive
folder = Path(sys.argv[1])

def work():
    (folder / "begun").write_text(str(os.getppid()))
    while not (folder / "go").exists():
        time.sleep(0.01)
    (folder / "done").touch()

with Mutex(folder / "lock").held(0):
    outlive(work, lambda: (folder / "then").touch())
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start a process that is to be killed, and wait until its work has begun."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)])
    until((folder / "begun").exists)
    return process


def alone(*lines: str) -> str:
    """Return what a program of its own says, as pytest's workers have threads."""
    begin = "import os; from hexauth.errors import *; from hexauth.machine.survivor import outlive"
    command = [sys.executable, "-c", "\n".join([begin, *lines])]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    return done.stdout.decode()


def test_what_the_work_returns_is_returned_by_another_process() -> None:
    assert alone("print(outlive(lambda: {'pid': os.getpid()})['pid'] != os.getpid())") == "True\n"


def test_error_that_the_work_raises_is_raised_here_with_all_that_it_says() -> None:
    said = alone(
        "def work():",
        "    raise Refused('invalid_grant', 'The server said no.', hint='Log in.')",
        "try:",
        "    outlive(work)",
        "except Refused as error:",
        "    print(error, error.code, error.hint)",
    )

    assert said == "The server said no. invalid_grant Log in.\n"


def test_what_nobody_expected_is_told_by_its_name_alone() -> None:
    said = alone(
        "try:",
        "    outlive(lambda: int('S3CRET'))",
        "except HexauthError as error:",
        "    print(error)",
    )

    assert said == "The token could not be renewed: ValueError.\n"


def test_what_the_work_says_is_said_here() -> None:
    assert alone("outlive(lambda: os.write(2, b'said\\n'))") == "said\n"


def test_work_of_a_process_that_is_killed_goes_on_and_keeps_its_lock(tmp_path: Path) -> None:
    with start(tmp_path) as process:
        process.kill()
    was_held = Mutex(tmp_path / "lock").is_held()
    (tmp_path / "go").touch()
    until((tmp_path / "then").exists)
    until(lambda: not Mutex(tmp_path / "lock").is_held())

    assert (was_held, (tmp_path / "done").exists()) == (True, True)


def test_signals_for_the_group_of_processes_do_not_reach_it(tmp_path: Path) -> None:
    """Such as those of a terminal that is closed."""
    with start(tmp_path) as process:
        worker = int(
            next(
                pid.name
                for pid in Path("/proc").iterdir()
                if pid.name.isdigit() and _is_worker(pid, process.pid, tmp_path)
            )
        )
        assert os.getpgid(worker) != os.getpgid(process.pid)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(worker, number)
        (tmp_path / "go").touch()

        assert process.wait(30) == 0
    until((tmp_path / "then").exists)


def _is_worker(process: Path, parent: int, folder: Path) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(folder) in words and int(process.name) != parent


def test_what_is_the_other_process_s_now_is_let_go_of_here() -> None:
    said = alone("outlive(lambda: 0, hand_over=lambda: print('let go of', flush=True))")

    assert said == "let go of\n"


def test_process_of_several_threads_does_the_work_itself() -> None:
    """A double would lack them."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert outlive(os.getpid) == os.getpid()
    finally:
        over.set()
        thread.join()


def test_other_systems_do_the_work_themselves() -> None:
    assert not can_outlive("darwin")


def test_process_that_does_the_work_leaves_no_child_behind() -> None:
    said = alone(
        "outlive(lambda: None)",
        "try:",
        "    os.waitpid(-1, os.WNOHANG)",
        "except ChildProcessError:",
        "    print('none')",
    )

    assert said == "none\n"
