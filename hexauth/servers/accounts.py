"""The accounts that hexauth has at a server: which there are, and which one is meant."""

from collections.abc import Mapping

from hexauth import hex as hexpm
from hexauth.errors import HexauthError, LoginRequired, UsageError
from hexauth.memory.waiting import UNASKED
from hexauth.model import Login, Target, Token
from hexauth.servers import oauth
from hexauth.servers.directory import Server, endpoints_for, server_for
from hexauth.vault.home import Home
from hexauth.vault.logins import name as entry_name
from hexauth.world.settings import Settings


def accounts(home: Home, server: Server) -> Mapping[str, Login]:
    """Return the accounts at `server` by name; one whose user is not known has an empty name."""
    return {
        login.account or facts.get("user", ""): login
        for login, facts in home.vaults.logins()
        if (login.server, login.client_id) == (server.url, server.client_id) and not login.exchange
    }


def login_at(home: Home, server: Server, username: str | None = None) -> Login | None:
    """Return the login that is used at `server`; None if `username` names no account there.

    `username` is what a tool asked for; that of tokens, such as `oauth2`, stands for any account.
    An account that was named, by flag or environment, comes first; then the one that config.toml
    names; then the only one, or the first. Raises `UsageError` if several are left.
    """
    known = accounts(home, server)
    settings = home.settings
    usual = (None, server.username or settings.username)
    first = Login(server.url, server.client_id)
    if named := explicit_account(settings):
        if username not in (*usual, named):
            return None
        return known.get(named) or Login(server.url, server.client_id, named)
    if username not in usual:
        return known.get(username or "")
    for default in (settings.accounts.get(server.url), settings.account):
        if default and default in known:
            return known[default]
    if not known or first in known.values():
        return first
    if len(known) > 1:
        raise UsageError(
            f"There are several accounts at {server.url}: {', '.join(known)}.",
            hint="Name one with --account, or choose one for good with `hexauth switch NAME`.",
        )
    return next(iter(known.values()))


def explicit_account(settings: Settings) -> str:
    """Return the account that a flag or the environment names, or an empty text."""
    is_said = settings.sources["account"].startswith(("-", "$"))
    return settings.account if is_said else ""


def login_for(home: Home, target: Target) -> Login | None:
    """Return the login whose token works at `target`, or None."""
    server = server_for(home, target)
    return None if server is None else login_at(home, server, target.username)


def account_name(home: Home, login: Login) -> str:
    """Return what the account of `login` is called; empty if nobody knows."""
    facts = home.vaults.facts(entry_name(login))
    return login.account or facts.get("user", "")


def user_of(home: Home, login: Login, token: Token) -> str | None:
    """Return the name of the user whom a new `token` belongs to, if the server tells."""
    name = hexpm.user_name(token)
    if name or token.access is None:
        return name
    try:
        endpoints = endpoints_for(home, login)
        url = endpoints.userinfo
        if not url and endpoints.session_revocation:
            url = f"{login.server}/users/me"
        said = oauth.current_user(home.http, url, f"Bearer {token.access}") if url else {}
    except HexauthError:  # a login without a name is a login
        return None
    return next((said[key] for key in USER_KEYS if is_name(said.get(key))), None)


def is_name(said: object) -> bool:
    """Tell whether `said` can be what a server calls a user."""
    return isinstance(said, str) and 0 < len(said) <= NAME_CHARACTERS and said.isprintable()


NAME_CHARACTERS = 256

USER_KEYS = ("username", "preferred_username", "nickname", "sub")
"""What a server may call its users' names: hexpm; OpenID Connect Core section 5.1."""


def require_login(home: Home, target: Target, shown: str) -> Login:
    """Return the login for `target`, which a person wrote as `shown`. Raises `UsageError`."""
    login = login_for(home, target)
    if login is None:
        raise UsageError(
            f"hexauth has no login for {shown}.",
            hint=f"`hexauth status` lists what it has; `hexauth login {shown}` makes one.",
        )
    return login


def login_advice(settings: Settings, login: Login) -> str:
    """Return what a person does who is to log in."""
    words = ["hexauth login"]
    words += [login.server] if login.server != settings.api_url else []
    words += [f"--account {login.account}"] if login.account else []
    return f"Run `{' '.join(words)}` in a terminal."


def no_login(settings: Settings, login: Login, why_not: str = "") -> LoginRequired:
    """Return the error that nobody is logged in, and `why_not` anybody was asked, if that is said.

    Its hint names the variables that take the place of a login, where there are some.
    """
    whose = f" as {login.account}" if login.account else ""
    advice = login_advice(settings, login)
    is_hexpm = login.server == settings.api_url and not login.account
    unasked = f"{UNASKED}{why_not}" if why_not else ""
    return LoginRequired(
        f"There is no login{whose} at {login.server}{unasked}.",
        hint=f"{advice} {VARIABLES}" if is_hexpm else advice,
    )


VARIABLES = "Where nobody can, set HEX_API_KEY to a key, or HEX_REPOS_KEY for packages."
"""What takes the place of a login at the server of `hexpm`."""
