"""The only room that knows the platform: directories, browser, terminal, signals."""

import os
import signal
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from hexauth.errors import NotFound, UsageError


@dataclass(frozen=True)
class Places:
    """Where hexauth keeps what it keeps."""

    config: Path
    """The file `config.toml`."""
    vault: Path
    """The folder of the file vault."""
    state: Path
    """The folder of mutexes, records and the index."""
    namespace: str
    """What the entries of the OS keyring begin with; another home has other entries."""


def places(environ: Mapping[str, str], platform: str = sys.platform) -> Places:
    """Return the places that `environ` and `platform` give.

    Below `HEXAUTH_HOME` where it is set. Otherwise the platform's directories; but the vault and
    the mutexes ignore `XDG_*` (which platformdirs obeys on macOS too): a desktop session, cron and
    ssh set them differently, and whoever shares the secrets must share the lock. Raises
    `UsageError` if `HEXAUTH_HOME` makes no sense.
    """
    if home := environ.get("HEXAUTH_HOME"):
        try:
            root = Path(home).expanduser().absolute()
        except RuntimeError:
            raise UsageError("$HEXAUTH_HOME names the home of nobody here.") from None
        return Places(
            config=root / "config.toml",
            vault=root / "vault",
            state=root / "state",
            namespace=f"hexauth@{root}",
        )
    if platform == "win32":
        return _below(_local_app_data(environ) / "hexauth")
    user = home_folder(environ)
    if platform == "darwin":
        return _below(user / "Library" / "Application Support" / "hexauth")
    config = base_folder(environ, "XDG_CONFIG_HOME") / "hexauth"
    state = user / ".local" / "state" / "hexauth"
    return Places(config / "config.toml", state / "vault", state, "hexauth")


def home_folder(environ: Mapping[str, str]) -> Path:
    """Return the user's own folder."""
    return Path(environ.get("HOME") or Path.home())


BASES = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_CACHE_HOME": ".cache",
}
"""Where the folders of the XDG base directory specification are, if no variable moves them."""


def base_folder(environ: Mapping[str, str], variable: str) -> Path:
    """Return the folder that `variable`, one of `BASES`, names, or its usual place."""
    return Path(environ.get(variable) or home_folder(environ) / BASES[variable])


def _local_app_data(environ: Mapping[str, str]) -> Path:
    """Return what `LOCALAPPDATA` says, as it does for every kind of logon; else ask Windows."""
    from platformdirs import user_data_path

    return Path(environ.get("LOCALAPPDATA") or user_data_path())


def _below(folder: Path) -> Places:
    return Places(folder / "config.toml", folder / "vault", folder / "state", "hexauth")


def printable(text: str) -> str:
    """Return `text` with every control, format and surrogate character escaped.

    A server or a repository's URL may hold characters that repaint a terminal or turn the reading
    direction around (git's CVE-2024-50349).
    """
    return "".join(
        c if unicodedata.category(c)[0] != "C" else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


@dataclass(frozen=True)
class Screen:
    """Where a person reads what hexauth has to say; never standard output."""

    write: Callable[[str], object]
    visible: bool
    """Whether it is a terminal, so that somebody probably looks at it."""

    def say(self, *lines: str) -> None:
        """Show `lines`; characters that would act on a terminal are escaped."""
        with suppress(OSError, ValueError):  # nobody listens any more
            self.write("".join(printable(line) + "\n" for line in lines))


def screen(stderr: TextIO | None, terminal: str = "/dev/tty") -> Screen:
    """Return the screen of this process: standard error if it is a terminal, else `terminal`.

    Without either it is standard error, which a log may keep.
    """
    if stderr is not None and stderr.isatty():
        return Screen(_writer(stderr), visible=True)
    with suppress(OSError):
        os.close(_open_terminal(terminal))
        return Screen(partial(_write_to, terminal), visible=True)
    return Screen(_writer(stderr) if stderr is not None else (lambda text: None), visible=False)


def ask_terminal(prompt: str, terminal: str = "/dev/tty") -> str | None:
    """Return what a person types at the terminal, without echo; None if there is no terminal."""
    import getpass

    if sys.platform != "win32":
        try:
            os.close(_open_terminal(terminal))
        except OSError:
            return None
    try:
        return getpass.getpass(prompt).strip()
    except EOFError:
        return None


def _write_to(terminal: str, text: str) -> None:
    descriptor = _open_terminal(terminal)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _open_terminal(terminal: str) -> int:
    return os.open(terminal, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))


def _writer(stream: TextIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write


def is_graphical(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Tell whether a window can be opened in front of the person who runs this."""
    if environ.get("SSH_CONNECTION"):
        return False
    if platform in ("darwin", "win32"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def replace_process(
    command: Sequence[str], environ: Mapping[str, str], platform: str = sys.platform
) -> int:
    """Run `command` in place of this process, execve(2), with `environ`.

    On Windows, where that would detach it from its parent, it runs beside this process, and its
    exit code is returned. Raises `NotFound` if there is no such program.
    """
    program = command[0]
    if os.sep not in program:  # a path is the caller's own choice
        program = find_program(program, environ) or ""
    if not program or not os.access(program, os.X_OK) or Path(program).is_dir():
        raise NotFound(
            f"There is no program {printable(command[0])}.",
            hint="Check its name, and that its folder is in PATH by an absolute path.",
        )
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


def browser_command(
    url: str, environ: Mapping[str, str], platform: str = sys.platform
) -> Sequence[str] | None:
    """Return the command that opens `url`, or None if there is no browser to be seen.

    `BROWSER` comes first, as a list of commands separated by colons in which `%s` stands for the
    URL, as Debian's sensible-browser and Python's webbrowser read it.
    """
    import shlex

    for template in filter(None, environ.get("BROWSER", "").split(os.pathsep)):
        with suppress(ValueError):  # an unclosed quotation mark
            words = shlex.split(template)
            if words and (program := find_program(words[0], environ)):
                rest = [word.replace("%s", url) for word in words[1:]]
                return [program, *rest] if "%s" in template else [program, *rest, url]
    if not is_graphical(environ, platform) and not environ.get("WSL_DISTRO_NAME"):
        return None
    if platform == "darwin":
        return ["/usr/bin/open", url]
    for name in ("wslview", "xdg-open") if environ.get("WSL_DISTRO_NAME") else ("xdg-open",):
        if program := find_program(name, environ):
            return [program, url]
    return None


def open_browser(url: str, environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Start the person's browser at `url`, detached and silent; tell whether one was started.

    A browser in the foreground would hold up the login, and one that prints would spoil what a
    tool reads (Git Credential Manager issue 178).
    """
    if not url.startswith(("https://", "http://")):
        return False
    if platform == "win32":
        try:
            os.startfile(url)  # type: ignore[attr-defined,unused-ignore]  # noqa: S606  (Windows only)
        except OSError:
            return False
        return True
    command = browser_command(url, environ, platform)
    if command is None:
        return False
    import subprocess

    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
    except OSError:
        return False
    process.returncode = 0  # it is on its own: nobody will ask how it ended
    return True


@contextmanager
def signals_held() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP wait until the `with` block is done.

    For the time between asking a server for a new token, which ends the old one, and saving it.
    Threads started inside hold them too.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield from _interrupts_held()
        return
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _interrupts_held() -> Iterator[None]:
    """Hold back Ctrl-C where signals cannot be masked (Windows)."""
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            raise KeyboardInterrupt
