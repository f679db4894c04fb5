"""Other programs: where they are, and running one in place of this process."""

import os
import sys

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than finding a program
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


SECRETS = (
    "HEX_API_KEY",
    "HEX_REPOS_KEY",
    "HEXPM_API_KEY",
    "HEXPM_READ_API_KEY",
    "HEXAUTH_PASSPHRASE",
)
"""Variables that hold credentials, or what opens them."""


def without_secrets(environ: "Mapping[str, str]") -> "dict[str, str]":
    """Return the environment for a program that helps hexauth, and needs no credential."""
    return {key: environ[key] for key in environ if key not in (*SECRETS, "HEX_OTP")}


def replace_process(
    command: "Sequence[str]", environ: "Mapping[str, str]", platform: str = sys.platform
) -> int:
    """Run `command` in place of this process, execve(2), with `environ`.

    On Windows, where that would detach it from its parent, it runs beside this process, and its
    exit code is returned. Raises `NotFound` if there is no such program.
    """
    program = require_program(command[0], environ)
    if platform != "win32":
        import signal

        from hexauth.machine import core_dump, trace

        # Python ignores these, and a program would inherit that.
        for name in ("SIGPIPE", "SIGXFSZ"):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        trace.tell(f"running {program} in place of this process")
        core_dump.allow()
        os.execve(program, list(command), environ)  # noqa: S606  (what this is for)
    import subprocess

    with subprocess.Popen([program, *command[1:]], env=environ) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the program has had it too, and decides
                continue


def start_alone(command: "Sequence[str]", environ: "Mapping[str, str]") -> bool:
    """Start `command` with `environ`, detached and silent; tell whether it was started."""
    import subprocess

    from hexauth.machine import trace

    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env=environ,
        )
    except OSError as error:
        trace.tell(f"{command[0]} cannot be started: {error.strerror}")
        return False
    trace.tell(f"{command[0]} was started")
    process.returncode = 0  # it is on its own: nobody will ask how it ended
    return True


def require_program(name: str, environ: "Mapping[str, str]") -> str:
    """Return the path of the program that a person calls `name`. Raises `NotFound`."""
    # A path is the person's own choice.
    program = name if os.sep in name else find_program(name, environ) or ""
    if not program or not os.access(program, os.X_OK) or os.path.isdir(program):  # noqa: PTH112
        from hexauth.errors import NotFound

        raise NotFound(
            f"There is no program {name}.",
            hint="Check its name, and that its folder is in PATH by an absolute path.",
        )
    return program


def find_program(
    name: str, environ: "Mapping[str, str]", platform: str = sys.platform
) -> str | None:
    """Return the absolute path of program `name`, or None.

    Relative and empty parts of `PATH` do not count: a program in the current folder may be
    anybody's (Git Credential Manager's CVE-2020-26233).
    """
    if os.path.isabs(name):  # noqa: PTH117  (pathlib takes 10 ms)
        return name if os.access(name, os.X_OK) else None
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    if os.path.basename(name) != name or not name:  # noqa: PTH119
        return None
    for folder in filter(os.path.isabs, folders):
        if platform == "win32":
            import shutil

            # It looks into the current folder first, whatever the path.
            found = shutil.which(name, path=folder)
            if found is not None and os.path.isabs(found):  # noqa: PTH117
                return found
        path = f"{folder}/{name}"
        if platform != "win32" and os.path.isfile(path) and os.access(path, os.X_OK):  # noqa: PTH113
            return path
    return None


def printed(
    words: "list[str]", environ: "Mapping[str, str]", seconds: float, platform: str = sys.platform
) -> bytes:
    """Return what a program prints on standard output, or nothing if it takes longer.

    Its standard input is empty, and its errors go nowhere. Raises OSError.
    """
    environ = without_secrets(environ)
    if platform == "win32":
        import subprocess

        quiet = subprocess.DEVNULL
        try:
            return subprocess.run(
                words,
                stdin=quiet,
                stdout=-1,
                stderr=quiet,
                env=environ,
                timeout=seconds,
                check=False,
            ).stdout
        except subprocess.SubprocessError:
            return b""
    import select  # subprocess takes 9 ms
    import time

    reading, writing = os.pipe()
    try:
        actions = [
            *((os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_RDWR, 0) for each in (0, 2)),
            (os.POSIX_SPAWN_DUP2, writing, 1),
        ]
        pid = os.posix_spawn(words[0], words, environ, file_actions=actions)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    said, end = b"", time.monotonic() + seconds
    try:
        while select.select([reading], [], [], max(0.0, end - time.monotonic()))[0]:
            chunk = os.read(reading, 1 << 16)
            if not chunk:
                return said
            said += chunk
        os.kill(pid, 9)
        return b""
    finally:
        os.close(reading)
        os.waitpid(pid, 0)
