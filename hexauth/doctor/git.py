"""Git's credential helpers: which are asked for Hex's hosts, in which order."""

import os
import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from hexauth.doctor.case import Case
from hexauth.doctor.finding import Finding, ok, problem, warning
from hexauth.errors import UsageError
from hexauth.machine.programs import find_program
from hexauth.servers.targets import hex_origins
from hexauth.tools.catalog import TOOLS, is_configured
from hexauth.tools.places import Surroundings
from hexauth.world.git_config import helpers
from hexauth.world.urls import is_web_url, origin, split_url

OURS = "git-credential-hexauth"


def look(case: Case) -> Iterator[Finding]:
    """Yield all helpers in their order, then what is asked before hexauth for each of Hex's hosts.

    The configuration of the current folder's own repository is not read.
    """
    if find_program("git", case.environ) is None:
        yield ok("git", "There is no git here.")
        return
    found = helpers(case.environ)
    for source, url, value in found:
        where = _origin(url) if url else "all hosts"
        yield ok(f"helper for {where}", f"{_shown(value)} ({source})")
    origins = hex_origins(case.settings)
    for each in origins:
        yield from _order(each, [value for _, url, value in found if _fits(url, each)])
    programs = {_program(value) for _, _, value in found if _is_ours(value)}
    for program in sorted(programs):
        if find_program(program, case.environ, case.platform) is None:
            yield problem(
                "hexauth for git",
                f"There is no program {program}, which git's configuration names.",
                "Run `hexauth setup git --undo`, then `hexauth setup git`.",
            )
    if not programs:
        yield _not_there(case, origins)


def _not_there(case: Case, origins: tuple[str, ...]) -> Finding:
    """Tell of a git that does not know hexauth, which may be meant so."""
    here = Surroundings(environ=case.environ, programs=case.programs, origins=origins)
    try:
        is_written = is_configured(TOOLS["git"], here)
    except (UsageError, OSError) as error:
        what = str(error) if isinstance(error, UsageError) else "Git's configuration is unreadable."
        return problem("hexauth for git", what, "Put git's configuration in order.")
    if is_written:
        text = "Git does not read that it is in its configuration."
        return problem("hexauth for git", text, "Run `git config --list`, which says why.")
    return ok("hexauth for git", "Git is not told of it; `hexauth setup git` does that.")


def _order(where: str, values: list[str]) -> Iterator[Finding]:
    """Yield which helpers are asked before hexauth; an empty one takes back those before it."""
    start = max((n for n, value in enumerate(values, 1) if not value), default=0)
    asked = values[start:]
    first = next((n for n, value in enumerate(asked) if _is_ours(value)), None)
    if first is None:
        return
    others = ", ".join(_shown(value) for value in asked[:first])
    if others:
        yield warning(
            f"order for {where}",
            f"Git asks {others} before hexauth, and takes what it answers.",
            "Run `hexauth setup git`, which puts an empty helper first; or take it out there.",
        )
    else:
        yield ok(f"order for {where}", "Hexauth is asked first.")


def _fits(url: str, where: str) -> bool:
    """Tell whether what is set for `url` is for the whole of the server at `where` (git-config(1)).

    A `*` stands for one part of a host's name.
    """
    if not url or not is_web_url(url.replace("*", "x")):
        return not url
    scheme, host = split_url(url)
    host = host.rpartition("@")[2]
    path = url.partition("://")[2].partition("/")[2]
    if path.strip("/"):
        return False
    here, there = origin(scheme, host), where
    return here.count(".") == there.count(".") and fnmatchcase(there, here.replace("[", "[[]"))


def _origin(url: str) -> str:
    """Return the server of an URL, without its user."""
    scheme, host = split_url(url) if "://" in url else ("", url)
    host = host.rpartition("@")[2]
    return f"{scheme}://{host}" if scheme else host.partition("/")[0]


def _shown(value: str) -> str:
    """Return a helper in words: its arguments, and what a shell is given, may hold a secret."""
    if not value:
        return "an empty one, which takes back those before it"
    if _is_ours(value):
        return _program(value)
    return "a command for the shell" if value.startswith("!") else value.split(maxsplit=1)[0]


def _is_ours(value: str) -> bool:
    return os.path.basename(_program(value)) == OURS  # noqa: PTH119  (it may be no path)


def _program(value: str) -> str:
    """Return the program of a helper, as git finds it (gitcredentials(7)); empty if none is."""
    try:
        words = shlex.split(value.removeprefix("!"))
    except ValueError:
        return ""
    if not words:
        return ""
    if value.startswith("!") or Path(words[0]).is_absolute():
        return words[0]
    return f"git-credential-{words[0]}" if re.fullmatch(r"[\w.-]+", words[0]) else ""
