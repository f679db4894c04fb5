"""What `hexauth get` does, without Click: a plain `get` comes here directly."""

import sys

from hexauth import hex as hexpm
from hexauth.cli.streams import read_request, write_answer
from hexauth.errors import HexauthError
from hexauth.hot import Front
from hexauth.model import Credential, Target
from hexauth.protocols import git, shell
from hexauth.repositories import find_repository
from hexauth.resolve import found, resolve
from hexauth.search import Search, hex_search
from hexauth.servers import server_for
from hexauth.system import Screen
from hexauth.targets import parse_target, repository_target
from hexauth.world import World, open_world


def answer(
    front: Front | None,
    target: str | None,
    form: str,
    login: bool | None,
    *,
    repository: str = "",
    explain: bool = False,
    **flags: object,
) -> None:
    """Write the credential for `target`, or for what standard input describes, as `form`.

    `login` tells whether a person may be asked, None leaving it to the surroundings; `flags` are
    settings. `repository` names one, or says for whose sake `target` is asked for; `explain` says
    on the screen which sources were asked. Raises what `resolve` does.
    """
    world = open_world(front, **flags)
    may_ask = world.may_ask(login)
    if target is not None or repository:
        wanted = named_target(world, target, repository)
        search = Search(world, wanted, may_ask=may_ask, repository=repository)
        write_answer(_render(found(search, _explain if explain else lambda *_: None), form))
    elif (front is None or front.request is None) and sys.stdin and sys.stdin.isatty():
        write_answer(_render(found(hex_search(world, may_ask=may_ask)), form))
    else:
        _answer_git(world, read_request(front), form, may_ask=may_ask)


def named_target(world: World, target: str | None, repository: str = "") -> Target:
    """Return what was named: `target`, or the repository itself if that is all."""
    if target is None and repository:
        return repository_target(find_repository(repository, world.settings))
    return parse_target(target or hexpm.REPOSITORY, world.settings)


def _explain(source: str, why: str) -> None:
    Screen(sys.stderr.write, visible=False).say(f"{source}: {why}")


def _answer_git(world: World, request: bytes, form: str, *, may_ask: bool) -> None:
    """Answer git's request; for a server of ours, git is kept from asking in hexauth's place."""
    description = git.parse(request)
    authtype = "authtype" in description.capabilities or form != "git"
    search = Search(world, description.target, may_ask=may_ask, authtype=authtype)
    try:
        credential = resolve(search)
    except HexauthError:
        if form == "git" and server_for(world, description.target) is not None:
            write_answer(git.QUIT)
        raise
    if credential is not None:
        write_answer(_render(credential, form, description.capabilities))


def _render(credential: Credential, form: str, capabilities: tuple[str, ...] = ()) -> bytes:
    if form == "git":
        return git.render(credential, capabilities)
    return shell.render(credential, form)
