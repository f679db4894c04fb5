"""`hexauth erase`: forget what a server has rejected."""

import click

from hexauth.cli.options import Flags, account_option, vault_option
from hexauth.cli.streams import read_request
from hexauth.credentials import stored
from hexauth.login.ending import reject
from hexauth.login.tokens import tokens_for
from hexauth.protocols import git


@click.command(short_help="Forget the credentials that standard input describes.")
@account_option()
@vault_option()
@click.pass_obj
def erase(flags: Flags) -> None:
    """Forget the credentials that standard input describes, as git sends it.

    For a login's own token that means: if it is still the one on file, refresh it at the next
    `hexauth get`. Nobody is ever logged out by this.
    """
    given = git.parse(read_request())
    target = given.target
    if not target.protocol or not target.host:
        return
    home = flags.home()
    tokens = tokens_for(home, target)
    if tokens is not None and given.secret:
        reject(tokens, given.secret)
    stored.erase(home, target, given.secret)
