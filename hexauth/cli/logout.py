"""`hexauth logout`: end the login, here and at the server."""

import click

from hexauth import hex as hexpm
from hexauth.cli.options import Flags, account_option, json_option, vault_option
from hexauth.cli.streams import write_json
from hexauth.errors import Unreachable
from hexauth.login.ending import log_out
from hexauth.login.tokens import Tokens
from hexauth.model import Kind
from hexauth.servers.accounts import account_name, require_login
from hexauth.servers.targets import parse_target


@click.command(short_help="End the session at the server, and remove every local trace.")
@click.argument("target", default=hexpm.REPOSITORY)
@account_option()
@json_option()
@vault_option()
@click.pass_obj
def logout(flags: Flags, target: str, as_json: bool) -> None:
    """Log out of TARGET: end the session at the server and remove every local trace of it.

    If the server cannot be reached, the local login is removed all the same, and the exit code
    is 6.
    """
    home = flags.home()
    where = require_login(home, parse_target(target, home.settings), target)
    tokens = Tokens(home, where)
    facts = {
        "server": where.server,
        "client_id": where.client_id,
        "account": account_name(home, where) or None,
    }
    try:
        token = log_out(tokens)
    except Unreachable:
        if as_json:
            write_json({**facts, "was_logged_in": True, "ended_at_server": False})
        raise
    if as_json:
        is_session = token is not None and token.kind is not Kind.KEY
        write_json({**facts, "was_logged_in": token is not None, "ended_at_server": is_session})
        return
    if token is None:
        home.screen.say(f"You were not logged in to {where.server}.")
        return
    home.screen.say(f"You are logged out of {where.server}.")
    if token.kind is Kind.KEY:
        home.screen.say("The API key itself still works: remove it under your account's keys.")
