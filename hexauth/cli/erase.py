"""`hexauth erase`: forget what a server has rejected."""

import click

from hexauth import stored
from hexauth.cli.options import vault_option
from hexauth.cli.streams import read_request
from hexauth.protocols import git
from hexauth.session import reject
from hexauth.targets import login_for
from hexauth.world import open_world


@click.command(short_help="Forget the credentials that standard input describes.")
@vault_option()
def erase(vault: str | None) -> None:
    """Forget the credentials that standard input describes, as git sends it.

    For a login's own token that means: if it is still the one on file, refresh it at the next
    `hexauth get`. Nobody is ever logged out by this.
    """
    given = git.parse(read_request())
    target = given.target
    if not target.protocol or not target.host:
        return
    world = open_world(vault=vault)
    login = login_for(target, world.settings)
    if login is not None and given.secret and target.username in (None, world.settings.username):
        reject(world, login, given.secret)
    stored.erase(world, target, given.secret)
