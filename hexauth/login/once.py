"""What `hexauth login` does: it logs in where a person says, unless a login there works already."""

from hexauth import hex as hexpm
from hexauth.login.asking import Question, device_name, log_in
from hexauth.login.attempts import Arrival, arrive
from hexauth.login.renewal import refreshed
from hexauth.login.tokens import Tokens
from hexauth.model import Login, Token
from hexauth.servers.accounts import login_at
from hexauth.servers.directory import Server, given_server, scope_for
from hexauth.servers.targets import parse_target
from hexauth.vault.home import Home


def meant(home: Home, target: str, client_id: str | None) -> tuple[Server, Tokens]:
    """Return the server at `target`, and the login there, which need not exist yet.

    `client_id` is the OAuth client to log in as, if said. Raises `UsageError`.
    """
    named = parse_target(target, home.settings)
    server = given_server(home, named, client_id)
    login = login_at(home, server, named.username)
    if login is None:  # a new account
        login = Login(server.url, server.client_id, named.username or "")
    return server, Tokens(home, login)


def log_in_once(
    home: Home,
    target: str = hexpm.REPOSITORY,
    client_id: str | None = None,
    *,
    force: bool = False,
    scope: str | None = None,
    name: str | None = None,
) -> None:
    """Log in at `target`, and say so; `force` does it even if a login works that covers `scope`.

    `name` is the device's on the approval page. Raises `UsageError`, and what `log_in` does.
    """
    server, tokens = meant(home, target, client_id)
    arrival = arrive(tokens)
    token = None if force else _live(tokens, arrival, scope)
    if token is not None:
        user = hexpm.user_name(token)
        named = f" as {user}" if user else ""
        home.screen.say(f"You are logged in to {server.url} already{named}.")
        home.screen.say("To log in again, run `hexauth login --force`.")
        return
    scopes = scope_for(server, home.settings)
    question = Question(scopes, name or device_name(), own=True)
    log_in(tokens, arrival, question)


def _live(tokens: Tokens, arrival: Arrival, scope: str | None) -> Token | None:
    """Return the token of a login that works and covers `scope`, refreshed if need be."""
    home, token = tokens.home, arrival.token
    if home.vaults.before(tokens.entry) is not None:
        return None  # what is in this vault was left over, when the login moved to the other one
    if token is None or (scope is not None and hexpm.missing_scopes(token.scope, scope)):
        return None
    if token.is_fresh(home.now(), home.settings.min_ttl):
        return token
    return refreshed(tokens, arrival)
