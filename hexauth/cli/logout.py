"""`hexauth logout`: end the login, here and at the server."""

import click

from hexauth import hex as hexpm
from hexauth.accounts import require_login
from hexauth.cli.options import account_option, vault_option
from hexauth.model import Kind
from hexauth.session import log_out
from hexauth.targets import parse_target
from hexauth.world import open_world


@click.command(short_help="End the session at the server, and remove every local trace.")
@click.argument("target", default=hexpm.REPOSITORY)
@account_option()
@vault_option()
def logout(target: str, account: str | None, vault: str | None) -> None:
    """Log out of TARGET: end the session at the server and remove every local trace of it.

    If the server cannot be reached, the local login is removed all the same, and the exit code
    is 6.
    """
    world = open_world(vault=vault, account=account)
    where = require_login(world, parse_target(target, world.settings), target)
    token = log_out(world, where)
    if token is None:
        world.screen.say(f"You were not logged in to {where.server}.")
        return
    world.screen.say(f"You are logged out of {where.server}.")
    if token.kind is Kind.KEY:
        world.screen.say("The API key itself still works: remove it under your account's keys.")
