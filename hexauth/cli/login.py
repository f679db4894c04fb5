"""`hexauth login`: log in, once."""

import click

from hexauth import hex as hexpm
from hexauth import oauth
from hexauth.accounts import login_at
from hexauth.attempt import Arrival, arrive
from hexauth.cli.options import account_option, vault_option
from hexauth.cli.streams import read_key
from hexauth.errors import Refused, UsageError
from hexauth.login import Question, log_in
from hexauth.model import Kind, Login, Token
from hexauth.mutex import Mutex
from hexauth.search import device_name
from hexauth.servers import endpoints_for, given_server, remember
from hexauth.session import TOKEN_SECONDS, refreshed, replace_login, vault_before
from hexauth.targets import parse_target
from hexauth.tokens import files
from hexauth.vault.logins import name as entry_name
from hexauth.world import World, open_world


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
def login(
    target: str,
    account: str | None,
    client_id: str | None,
    browser: bool,
    force: bool,
    scope: str | None,
    name: str | None,
    with_token: bool,
    vault: str | None,
) -> None:
    """Log in to TARGET in a browser, here or on any other device.

    An address and a code are printed; open the address, check the code and approve. If a login
    that works is there already, nothing happens unless --force or other scopes are given. A new
    login ends the session of the one that it replaces.

    TARGET is hexpm, the API of another Hex server, such as https://hex.example.com/api, or any
    server that knows OAuth's device grant. Such a server is asked where it answers; --client-id
    is what its owner has registered for hexauth.
    """
    world = open_world(scope=scope, vault=vault, account=account)
    named = parse_target(target, world.settings)
    server = given_server(world, named, client_id)
    where = login_at(world, server, named.username)
    if where is None:  # a new account
        where = Login(server.url, server.client_id, named.username or "")
    if with_token:
        _keep_key(world, where)
        return
    arrival = arrive(world, where)
    token = None if force else _live(world, where, arrival, scope)
    if token is not None:
        world.screen.say(f"You are logged in to {where.server} already{_as_user(token)}.")
        world.screen.say("To log in again, run `hexauth login --force`.")
        return
    scopes = world.settings.scope if world.settings.sources["scope"] else server.scope
    question = Question(scopes, name or device_name(), browser)
    token = log_in(world, where, arrival, question, may_ask=True)
    world.screen.say(f"You are logged in to {where.server}{_as_user(token)}.")


def _live(world: World, where: Login, arrival: Arrival, scope: str | None) -> Token | None:
    """Return the token of a login that works and covers `scope`, refreshed if need be."""
    token = arrival.token
    if vault_before(world, where) is not None:
        return None  # what is in this vault was left over, when the login moved to the other one
    if token is None or (scope is not None and not _covers(token.scope, scope)):
        return None
    if token.is_fresh(world.now(), world.settings.min_ttl):
        return token
    return refreshed(world, where, arrival)


def _covers(granted: str, wanted: str) -> bool:
    """Tell whether `granted` includes `wanted`; hexpm grants `api` as its two halves."""
    have = set(granted.split())
    if {"api:read", "api:write"} <= have:
        have.add("api")
    return set(wanted.split()) <= have


def _as_user(token: Token) -> str:
    user = hexpm.user_name(token)
    return f" as {user}" if user else ""


def _keep_key(world: World, where: Login) -> None:
    """Read an API key, check it at the server, and keep it in place of an OAuth login."""
    key = read_key()
    if not endpoints_for(world, where).session_revocation:
        raise UsageError(f"{where.server} is no Hex server, and has no API keys.")
    try:
        user = oauth.current_user(world.http, f"{where.server}/users/me", key)
    except Refused as refusal:
        refusal.hint = "Check the key under the keys of your account; nothing was stored."
        raise
    world.vault(entry_name(where)).check()
    with Mutex(files(world, where).token_mutex).held(TOKEN_SECONDS):
        new = Token(access=key, issued_at=int(world.now()), kind=Kind.KEY)
        replace_login(world, where, new)
    name = user.get("username")
    remember(world, where, name if isinstance(name, str) else None, "")
    owner = name or "an unnamed user"
    place = world.vault(entry_name(where)).describe()
    world.screen.say(f"The API key of {owner} is stored in {place}.")
