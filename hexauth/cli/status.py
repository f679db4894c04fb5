"""`hexauth status`: what is there, where, and for how long."""

from collections.abc import Iterator, Mapping, Sequence

import click

from hexauth import hex as hexpm
from hexauth.cli.facts import Facts, Seen, known_logins, usual_login
from hexauth.cli.options import Flags, account_option, json_option, vault_option
from hexauth.cli.streams import style, width, write_json, write_laid_out
from hexauth.credentials import keys
from hexauth.login.display import spaced
from hexauth.machine.mounts import lock_warning, network_file_system
from hexauth.model import Kind
from hexauth.screen.layout import pairs, wrapped
from hexauth.screen.style import Look
from hexauth.screen.times import clock, day, left, span, until
from hexauth.vault.home import Home


@click.command()
@json_option()
@account_option()
@vault_option()
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Show each login: who, for what, until when, and in which vault.

    The first line says whether somebody is logged in to hexpm. The server is not asked. The exit
    code is 3 if nobody is logged in to hexpm.
    """
    home = context.ensure_object(Flags).home()
    seen = [Seen.look(tokens) for tokens in known_logins(home)]
    rest = _rest(home)
    if as_json:
        write_json({**rest, "logins": [each.facts for each in seen]})
    else:
        write_laid_out(_lines(home, seen, rest))
    for each in seen:
        if each.problem is not None:
            raise each.problem
    if seen[0].state in ("none", "ended"):
        context.exit(3)


def _rest(home: Home) -> Mapping[str, Sequence[Facts]]:
    """Return what there is besides logins."""
    state = home.places.state
    return {
        "folders": [{"folder": str(state), "network": network_file_system(state)}],
        "keys": [dict(facts) for facts in keys.listed(home)],
        "stored": [
            {"protocol": entry["protocol"], "host": entry["host"], "vault": entry.get("vault")}
            for entry in home.vaults.entries().values()
            if "host" in entry and "protocol" in entry
        ],
    }


def _lines(home: Home, seen: Sequence[Seen], rest: Mapping[str, Sequence[Facts]]) -> Iterator[str]:
    """Yield all of it for people, laid out."""
    size, look = width(), style()
    color: Look = "green" if seen[0].is_good and not seen[0].tokens.is_unsaved() else "yellow"
    summary = _undecided(seen) if usual_login(home) is None else _summary(seen)
    yield from (look(line, color) for line in wrapped(summary, size))
    for each in seen:
        yield ""
        yield from wrapped(f"{each.target} ({each.tokens.login.server})", size)
        yield from pairs(_rows(each), size)
    if rest["keys"]:
        yield from ("", "keys of repositories")
        rows = ((each["repository"], f"{_kinds(each)} at {each['at']}") for each in rest["keys"])
        yield from pairs(rows, size)
    if rest["stored"]:
        yield from ("", "stored by git and other tools")
        urls = ((f"{each['protocol']}://{each['host']}", each["vault"]) for each in rest["stored"])
        yield from pairs(((url, str(vault)) for url, vault in urls), size)
    if warning := lock_warning(home.places.state):
        yield ""
        for text in warning:
            yield from wrapped(text, size)


def _kinds(facts: Facts) -> str:
    return str(facts["kinds"]).replace(" ", ", ")


def _summary(seen: Sequence[Seen]) -> str:
    """Return the one line that most people want: whether they are logged in to hexpm."""
    first, *others = seen
    account = first.tokens.login.account
    log_in = f"run `hexauth login --account {account}`" if account else "run `hexauth login`"
    if first.problem is not None:
        return f"Who is logged in to {first.target} is unknown. {first.problem}"
    if first.state == "ended":
        whose = f"of {first.user} " if first.user else ""
        end = first.session_end
        when = f" on {day(end)}" if end is not None and end <= first.now else ""
        return f"The login {whose}to {first.target} has ended{when}: {_instead(first, log_in)}."
    if first.token is None and first.pending is not None:
        return f"Nobody is logged in to {first.target} yet: {_instead(first, log_in)}."
    if first.token is None:
        whom = f" as {account}" if account else ""
        return f"Nobody is logged in to {first.target}{whom}: {log_in}."
    whom = f" as {first.user}" if first.user else ""
    text = f"Logged in to {first.target}{whom}{_until(first)}"
    there = [
        each.account
        for each in others
        if each.is_good and each.account and each.target == first.target
    ]
    if there:
        text += f"; {' and '.join(there)} {'are' if len(there) > 1 else 'is'} logged in, too"
    if first.tokens.is_unsaved():
        text += "; the vault has not taken it yet"
    return f"{text}."


def _instead(seen: Seen, log_in: str) -> str:
    """Say what goes on where nobody is logged in, or else what to do."""
    if seen.pending is None:
        return log_in
    return f"a login is under way, with the code {spaced(seen.pending.user_code)}"


def _undecided(seen: Sequence[Seen]) -> str:
    """Say that there are several accounts, of which none is meant."""
    there = [each.account for each in seen if each.target == seen[0].target and each.account]
    return (
        f"Logged in to {seen[0].target} as {' and '.join(there)}: "
        "run `hexauth switch NAME` to choose one for good."
    )


def _until(seen: Seen) -> str:
    """Say until when somebody is logged in who is."""
    token = seen.token
    if token is None:
        return ""
    if token.kind is Kind.KEY:
        return ", by an API key, which has no expiry"
    end = hexpm.login_end(token)
    return "" if end is None or end <= seen.now else f", until {left(end, seen.now)}"


STATES = {
    "unknown": "unknown, because the vault cannot be read",
    "none": "not logged in",
    "ok": "logged in",
    "refreshable": "logged in; the next `hexauth get` refreshes the access token",
    "ended": "the session has ended; run `hexauth login`",
}


OUTCOMES = {
    "Declined": "it was declined",
    "Expired": "the code expired",
    "Unreachable": "the server did not answer",
    "VaultError": "it could not be saved",
    "failed": "it failed",
}
"""How what a host did last has ended, if not well."""


def _rows(seen: Seen) -> Iterator[tuple[str, str]]:
    yield "state", STATES[seen.state]
    if seen.token is not None:
        yield "user", seen.user or "unknown"
        if seen.account not in (None, seen.user):
            yield "account", str(seen.account)
        if seen.token.kind is Kind.KEY:
            yield "kept", "an API key, which has no expiry"
        else:
            yield "scopes", " ".join(seen.scopes) or "unknown"
            yield "access token", _moment(seen.token.expires_at, seen.now)
            yield "session", _moment(seen.session_end, seen.now)
    vault = seen.vault
    yield "vault", f"{vault['name']}: {vault['where']}"
    yield "why there", vault["why"]
    if seen.tokens.is_unsaved():
        yield "not saved yet", "the vault has not taken it; `hexauth get` tries again"
    for trace in seen.traces:
        how = f" ({OUTCOMES[trace.outcome]})" if trace.outcome in OUTCOMES else ""
        when = f"{span(seen.now - trace.at)} ago"
        yield f"{trace.what} last", f"{trace.host}, {when}, as the role {trace.role}{how}"
    if (pending := seen.pending) is not None:
        code, end = spaced(pending.user_code), clock(max(0, pending.deadline))
        where = f" on {pending.host}" if pending.host else ""
        yield (
            "under way",
            f"process {pending.pid}{where} waits at {pending.verification_uri_complete}",
        )
        yield "", f"for the code {code}, until {end}"


def _moment(moment: int | None, now: float) -> str:
    return "unknown" if moment is None else until(moment, now)
