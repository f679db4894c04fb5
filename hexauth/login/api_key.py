"""An API key kept in place of a login, for machines where nobody logs in."""

from hexauth.errors import UsageError
from hexauth.login.ending import replace_login
from hexauth.login.tokens import Tokens
from hexauth.model import Kind, Token
from hexauth.servers import oauth
from hexauth.servers.accounts import is_name
from hexauth.servers.directory import endpoints_for, remember


def keep_key(tokens: Tokens, key: str) -> str | None:
    """Keep `key` in place of the login, if its server takes it; return its owner's name, if known.

    Raises `UsageError` at a server that has no keys, `Refused`, `Unreachable` and `VaultError`.
    """
    home, login = tokens.home, tokens.login
    if not endpoints_for(home, login).session_revocation:
        raise UsageError(
            f"{login.server} is no Hex server, and has no API keys.",
            hint=f"Leave --with-token out: `hexauth login {login.server}`.",
        )
    user = oauth.current_user(home.http, f"{login.server}/users/me", key)
    home.vaults.check(tokens.entry)
    with tokens.changing():
        replace_login(tokens, Token(access=key, issued_at=int(home.now()), kind=Kind.KEY))
    name = user.get("username")
    owner = name if is_name(name) else None
    remember(home, login, owner, "")
    return owner
