"""`hexauth store`: keep what a tool hands over."""

import click

from hexauth.cli.options import Flags, account_option, vault_option
from hexauth.cli.streams import read_request
from hexauth.credentials import stored
from hexauth.login.tokens import tokens_for
from hexauth.protocols import git
from hexauth.vault.drawers import Stored


@click.command(short_help="Keep a credential that standard input describes.")
@account_option()
@vault_option()
@click.pass_obj
def store(flags: Flags) -> None:
    """Keep the credential that standard input describes, as git sends it.

    A login's own token is not stored a second time, and nothing that git calls ephemeral is.
    """
    given = git.parse(read_request())
    target = given.target
    complete = target.username is not None if given.authtype is None else given.credential
    if not target.protocol or not target.host or not complete or given.secret is None:
        return
    home = flags.home()
    tokens = tokens_for(home, target)
    if given.ephemeral or (tokens is not None and tokens.load() is not None):
        return
    new = Stored(
        path=target.path,
        username=target.username,
        secret=given.secret,
        authtype=given.authtype if given.password is None else None,
        expires_at=given.expires_at,
        refresh_token=given.refresh_token,
    )
    stored.store(home, target, new)
