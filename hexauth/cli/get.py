"""`hexauth get`: hand out a credential."""

import sys

import click

from hexauth.cli.options import (
    login_option,
    min_ttl_option,
    open_world,
    read_request,
    vault_option,
    write_answer,
)
from hexauth.errors import HexauthError, LoginRequired
from hexauth.hot import Front
from hexauth.model import Credential
from hexauth.protocols import git, shell
from hexauth.resolve import Search, hex_search, resolve
from hexauth.targets import known_targets, login_for, parse_target
from hexauth.world import World


@click.command()
@click.argument("target", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["git", *shell.FORMATS]),
    default="git",
    show_default=True,
    help="How to print the credential.",
)
@login_option()
@min_ttl_option()
@vault_option()
@click.pass_obj
def get(
    front: Front | None,
    target: str | None,
    form: str,
    login: bool | None,
    min_ttl: int | None,
    vault: str | None,
) -> None:
    """Print a working credential for TARGET, refreshed if need be.

    TARGET is hexpm, hexpm:ORGANIZATION, or an URL. With it, standard input is not read. Without
    it, a description of the credential is read from standard input, as git sends it; at a
    terminal, TARGET is hexpm.

    If nobody is logged in, the person is asked to log in, once, however many programs wait.
    """
    world = open_world(front, min_ttl=min_ttl, vault=vault)
    may_ask = world.may_ask(login)
    if target is not None:
        search = Search(world, parse_target(target, world.settings), may_ask=may_ask)
        write_answer(_render(_found(search), form))
    elif (front is None or front.request is None) and sys.stdin.isatty():
        write_answer(_render(_found(hex_search(world, may_ask=may_ask)), form))
    else:
        _answer_git(world, read_request(front), form, may_ask=may_ask)


def _found(search: Search) -> Credential:
    credential = resolve(search)
    if credential is None:
        known = ", ".join(known_targets(search.world.settings))
        raise LoginRequired(
            f"Nothing is stored for {search.target}, and hexauth has no login for it.",
            hint=f"Known are {known}, and whatever a tool has stored.",
        )
    return credential


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
