"""`hexauth login`: log in, once."""

import click

from hexauth import hex as hexpm
from hexauth.cli.options import Flags, account_option, vault_option
from hexauth.cli.streams import read_key
from hexauth.login.api_key import keep_key
from hexauth.login.asking import Question, device_name, log_in
from hexauth.login.attempts import Arrival, arrive
from hexauth.login.renewal import refreshed
from hexauth.login.tokens import Tokens
from hexauth.model import Login, Token
from hexauth.servers.accounts import login_at
from hexauth.servers.directory import given_server, scope_for
from hexauth.servers.targets import parse_target


@click.command()
@click.argument("target", default=hexpm.REPOSITORY)
@account_option()
@click.option("--client-id", metavar="ID", help="The OAuth client to log in as.")
@click.option(
    "--browser/--no-browser", default=True, help="Open a browser, or only print the address."
)
@click.option("--force", is_flag=True, help="Log in again, even if there is a login that works.")
@click.option("--scope", metavar="SCOPES", help="The scopes to ask for, separated by spaces.")
@click.option("--name", metavar="NAME", help="The device's name on the approval page.")
@click.option("--with-token", is_flag=True, help="Keep an API key, read from standard input.")
@vault_option()
@click.pass_obj
def login(
    flags: Flags,
    target: str,
    client_id: str | None,
    browser: bool,
    force: bool,
    scope: str | None,
    name: str | None,
    with_token: bool,
) -> None:
    """Log in to TARGET in a browser, here or on any other device.

    An address and a code are printed; open the address, check the code and approve. If a login
    that works is there already, nothing happens unless --force or other scopes are given. A new
    login ends the session of the one that it replaces.

    TARGET is hexpm, the API of another Hex server, such as https://hex.example.com/api, or any
    server that knows OAuth's device grant. Such a server is asked where it answers; --client-id
    is what its owner has registered for hexauth.
    """
    home = flags.home(scope=scope)
    named = parse_target(target, home.settings)
    server = given_server(home, named, client_id)
    where = login_at(home, server, named.username)
    if where is None:  # a new account
        where = Login(server.url, server.client_id, named.username or "")
    tokens = Tokens(home, where)
    if with_token:
        owner = keep_key(tokens, read_key()) or "an unnamed user"
        home.screen.say(f"The API key of {owner} is stored in {tokens.vault.describe()}.")
        return
    arrival = arrive(tokens)
    token = None if force else _live(tokens, arrival, scope)
    if token is not None:
        home.screen.say(f"You are logged in to {where.server} already{_as_user(token)}.")
        home.screen.say("To log in again, run `hexauth login --force`.")
        return
    question = Question(scope_for(server, home.settings), name or device_name(), browser)
    token = log_in(tokens, arrival, question, may_ask=True)
    home.screen.say(f"You are logged in to {where.server}{_as_user(token)}.")


def _live(tokens: Tokens, arrival: Arrival, scope: str | None) -> Token | None:
    """Return the token of a login that works and covers `scope`, refreshed if need be."""
    home, token = tokens.home, arrival.token
    if home.vaults.before(tokens.entry) is not None:
        return None  # what is in this vault was left over, when the login moved to the other one
    if token is None or (scope is not None and not _covers(token.scope, scope)):
        return None
    if token.is_fresh(home.now(), home.settings.min_ttl):
        return token
    return refreshed(tokens, arrival)


def _covers(granted: str, wanted: str) -> bool:
    """Tell whether `granted` includes `wanted`; hexpm grants `api` as its two halves."""
    have = set(granted.split())
    if {"api:read", "api:write"} <= have:
        have.add("api")
    return set(wanted.split()) <= have


def _as_user(token: Token) -> str:
    user = hexpm.user_name(token)
    return f" as {user}" if user else ""
