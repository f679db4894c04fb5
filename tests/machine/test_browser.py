import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.machine.browser import (
    CONTAINERS,
    browser_command,
    is_graphical,
    open_browser,
    plain,
    why_no_browser,
)

PATIENCE = 20
"""Seconds after which something that should have happened has not."""


URL = "https://hex.pm/oauth/device?user_code=BCDFGHJK&x='$(id)'"

PLAIN = "https://hex.pm/oauth/device?user_code=BCDFGHJK&x=%27%24%28id%29%27"
"""The same to a server, and nothing to a shell."""


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


@pytest.mark.parametrize(
    ("environ", "files", "why"),
    [
        ({"SSH_CONNECTION": "a 1 b 22"}, CONTAINERS, "this is a session over SSH"),
        ({"WSL_DISTRO_NAME": "Debian"}, (), "wslview is missing (package wslu)"),
        ({}, CONTAINERS[:1], "this is a container"),
        ({}, CONTAINERS[1:], "this is a container"),
        ({"DISPLAY": ":0"}, (), "xdg-open is missing (package xdg-utils)"),
        ({}, (), "there is no graphical session"),
    ],
)
def test_reason_why_there_is_no_browser_is_told(
    environ: Mapping[str, str], files: Sequence[str], why: str
) -> None:
    assert why_no_browser(environ, "linux", files.__contains__) == why


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
        ({"BROWSER": "sh -c 'firefox %s'"}, "linux", None),
        ({"BROWSER": "sh -c 'firefox %s':firefox"}, "linux", ["firefox", URL]),
        ({"BROWSER": "firefox -c 'exec x' %s"}, "linux", ["firefox", "-c", "exec x", URL]),
    ],
)
def test_browser_command(
    environ: Mapping[str, str], platform: str, command: Sequence[str] | None, tmp_path: Path
) -> None:
    for name in ("xdg-open", "wslview", "firefox"):
        script(tmp_path / name)

    words = browser_command(URL, {**environ, "PATH": str(tmp_path)}, platform)

    assert (words and [word.replace(f"{tmp_path}/", "") for word in words]) == command


@given(st.text(st.characters(), max_size=30))
def test_url_is_one_word_to_every_shell(text: str) -> None:
    """What a server writes is no option, no command, no variable and no pattern."""
    found = plain(f"https://hex.pm/{text}")

    assert found.startswith("https://hex.pm/")
    assert found.isascii()
    assert set(" \t\n\"'`$;|<>(){}*!^~\\") & set(found) <= {"~"}


def test_url_that_needs_no_change_has_none() -> None:
    url = "https://[::1]:8443/oauth/device?user_code=BCDF-GHJK&a=%20b+c,d#e@f"

    assert plain(url) == url


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

    lines = [PLAIN, "/", *["/dev/null"] * 3, "leads its session", "end"]
    assert (started, eventually(report, "end").splitlines()) == (True, lines)


def test_browser_in_the_foreground_holds_nobody_up(tmp_path: Path) -> None:
    held = tmp_path / "pipe"
    os.mkfifo(held)
    browser = script(tmp_path / "browser", f"read line < {held}; echo $line > {tmp_path}/done")
    started = open_browser(URL, {"BROWSER": str(browser)})

    held.write_text("closed\n")

    assert (started, eventually(tmp_path / "done", "closed")) == (True, "closed\n")
