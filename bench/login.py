"""Measuring a login from its start to the code on the screen, beyond what the server takes."""

import os
import pty
import random
import select
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Program
from hexauth import hot
from hexauth.login.display import spaced
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BARE = "python -c pass"

SECONDS = 30
"""The longest that a code may take to appear."""


class Timed(Sandbox):
    """A sandbox that knows how long its own answers took, in nanoseconds."""

    def __init__(self) -> None:
        super().__init__(Options(rate_limit=None))
        self.took: list[int] = []
        self._app.wsgi_app = self._timed(self._app.wsgi_app)  # type: ignore[method-assign,assignment]

    def _timed(self, application: "WSGIApplication") -> "WSGIApplication":
        def timed(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterator[bytes]:
            begin = time.perf_counter_ns()
            answer = list(application(environ, start_response))
            self.took.append(time.perf_counter_ns() - begin)
            return iter(answer)

        return timed

    @property
    def codes(self) -> list[bytes]:
        """The codes that it has given, as people read them, oldest first."""
        return [spaced(grant.user_code).encode() for grant in self.hexpm.grants()]


@dataclass
class Login:
    """A login in an environment, which names its vault; the samples gather here."""

    program: str
    environ: Mapping[str, str]
    wall: list[float] = field(default_factory=list)
    """Milliseconds from the start to the code on the screen, without the server's, one a round."""

    def sample(self, sandbox: Timed) -> None:
        """Log in from a new home until the code is there; raises SystemExit if it never is."""
        with tempfile.TemporaryDirectory(prefix="hx-bench-") as home, terminal() as (screen, tty):
            environ = {**self.environ, "HEXAUTH_HOME": home, "HEX_API_URL": sandbox.api_url}
            sandbox.took.clear()
            given = len(sandbox.codes)
            actions = [(os.POSIX_SPAWN_DUP2, tty, stream) for stream in range(3)]
            words = [self.program, "login", "--no-browser"]
            begin = time.perf_counter_ns()
            pid = os.posix_spawn(self.program, words, environ, file_actions=actions)
            try:
                await_code(screen, lambda: sandbox.codes[given:])
                end = time.perf_counter_ns()
            finally:
                os.kill(pid, signal.SIGKILL)  # nobody is going to approve
                os.waitpid(pid, 0)
                forget(environ)
            self.wall.append((end - begin - sum(sandbox.took)) / 1e6)


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Hand out both ends of a new terminal: where its screen is read, and what programs get."""
    screen, tty = pty.openpty()
    try:
        yield screen, tty
    finally:
        os.close(screen)
        os.close(tty)


def forget(environ: Mapping[str, str]) -> None:
    """Remove what the home in `environ` has in memory, before the next one comes."""
    for folder in hot.folders(dict(environ)):
        Path(folder, str(hot.file_name(dict(environ)))).unlink(missing_ok=True)


def await_code(screen: int, codes: Callable[[], list[bytes]]) -> None:
    """Read `screen` until one of `codes` is on it; raises SystemExit with what is there instead."""
    shown, end = b"", time.monotonic() + SECONDS
    while not any(code in shown for code in codes()):
        if not select.select([screen], [], [], max(0, end - time.monotonic()))[0]:
            raise SystemExit(f"a login has shown no code: {shown.decode(errors='replace')}")
        shown += os.read(screen, 4096)


def measure(
    scripts: Path, environs: Mapping[str, Mapping[str, str]], rounds: int
) -> dict[str, float]:
    """Return the median of milliseconds that a login takes in each of `environs`, by their names.

    `python -c pass` runs beside them, and is named `BARE`. Every program runs once a round, in a
    new order each time, and once before to warm up.
    """
    logins = {name: Login(str(scripts / "hexauth"), each) for name, each in environs.items()}
    python = str(scripts / "python")
    bare = Program(BARE, [python, "-c", "pass"], {"PATH": os.defpath})
    with Timed() as sandbox, open(os.devnull, "wb") as nowhere:  # noqa: PTH123  (a descriptor)
        samples: list[Callable[[], None]] = [lambda: bare.sample(nowhere.fileno())]
        samples += [partial(login.sample, sandbox) for login in logins.values()]
        for _ in range(rounds + 1):
            for sample in random.sample(samples, len(samples)):
                sample()
    walls = {BARE: bare.wall, **{name: login.wall for name, login in logins.items()}}
    return {name: statistics.median(wall[1:]) for name, wall in walls.items()}
