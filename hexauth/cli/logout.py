"""`hexauth logout`: end the login, here and at the server."""

import click

from hexauth import hex as hexpm
from hexauth.cli.options import vault_option
from hexauth.errors import UsageError
from hexauth.model import Kind
from hexauth.session import log_out
from hexauth.targets import known_targets, login_for, parse_target
from hexauth.world import open_world


@click.command(short_help="End the session at the server, and remove every local trace.")
@click.argument("target", default=hexpm.REPOSITORY)
@vault_option()
def logout(target: str, vault: str | None) -> None:
    """Log out of TARGET: end the session at the server and remove every local trace of it.

    If the server cannot be reached, the local login is removed all the same, and the exit code
    is 6.
    """
    world = open_world(vault=vault)
    where = login_for(parse_target(target, world.settings), world.settings)
    if where is None:
        known = ", ".join(known_targets(world.settings))
        raise UsageError(f"{target} has no login.", hint=f"Known are {known}.")
    token = log_out(world, where)
    if token is None:
        world.screen.say(f"You were not logged in to {where.server}.")
        return
    world.screen.say(f"You are logged out of {where.server}.")
    if token.kind is Kind.KEY:
        world.screen.say("The API key itself still works: remove it under your account's keys.")
