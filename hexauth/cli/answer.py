"""What `hexauth get` does, without Click: a plain `get` comes here directly."""

import sys

from hexauth.cli.streams import read_request, write_answer
from hexauth.errors import HexauthError
from hexauth.hot import Front
from hexauth.model import Credential
from hexauth.protocols import git, shell
from hexauth.resolve import Search, found, hex_search, resolve
from hexauth.targets import login_for, parse_target
from hexauth.world import World, open_world


def answer(
    front: Front | None,
    target: str | None,
    form: str,
    login: bool | None,
    **flags: object,
) -> None:
    """Write the credential for `target`, or for what standard input describes, as `form`.

    `login` tells whether a person may be asked, None leaving it to the surroundings; `flags` are
    settings. Raises what `resolve` does.
    """
    world = open_world(front, **flags)
    may_ask = world.may_ask(login)
    if target is not None:
        search = Search(world, parse_target(target, world.settings), may_ask=may_ask)
        write_answer(_render(found(search), form))
    elif (front is None or front.request is None) and sys.stdin and sys.stdin.isatty():
        write_answer(_render(found(hex_search(world, may_ask=may_ask)), form))
    else:
        _answer_git(world, read_request(front), form, may_ask=may_ask)


def _answer_git(world: World, request: bytes, form: str, *, may_ask: bool) -> None:
    """Answer git's request; for a server of ours, git is kept from asking in hexauth's place."""
    description = git.parse(request)
    authtype = "authtype" in description.capabilities or form != "git"
    search = Search(world, description.target, may_ask=may_ask, authtype=authtype)
    try:
        credential = resolve(search)
    except HexauthError:
        if form == "git" and login_for(description.target, world.settings) is not None:
            write_answer(git.QUIT)
        raise
    if credential is not None:
        write_answer(_render(credential, form, description.capabilities))


def _render(credential: Credential, form: str, capabilities: tuple[str, ...] = ()) -> bytes:
    if form == "git":
        return git.render(credential, capabilities)
    return shell.render(credential, form)
