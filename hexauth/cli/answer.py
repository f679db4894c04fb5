"""What `hexauth get` does, without Click: a plain `get` comes here directly."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from hexauth.cli.streams import read_request, write_answer
from hexauth.credentials import note, sources
from hexauth.credentials.request import Request
from hexauth.credentials.short import render
from hexauth.errors import HexauthError
from hexauth.hot import Front
from hexauth.machine.terminal import on
from hexauth.protocols import git
from hexauth.vault.home import Home


@dataclass(frozen=True)
class Asked:
    """What `hexauth get` was asked."""

    target: str | None = None
    """What was named; None leaves it to standard input."""
    form: str = "git"
    repository: str = ""
    """One that was named, or for whose sake `target` is asked for."""
    explain: sources.Explain = sources.explain_nothing
    """Hears which sources were asked."""
    ask: bool | None = None
    """Whether a person may be asked; None leaves it to the surroundings."""
    flags: Mapping[str, object] = field(default_factory=dict)
    """Settings that were given as options."""


def answer(asked: Asked, front: Front) -> None:
    """Write the credential for what was named, or for what standard input describes.

    Raises what `sources.get` does.
    """
    home = Home.open(front, **asked.flags)
    note.keep(home)
    is_named = asked.target is not None or asked.repository != ""
    if not is_named and not (front.request is None and sys.stdin and sys.stdin.isatty()):
        _answer_git(home, read_request(front), asked)
        return
    request = Request.named(home, asked.target, ask=asked.ask, repository=asked.repository)
    write_answer(render(sources.get(request, asked.explain), asked.form))


def explain_on_screen(source: str, why: str) -> None:
    """Say on standard error that `source` was asked, and what came of it."""
    on(sys.stderr).say(f"{source}: {why}")


def _answer_git(home: Home, description: bytes, asked: Asked) -> None:
    """Answer git's request; for a server of ours, git is kept from asking in hexauth's place."""
    given = git.parse(description)
    form = asked.form
    authtype = "authtype" in given.capabilities or form != "git"
    request = Request(home, given.target, ask=asked.ask, authtype=authtype)
    try:
        credential = sources.find(request, asked.explain)
    except HexauthError:
        if form == "git" and request.server is not None:
            write_answer(git.QUIT)
        raise
    if credential is not None:
        write_answer(render(credential, form, given.capabilities))
