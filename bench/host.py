"""A host of `hosts`: where its programs run, and what happens to all of them at once."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.processes import children, ended, send, state
from tests.waiting import until

LEFT_OUT = ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "DBUS_SESSION_BUS_ADDRESS")
"""What in the caller's environment would lead out of a host."""

MANY = 256
"""After so many programs those that have ended are forgotten."""


class Host:
    """A home folder, and, unless `init` is None, the namespaces of that process.

    Of its own are then its host name, process ids, /dev/shm, /run and network address.
    """

    def __init__(self, name: str, home: Path, address: str) -> None:
        self.name, self.home, self.address = name, home, address
        self.init: int | None = None
        self.environ = {
            **{name: value for name, value in os.environ.items() if name not in LEFT_OUT},
            "HOME": str(home),
            "HEXAUTH_HOME": str(home / "hexauth"),
        }
        self._enter: list[str] = []
        self._started: set[subprocess.Popen[Any]] = set()

    def lives_in(self, init: int) -> None:
        """Let its programs run in the namespaces of a process."""
        self.init = init
        self._enter = [shutil.which("nsenter") or "nsenter", f"-t{init}", "-n", "-m", "-p", "-u"]

    def start(
        self,
        words: Sequence[str | Path],
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        **options: Any,  # noqa: ANN401  (they are subprocess.Popen's)
    ) -> "subprocess.Popen[Any]":
        """Start a program on it, at home unless elsewhere, with `env` added to its environment.

        In namespaces the process returned is the nsenter(1) that waits for the program, and ends
        with its exit code; `signal` reaches the program itself.
        """
        where = cwd or self.home
        enter = [*self._enter, f"--wdns={where}", "--"] if self._enter else []
        environ = {**self.environ, **(env or {})}
        options = {"cwd": where, "env": environ, "start_new_session": True, **options}
        process: subprocess.Popen[Any] = subprocess.Popen([*enter, *words], **options)
        self._started.add(process)
        if len(self._started) % MANY == 0:
            self._running()
        return process

    def run(
        self,
        words: Sequence[str | Path],
        give: bytes = b"",
        env: Mapping[str, str] | None = None,
        seconds: float = 60,
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a program on it to its end; raises subprocess.TimeoutExpired after `seconds`."""
        pipe = subprocess.PIPE
        with self.start(words, env, stdin=pipe, stdout=pipe, stderr=pipe) as process:
            try:
                out, err = process.communicate(give, timeout=seconds)
            except BaseException:
                self.signal(process, signal.SIGKILL)
                raise
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def signal(self, process: "subprocess.Popen[Any]", number: signal.Signals) -> None:
        """Send a signal to the program that `start` has started."""
        if self.init is None:
            process.send_signal(number)
            return
        until(lambda: process.poll() is not None or children(process.pid) != [])
        send(number, children(process.pid))

    def pids(self) -> list[int]:
        """Return the ids, as the caller knows them, of all processes on it."""
        return at_home(self.home) if self.init is None else same_namespace(self.init)

    def pause(self) -> None:
        """Let all its processes stand still."""

        def still() -> bool:
            moving = [pid for pid in self.pids() if state(pid) not in "TZX"]
            send(signal.SIGSTOP, moving)
            # an nsenter stops itself once it has seen that; later it would do so after `resume`
            return moving == [] and all(state(each.pid) in "TZX" for each in self._running())

        until(still, pause=0.001)

    def resume(self) -> None:
        """Let them go on."""
        send(signal.SIGCONT, [*self.pids(), *(each.pid for each in self._running())])

    def stop(self) -> None:
        """Kill all its processes, as a power cut does; only one without namespaces goes on."""

        def over() -> bool:
            pids = at_home(self.home) if self.init is None else [self.init]
            send(signal.SIGKILL, pids)
            return ended(pids)

        until(over)
        running = self._running()
        send(signal.SIGCONT, [each.pid for each in running])  # an nsenter may stand still
        for each in running:
            each.wait(60)

    def _running(self) -> "list[subprocess.Popen[Any]]":
        """Return what `start` has started and has not ended; forget the others."""
        started = tuple(self._started)
        running = [each for each in started if each.poll() is None]
        self._started.difference_update(set(started).difference(running))
        return running


def everyone() -> list[int]:
    """Return the ids of all processes of the machine."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208  (quicker)


def same_namespace(init: int) -> list[int]:
    """Return the ids of the processes among which `init` is the first."""
    found = {}
    for pid in everyone():
        with suppress(OSError):
            found[pid] = os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115  (quicker)
    return [pid for pid, namespace in found.items() if namespace == found.get(init)]


def at_home(home: Path) -> list[int]:
    """Return the ids of the processes that were started with this HOME."""
    found = []
    for pid in everyone():
        with suppress(OSError):
            if f"HOME={home}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found
