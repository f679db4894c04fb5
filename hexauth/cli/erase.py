"""`hexauth erase`: forget what a server has rejected."""

import click

from hexauth import stored
from hexauth.accounts import login_for
from hexauth.cli.options import account_option, vault_option
from hexauth.cli.streams import read_request
from hexauth.protocols import git
from hexauth.session import reject
from hexauth.world import open_world


@click.command(short_help="Forget the credentials that standard input describes.")
@account_option()
@vault_option()
def erase(account: str | None, vault: str | None) -> None:
    """Forget the credentials that standard input describes, as git sends it.

    For a login's own token that means: if it is still the one on file, refresh it at the next
    `hexauth get`. Nobody is ever logged out by this.
    """
    given = git.parse(read_request())
    target = given.target
    if not target.protocol or not target.host:
        return
    world = open_world(vault=vault, account=account)
    login = login_for(world, target)
    if login is not None and given.secret:
        reject(world, login, given.secret)
    stored.erase(world, target, given.secret)
