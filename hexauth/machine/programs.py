"""Other programs: where they are, and running one in place of this process."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hexauth.errors import NotFound
from hexauth.machine.terminal import printable


def replace_process(
    command: Sequence[str], environ: Mapping[str, str], platform: str = sys.platform
) -> int:
    """Run `command` in place of this process, execve(2), with `environ`.

    On Windows, where that would detach it from its parent, it runs beside this process, and its
    exit code is returned. Raises `NotFound` if there is no such program.
    """
    program = require_program(command[0], environ)
    if platform != "win32":
        # Python ignores these, and a program would inherit that.
        for name in ("SIGPIPE", "SIGXFSZ"):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        os.execve(program, list(command), environ)  # noqa: S606  (what this is for)
    import subprocess

    with subprocess.Popen([program, *command[1:]], env=environ) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the program has had it too, and decides
                continue


def require_program(name: str, environ: Mapping[str, str]) -> str:
    """Return the path of the program that a person calls `name`. Raises `NotFound`."""
    # A path is the person's own choice.
    program = name if os.sep in name else find_program(name, environ) or ""
    if not program or not os.access(program, os.X_OK) or Path(program).is_dir():
        raise NotFound(
            f"There is no program {printable(name)}.",
            hint="Check its name, and that its folder is in PATH by an absolute path.",
        )
    return program


def find_program(name: str, environ: Mapping[str, str]) -> str | None:
    """Return the absolute path of program `name`, or None.

    Relative and empty parts of `PATH` do not count: a program in the current folder may be
    anybody's (Git Credential Manager's CVE-2020-26233).
    """
    if Path(name).is_absolute():
        return name if os.access(name, os.X_OK) else None
    import shutil

    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    if Path(name).name != name:
        return None
    found = (shutil.which(name, path=each) for each in folders if Path(each).is_absolute())
    # On Windows `which` looks into the current folder first, whatever the path.
    return next((each for each in found if each is not None and Path(each).is_absolute()), None)
