"""`hexauth status`: what is there, where, and for how long."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from hexauth import hex as hexpm
from hexauth.cli.options import Flags, account_option, vault_option
from hexauth.cli.streams import write_json, write_lines
from hexauth.credentials import keys
from hexauth.errors import UsageError, VaultError
from hexauth.login.asking import under_way
from hexauth.login.display import spaced
from hexauth.login.tokens import Tokens
from hexauth.machine.mounts import lock_warning, network_file_system
from hexauth.model import Kind, Token
from hexauth.screen.times import clock, until
from hexauth.servers.accounts import account_name, login_at
from hexauth.servers.directory import hex_server
from hexauth.vault.home import Home

Facts = Mapping[str, Any]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@account_option()
@vault_option()
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Show each login: who, for what, until when, and in which vault.

    The server is not asked. The exit code is 3 if nobody is logged in to hexpm.
    """
    home = context.ensure_object(Flags).home()
    seen = [(tokens, *_look(tokens)) for tokens in _logins(home)]
    facts: dict[str, list[Facts]] = {
        "folders": [
            {"folder": str(home.places.state), "network": network_file_system(home.places.state)}
        ],
        "keys": [dict(facts) for facts in keys.listed(home)],
        "logins": [_facts(*each) for each in seen],
        "stored": [
            {"protocol": entry["protocol"], "host": entry["host"], "vault": entry.get("vault")}
            for entry in home.vaults.entries().values()
            if "host" in entry and "protocol" in entry
        ],
    }
    if as_json:
        write_json(facts)
    else:
        write_lines([*_lines(facts, home.now()), *(lock_warning(home.places.state) or ())])
    for _, _, problem in seen:
        if problem is not None:
            raise problem
    if facts["logins"][0]["state"] in ("none", "ended"):
        context.exit(3)


def _logins(home: Home) -> list[Tokens]:
    """Return the login of hexpm, and after it those that the index knows."""
    known = [login for login, _ in home.vaults.logins() if not login.exchange]
    try:
        usual = login_at(home, hex_server(home.settings)) or home.settings.login
    except UsageError:  # several, of which none is meant if nobody is named
        usual = next(one for one in known if one.server == home.settings.api_url)
    return [Tokens(home, login) for login in dict.fromkeys([usual, *known])]


def _look(tokens: Tokens) -> tuple[Token | None, VaultError | None]:
    """Return the token of a login, or else what keeps its vault from telling."""
    try:
        return tokens.load(), None
    except VaultError as problem:
        return None, problem


def _facts(tokens: Tokens, token: Token | None, problem: VaultError | None) -> Facts:
    home, login = tokens.home, tokens.login
    record, choice = under_way(tokens), home.vaults.choice(tokens.entry)
    return {
        "target": hexpm.REPOSITORY if login.server == home.settings.api_url else login.server,
        "server": login.server,
        "client_id": login.client_id,
        "state": "unknown" if problem else _state(token, home.now()),
        "kind": str(token.kind) if token else None,
        "account": account_name(home, login) or None,
        "user": (hexpm.user_name(token) or account_name(home, login) or None) if token else None,
        "scopes": token.scope.split() if token else [],
        "access_token_expires_at": token.expires_at if token else None,
        "session_expires_at": hexpm.session_end(token) if token else None,
        "vault": {"name": choice.name, "where": tokens.vault.describe(), "why": choice.why},
        "in_memory_only": tokens.is_unsaved(),
        "login_under_way": None
        if record is None
        else {
            "pid": record.pid,
            "verification_uri": record.verification_uri_complete,
            "user_code": record.user_code,
            "expires_at": int(record.deadline),
        },
    }


def _state(token: Token | None, now: float) -> str:
    if token is None:
        return "none"
    if token.life_left(now) > 0:
        return "ok"
    end = hexpm.session_end(token)
    if token.refresh is None or (end is not None and end <= now):
        return "ended"
    return "refreshable"


STATES = {
    "unknown": "unknown, because the vault cannot be read",
    "none": "not logged in",
    "ok": "logged in",
    "refreshable": "logged in; the next `hexauth get` refreshes the access token",
    "ended": "the session has ended; run `hexauth login`",
}


def _lines(facts: Mapping[str, list[Facts]], now: float) -> Iterator[str]:
    for login in facts["logins"]:
        yield f"{login['target']} ({login['server']})"
        for name, value in _rows(login, now):
            yield f"  {name:<15} {value}"
    if facts["keys"]:
        yield "keys of repositories"
        for entry in facts["keys"]:
            kinds = entry["kinds"].replace(" ", ", ")
            yield f"  {entry['repository']} at {entry['at']}: {kinds}"
    if facts["stored"]:
        yield "stored by git and other tools"
        for entry in facts["stored"]:
            yield f"  {entry['protocol']}://{entry['host']} ({entry['vault']})"


def _rows(login: Facts, now: float) -> Iterator[tuple[str, str]]:
    yield "state", STATES[login["state"]]
    if login["state"] not in ("none", "unknown"):
        yield "user", login["user"] or "unknown"
        if login["account"] not in (None, login["user"]):
            yield "account", login["account"]
        if login["kind"] == Kind.KEY:
            yield "kept", "an API key, which has no expiry"
        else:
            yield "scopes", " ".join(login["scopes"]) or "unknown"
            yield "access token", _until(login["access_token_expires_at"], now)
            yield "session", _until(login["session_expires_at"], now)
    yield "vault", f"{login['vault']['name']}: {login['vault']['where']}"
    yield "why there", login["vault"]["why"]
    if login["in_memory_only"]:
        yield "not saved yet", "the vault has not taken it; `hexauth get` tries again"
    if login["login_under_way"]:
        pending = login["login_under_way"]
        code = spaced(pending["user_code"])
        yield "under way", f"process {pending['pid']} waits at {pending['verification_uri']}"
        yield "", f"for the code {code}, until {clock(pending['expires_at'])}"


def _until(moment: int | None, now: float) -> str:
    return "unknown" if moment is None else until(moment, now)
