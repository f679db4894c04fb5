"""The logins: who is logged in where, for how long, and what is under way."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from hexauth import hex as hexpm
from hexauth.credentials import keys
from hexauth.doctor.case import Case, exposed
from hexauth.doctor.finding import Finding, ok, problem, warning
from hexauth.errors import UsageError, VaultError
from hexauth.login.asking import under_way
from hexauth.login.tokens import Tokens
from hexauth.model import Kind, Login, Token
from hexauth.servers.accounts import account_name, login_advice, login_at
from hexauth.servers.directory import hex_server
from hexauth.vault.logins import load_login
from hexauth.world.told import masked

DAYS = 3
"""A session that ends sooner is a warning."""


def look(case: Case) -> Iterator[Finding]:
    """Yield for each login who it is and until when, and for hexpm's if there is none."""
    for login in _logins(case):
        yield from _login(case, login)
    for entry in keys.listed(case):
        kinds = entry["kinds"].replace(" ", ", ")
        yield ok(f"keys of {entry['repository']}", f"At {masked(entry['at'])}: {kinds}.")


def _logins(case: Case) -> list[Login]:
    known = [login for login, _ in case.vaults.logins() if not login.exchange]
    try:
        usual = login_at(case, hex_server(case.settings)) or case.settings.login
    except UsageError:  # several, of which none is meant if nobody is named
        return known
    return list(dict.fromkeys([usual, *known]))


def _login(case: Case, login: Login) -> Iterator[Finding]:
    account = account_name(case, login)
    server = masked(login.server)
    name = f"{account} at {server}" if account else server
    tokens, choice = Tokens(case, login), case.vaults.choice(Tokens(case, login).entry)
    folder = case.places.state
    is_ready = not exposed(folder) and os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    if closed := case.closed(choice.name):
        yield warning(name, f"The {choice.name} vault was not read, as {closed}.", "See above.")
    elif folder.exists() and not is_ready:
        yield problem(name, f"{folder} is not in order.", "See above, at its locks.")
    else:
        yield from _kept(case, tokens, name, is_ready=is_ready)
    record = under_way(tokens) if is_ready and tokens.local_turn("login").mutex.exists() else None
    if record is not None:
        yield ok(f"login at {server}", f"Process {record.pid} is waiting for its approval.")


def _kept(case: Case, tokens: Tokens, name: str, *, is_ready: bool) -> Iterator[Finding]:
    """Yield what is in the vault; where there is no folder for locks, nothing is in memory."""
    try:
        token = tokens.load() if is_ready else load_login(tokens.vault, tokens.login)
    except VaultError as error:
        yield problem(name, str(error), error.hint)
        return
    yield _state(case, tokens.login, name, token)
    if is_ready and tokens.is_unsaved():
        text = "The new token is in memory alone, as the vault has not taken it."
        yield warning(name, text, "Put the vault in order, then run `hexauth get`.")


def _state(case: Case, login: Login, name: str, token: Token | None) -> Finding:
    advice = login_advice(case.settings, login)
    if token is None:
        if case.settings.api_key and login.server == case.settings.api_url:
            return ok(name, "Nobody is logged in; HEX_API_KEY is used.")
        return warning(name, "Nobody is logged in.", advice)
    if token.kind is Kind.KEY:
        return ok(name, "An API key is kept, which has no expiry.")
    return _session(name, token, case.now(), advice)


def _session(name: str, token: Token, now: float, advice: str) -> Finding:
    """Return until when a session lasts; `advice` is what to do when it has ended."""
    end = hexpm.session_end(token)
    has_ended = end is not None and end <= now
    if has_ended or (token.refresh is None and token.life_left(now) <= 0):
        return warning(name, "The session has ended.", advice)
    who = hexpm.user_name(token)
    text = f"Logged in{f' as {who}' if who else ''}"
    if end is None:
        return ok(name, f"{text}.")
    text += f" until {datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M} UTC"
    if end - now < DAYS * 86400:
        return warning(name, f"{text}, which is soon.", "Run `hexauth login --force` before.")
    return ok(name, f"{text}.")
