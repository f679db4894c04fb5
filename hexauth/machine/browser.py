"""The person's browser: whether there is one to be seen, and how it is opened."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from hexauth.machine import trace
from hexauth.machine.programs import find_program, without_secrets

CONTAINERS = ("/.dockerenv", "/run/.containerenv")
"""Files that Docker and Podman make in each container."""


def is_graphical(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Tell whether a window can be opened in front of the person who runs this."""
    if environ.get("SSH_CONNECTION"):
        return False
    if platform in ("darwin", "win32"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def browser_command(
    url: str, environ: Mapping[str, str], platform: str = sys.platform
) -> Sequence[str] | None:
    """Return the command that opens `url`, or None if there is no browser to be seen.

    `BROWSER` comes first, as a list of commands separated by colons in which `%s` stands for the
    URL, as Debian's sensible-browser and Python's webbrowser read it. A command in which it stands
    within a longer text is passed over: that text is for a shell to read, and so would the URL be.
    """
    import shlex

    for template in filter(None, environ.get("BROWSER", "").split(os.pathsep)):
        with suppress(ValueError):  # an unclosed quotation mark
            words = shlex.split(template)
            if any("%s" in word and len(word.split()) > 1 for word in words):
                continue
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


def why_no_browser(
    environ: Mapping[str, str],
    platform: str = sys.platform,
    exists: Callable[[str], bool] = os.path.exists,
) -> str:
    """Return why there is no browser to be seen, where `browser_command` knows none."""
    if environ.get("SSH_CONNECTION"):
        return "this is a session over SSH"
    if environ.get("WSL_DISTRO_NAME"):
        return "wslview is missing (package wslu)"
    if any(map(exists, CONTAINERS)):
        return "this is a container"
    if is_graphical(environ, platform):
        return "xdg-open is missing (package xdg-utils)"
    return "there is no graphical session"


def plain(url: str) -> str:
    """Return `url` without what shells read otherwise, percent-encoded (RFC 3986 section 2.1).

    Each of these programs gets it as one argument, but some are scripts that hand it on: wslview
    lets PowerShell read it. An ampersand stays, as it would be another URL without it.
    """
    from urllib.parse import quote

    return quote(url, safe=":/?#[]@&=+,%", errors="replace")


def open_browser(url: str, environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Start the person's browser at `url`, detached and silent; tell whether one was started.

    A browser in the foreground would hold up the login, and one that prints would spoil what a
    tool reads (Git Credential Manager issue 178).
    """
    if not url.startswith(("https://", "http://")):
        return False
    url = plain(url)
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
            env=without_secrets(environ),
        )
    except OSError as error:
        trace.tell(f"{command[0]} cannot be started: {error.strerror}")
        return False
    trace.tell(f"{command[0]} was started")
    process.returncode = 0  # it is on its own: nobody will ask how it ended
    return True
