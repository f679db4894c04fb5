import os
import pty
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.errors import UsageError
from hexauth.system import (
    Places,
    Screen,
    browser_command,
    find_program,
    is_graphical,
    open_browser,
    places,
    printable,
    screen,
    signals_held,
)

PATIENCE = 20
"""Seconds after which something that should have happened has not."""

URL = "https://hex.pm/oauth/device?user_code=BCDFGHJK&x='$(id)'"


def script(path: Path, text: str = "") -> Path:
    """Write a program in sh."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def eventually(path: Path, last: str) -> str:
    """Return what `path` holds, once it is there and has the line `last` in the end."""
    limit = time.monotonic() + PATIENCE
    while not path.exists() or not path.read_text().endswith(f"{last}\n"):
        assert time.monotonic() < limit, f"{path} does not come"
        time.sleep(0.01)
    return path.read_text()


def found(config: str, vault: str, state: str, namespace: str = "hexauth") -> Places:
    return Places(Path(config), Path(vault), Path(state), namespace)


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        (
            {"HOME": "/home/me"},
            "linux",
            found(
                "/home/me/.config/hexauth/config.toml",
                "/home/me/.local/state/hexauth/vault",
                "/home/me/.local/state/hexauth",
            ),
        ),
        (
            {"HOME": "/home/me", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"},
            "linux",
            found(
                "/c/hexauth/config.toml",
                "/home/me/.local/state/hexauth/vault",
                "/home/me/.local/state/hexauth",
            ),
        ),
        (
            {"HOME": "/Users/me", "XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d"},
            "darwin",
            found(
                "/Users/me/Library/Application Support/hexauth/config.toml",
                "/Users/me/Library/Application Support/hexauth/vault",
                "/Users/me/Library/Application Support/hexauth/state",
            ),
        ),
        (
            {"LOCALAPPDATA": "/Users/me/AppData/Local", "HOME": "/home/me"},
            "win32",
            found(
                "/Users/me/AppData/Local/hexauth/config.toml",
                "/Users/me/AppData/Local/hexauth/vault",
                "/Users/me/AppData/Local/hexauth/state",
            ),
        ),
        *(
            (
                {"HEXAUTH_HOME": "/h", "HOME": "/home/me", "XDG_CONFIG_HOME": "/c"},
                platform,
                found("/h/config.toml", "/h/vault", "/h/state", "hexauth@/h"),
            )
            for platform in ("linux", "darwin", "win32")
        ),
    ],
)
def test_places(environ: Mapping[str, str], platform: str, expected: Places) -> None:
    assert places(environ, platform) == expected


def test_home_that_is_relative_is_below_the_current_folder() -> None:
    assert places({"HEXAUTH_HOME": "h"}).state == Path.cwd() / "h" / "state"


def test_home_of_nobody_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match=r"\$HEXAUTH_HOME"):
        places({"HEXAUTH_HOME": "~nobody-of-that-name/h"})


@given(st.text(st.characters()))
def test_nothing_printable_acts_on_a_terminal(text: str) -> None:
    assert [c for c in printable(text) if unicodedata.category(c).startswith("C")] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zürich 漢 🙂", "Zürich 漢 🙂"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\r\nb", r"a\r\nb"),
        ("\u202eevil", r"\u202eevil"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_printable_escapes_what_is_not_seen(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("name", ["./tool", "../bin/tool", "bin/tool", "bin/../tool", ""])
def test_program_is_named_without_a_folder(name: str, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "tool")

    assert find_program(name, {"PATH": str(tmp_path / "bin")}) is None


@pytest.mark.parametrize("folder", ["", ".", "bin", "./bin"])
def test_program_is_never_found_below_the_current_folder(folder: str, tmp_path: Path) -> None:
    """A cloned repository may hold a program of any name."""
    script(tmp_path / "bin" / "tool")
    script(tmp_path / "tool")
    code = "import sys, hexauth.system as s; print(s.find_program('tool', {'PATH': sys.argv[1]}))"

    done = subprocess.run(
        [sys.executable, "-c", code, f"{folder}{os.pathsep}/nonexistent"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )

    assert done.stdout == b"None\n"


def test_program_is_found_in_the_first_absolute_folder_that_has_it(tmp_path: Path) -> None:
    path = os.pathsep.join(["", "bin", str(tmp_path / "a"), str(tmp_path / "b")])
    wanted = script(tmp_path / "b" / "tool")

    assert find_program("tool", {"PATH": path}) == str(wanted)


def test_program_with_an_absolute_path_must_be_executable(tmp_path: Path) -> None:
    path = script(tmp_path / "tool")
    before = find_program(str(path), {})
    path.chmod(0o644)

    assert (before, find_program(str(path), {})) == (str(path), None)


@pytest.mark.parametrize(
    ("environ", "platform", "graphical"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({}, "darwin", True),
        ({}, "win32", True),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "a 1 b 22"}, "linux", False),
        ({"SSH_CONNECTION": "a 1 b 22"}, "darwin", False),
    ],
)
def test_window_is_seen_on_a_desktop_only(
    environ: Mapping[str, str], platform: str, graphical: bool
) -> None:
    assert is_graphical(environ, platform) is graphical


DESKTOP = {"DISPLAY": ":0"}
SSH = {"SSH_CONNECTION": "a 1 b 22"}


@pytest.mark.parametrize(
    ("environ", "platform", "command"),
    [
        (DESKTOP, "linux", ["xdg-open", URL]),
        ({}, "linux", None),
        ({**DESKTOP, **SSH}, "linux", None),
        ({}, "darwin", ["/usr/bin/open", URL]),
        (SSH, "darwin", None),
        ({"WSL_DISTRO_NAME": "Debian"}, "linux", ["wslview", URL]),
        ({"BROWSER": "firefox"}, "linux", ["firefox", URL]),
        ({"BROWSER": "firefox"}, "darwin", ["firefox", URL]),
        ({"BROWSER": "firefox", **SSH}, "linux", ["firefox", URL]),
        ({"BROWSER": "firefox --new '%s' x"}, "linux", ["firefox", "--new", URL, "x"]),
        ({"BROWSER": "firefox --to=%s"}, "linux", ["firefox", f"--to={URL}"]),
        ({"BROWSER": "missing:firefox"}, "linux", ["firefox", URL]),
        ({"BROWSER": "'unclosed:firefox"}, "linux", ["firefox", URL]),
        ({"BROWSER": ":::"}, "linux", None),
        ({"BROWSER": "missing"}, "linux", None),
        ({"BROWSER": "./firefox"}, "linux", None),
    ],
)
def test_browser_command(
    environ: Mapping[str, str], platform: str, command: Sequence[str] | None, tmp_path: Path
) -> None:
    for name in ("xdg-open", "wslview", "firefox"):
        script(tmp_path / name)

    words = browser_command(URL, {**environ, "PATH": str(tmp_path)}, platform)

    assert (words and [word.replace(f"{tmp_path}/", "") for word in words]) == command


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "-new", "javascript:1", " https://x"])
def test_browser_opens_nothing_but_the_web(url: str, tmp_path: Path) -> None:
    browser = script(tmp_path / "browser", f"echo ran > {tmp_path}/ran")

    assert open_browser(url, {"BROWSER": str(browser)}) is False


def test_browser_that_cannot_be_started_is_none(tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_bytes(b"\x7fELF")
    browser.chmod(0o755)

    assert open_browser(URL, {"BROWSER": str(browser)}) is False


def test_browser_gets_the_url_in_a_session_of_its_own_and_no_stream_of_ours(
    tmp_path: Path,
) -> None:
    """So Ctrl-C does not close it, and what it prints spoils no protocol."""
    report = tmp_path / "report"
    browser = script(
        tmp_path / "browser",
        f"""exec 3> {report}
        echo "$1" >&3
        pwd >&3
        for n in 0 1 2; do it=$(readlink /proc/$$/fd/$n); echo $it >&3; done
        test $(cut -d' ' -f6 /proc/$$/stat) = $$ && echo leads its session >&3
        echo end >&3""",
    )

    started = open_browser(URL, {"BROWSER": str(browser)})

    lines = [URL, "/", *["/dev/null"] * 3, "leads its session", "end"]
    assert (started, eventually(report, "end").splitlines()) == (True, lines)


def test_browser_in_the_foreground_holds_nobody_up(tmp_path: Path) -> None:
    held = tmp_path / "pipe"
    os.mkfifo(held)
    browser = script(tmp_path / "browser", f"read line < {held}; echo $line > {tmp_path}/done")
    started = open_browser(URL, {"BROWSER": str(browser)})

    held.write_text("closed\n")

    assert (started, eventually(tmp_path / "done", "closed")) == (True, "closed\n")


def test_screen_is_standard_error_where_that_is_a_terminal() -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as stderr:
        shown = screen(stderr, "/nonexistent")
        shown.say("open \x1b[2J", "now")

        assert (shown.visible, os.read(master, 99)) == (True, b"open \\x1b[2J\r\nnow\r\n")
    os.close(master)


def test_screen_falls_back_to_the_terminal() -> None:
    master, slave = pty.openpty()
    stderr = StringIO()
    shown = screen(stderr, os.ttyname(slave))
    shown.say("Zürich")

    assert (shown.visible, os.read(master, 99), stderr.getvalue()) == (
        True,
        "Zürich\r\n".encode(),
        "",
    )
    os.close(slave)
    os.close(master)


def test_screen_without_a_terminal_is_standard_error_which_a_log_may_keep() -> None:
    stderr = StringIO()
    shown = screen(stderr, "/nonexistent")
    shown.say("one", "two")

    assert (shown.visible, stderr.getvalue()) == (False, "one\ntwo\n")


def test_screen_without_anything_is_silent() -> None:
    shown = screen(None, "/nonexistent")
    shown.say("nobody hears")

    assert not shown.visible


def test_screen_that_has_been_closed_does_no_harm() -> None:
    stderr = StringIO()
    shown = Screen(stderr.write, visible=True)
    stderr.close()

    shown.say("nobody hears")


HOLDER = """
import os, signal, sys, time
from pathlib import Path
from hexauth.errors import VaultError
from hexauth.mutex import Mutex
from hexauth.system import signals_held
from hexauth.turn import Turn
from hexauth.vault.bounded import Bounded

def wait_in_vain():
    path = Path(sys.argv[2])
    with Mutex(path).held(1):
        turn = Turn(os.open(path, os.O_RDWR))
        turn.comes(0.05)
        turn.abandon()
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
