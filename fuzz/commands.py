"""Commands of hexauth in processes that are forked, so that a thousand take seconds, and killed.

A child is what a shell would have started, but for its imports, which this process has made. It
is killed as by SIGKILL before one of the things that it does to files, or before it connects.
"""

import io
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

import keyring.core  # noqa: F401  (what children would import)
import requests  # noqa: F401

from hexauth import __main__ as doors
from hexauth.cli import answer, erase, get, key, login, logout, store, switch  # noqa: F401
from hexauth.cli.main import main
from hexauth.cli.options import Flags
from hexauth.credentials import fresh, short  # noqa: F401
from hexauth.errors import HexauthError
from hexauth.login import asking  # noqa: F401
from hexauth.vault import file, sealed  # noqa: F401
from hexauth.vault.home import Home

KILLED, BROKEN = 77, 99

CHANGES = ("os.rename", "os.remove", "os.truncate", "socket.connect")
"""Before which a process may be killed (the table of audit events), beside opening to write."""

WRITES = os.O_WRONLY | os.O_EXCL | os.O_TRUNC
"""With one of these a file is opened that is not just a lock."""


@dataclass(frozen=True)
class Done:
    """What came of a command; `code` is `KILLED` if it was killed."""

    code: int
    out: str
    err: str

    @property
    def is_killed(self) -> bool:
        """Tell whether it was killed before its end."""
        return self.code == KILLED


class _Impatient(Flags):
    """Flags of a command that does not sleep: time is the one thing that is not real here."""

    def home(self, **settings: object) -> Home:
        return replace(super().home(**settings), sleep=lambda seconds: None)


def run(words: list[str], environ: Mapping[str, str], give: str = "", kill: int = 0) -> Done:
    """Run `hexauth` with `words`; it is killed before its change number `kill`, from 1 on."""
    files = [tempfile.TemporaryFile() for _ in range(3)]  # noqa: SIM115  (they are closed below)
    try:
        files[0].write(give.encode())
        files[0].seek(0)
        with warnings.catch_warnings():  # the server's threads stay here
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            _be(words, environ, [each.fileno() for each in files], kill)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for each in files:
            each.seek(0)
        _, out, err = (each.read().decode() for each in files)
    finally:
        for each in files:
            each.close()
    assert code != BROKEN, err
    return Done(code, out, err)


def _be(words: list[str], environ: Mapping[str, str], streams: list[int], kill: int) -> NoReturn:
    """Be the process of a command, to its end."""
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        for name in [*os.environ]:
            del os.environ[name]
        os.environ.update(environ)
        sys.argv = ["hexauth", *words]
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(io.BufferedWriter(io.FileIO(n, "w", closefd=False))) for n in (1, 2)
        )
        if kill:
            sys.addaudithook(_killer(kill))
        if words[0] == "login":
            _end(_log_in(words))
        doors.main()
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    os._exit(BROKEN)


def _log_in(words: list[str]) -> int:
    try:
        main.main(words, prog_name="hexauth", standalone_mode=False, obj=_Impatient())
    except HexauthError as error:
        sys.stderr.write(f"hexauth: {error}\n")
        return error.exit_code
    return 0


def _end(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _killer:  # noqa: N801  (it stands for a function with a memory)
    """Ends the process before its change with the number `left`."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, event: str, details: tuple[object, ...]) -> None:
        """Hear of an event."""
        is_change = event in CHANGES
        if event == "open" and isinstance(details[2], int):
            is_change = bool(details[2] & WRITES) and details[0] != os.devnull
        if is_change:
            self.left -= 1
            if self.left == 0:
                os._exit(KILLED)
