"""`hexauth store`: keep what a tool hands over."""

import click

from hexauth import stored
from hexauth.accounts import login_for
from hexauth.cli.options import account_option, vault_option
from hexauth.cli.streams import read_request
from hexauth.protocols import git
from hexauth.tokens import load
from hexauth.vault.drawers import Stored
from hexauth.world import open_world


@click.command(short_help="Keep a credential that standard input describes.")
@account_option()
@vault_option()
def store(account: str | None, vault: str | None) -> None:
    """Keep the credential that standard input describes, as git sends it.

    A login's own token is not stored a second time, and nothing that git calls ephemeral is.
    """
    given = git.parse(read_request())
    target = given.target
    complete = target.username is not None if given.authtype is None else given.credential
    if not target.protocol or not target.host or not complete or given.secret is None:
        return
    world = open_world(vault=vault, account=account)
    login = login_for(world, target)
    if given.ephemeral or (login is not None and load(world, login) is not None):
        return
    new = Stored(
        path=target.path,
        username=target.username,
        secret=given.secret,
        authtype=given.authtype if given.password is None else None,
        expires_at=given.expires_at,
        refresh_token=given.refresh_token,
    )
    stored.store(world, target, new)
