"""`hexauth import`: take over what other programs have kept in plain text so far."""

from collections.abc import Callable, Iterator
from itertools import groupby

import click

from hexauth.cli.options import Flags, vault_option
from hexauth.cli.streams import write_lines
from hexauth.credentials import keys, stored
from hexauth.credentials.keys import KeyKind
from hexauth.errors import UsageError, VaultError
from hexauth.login.attempts import arrive
from hexauth.login.tokens import Tokens
from hexauth.model import Kind, Target, Token
from hexauth.servers.accounts import login_for
from hexauth.servers.repositories import find_repository
from hexauth.tools.edits import Edit, read
from hexauth.tools.kept import Secret, find
from hexauth.vault.drawers import Stored
from hexauth.vault.home import Home


@click.command("import", short_help="Take over what mix, rebar3, gleam and git have kept.")
@click.option("--yes", is_flag=True, help="Copy what hexauth can keep into the vault.")
@click.option("--remove", is_flag=True, help="Then remove it from where it was; needs --yes.")
@vault_option()
@click.pass_obj
def import_(flags: Flags, yes: bool, remove: bool) -> None:
    """List the keys and passwords that mix, rebar3, gleam and git-credential-store have kept.

    With --yes, API keys and passwords are copied into the vault, and read back, before they are
    said to be there. Their files stay as they are unless --remove is given, too.

    An OAuth login cannot be taken over, because it is bound to the program that made it: run
    `hexauth login`.
    """
    if remove and not yes:
        raise UsageError(
            "--remove needs --yes: only what was copied is removed.",
            hint="Add --yes, or leave --remove out.",
        )
    home = flags.home()
    done: list[Secret] = []
    lines = []
    for secret in find(home.environ):
        fate = _fate(home, secret) if yes or not secret.secret else "can be copied"
        lines.append(f"{secret.program:<7} {secret.path}: {secret.what}: {fate}")
        if fate in (COPIED, THERE):
            done.append(secret)
    if remove:
        lines += _remove(done)
    if not lines:
        lines = ["Nothing was found that mix, rebar3, gleam or git-credential-store have kept."]
    elif not yes:
        lines.append("Nothing was changed; `hexauth import --yes` copies.")
    write_lines(lines)


COPIED, THERE = "copied into the vault", "in the vault already"


def _fate(home: Home, secret: Secret) -> str:
    """Copy `secret` if hexauth can keep it; say what became of it. Raises `VaultError`."""
    if not secret.secret:
        return "left where it is"
    if secret.repository:
        return _copy_repository_key(home, secret)
    if secret.target is None:
        return _copy_key(home, secret)
    return _copy_password(home, secret, secret.target)


def _copy_password(home: Home, secret: Secret, target: Target) -> str:
    if login_for(home, target) is not None:
        return "left where it is: Hex takes no passwords any more"

    def kept() -> str | None:
        found = stored.find(home, target)
        return None if found is None else found.secret

    new = Stored(target.path, secret.username, secret.secret)
    return _copy(secret, kept, lambda: stored.store(home, target, new))


def _copy_repository_key(home: Home, secret: Secret) -> str:
    """Keep the key of a repository that hexauth knows, unless it has another one."""
    try:
        repository = find_repository(secret.repository, home.settings)
    except UsageError:
        return f"left where it is: config.toml does not know {secret.repository}"
    kind = KeyKind(secret.kind)
    return _copy(
        secret,
        lambda: keys.load(home, repository).get(kind),
        lambda: keys.add(home, repository, kind, secret.secret),
    )


def _copy(secret: Secret, kept: Callable[[], str | None], keep: Callable[[], None]) -> str:
    """Let `keep` put `secret` into the vault, unless `kept` has found one there."""
    before = kept()
    if before == secret.secret:
        return THERE
    if before is not None:
        return "left where it is: the vault has another one for that"
    keep()
    _check(secret, kept())
    return COPIED


def _check(secret: Secret, kept: str | None) -> None:
    if kept != secret.secret:
        raise VaultError(
            "The vault does not give back what was put into it.",
            hint="Nothing was removed from where it was: see what `hexauth doctor` finds.",
        )


def _copy_key(home: Home, secret: Secret) -> str:
    """Keep an API key in place of a login, if nobody is logged in."""
    tokens = Tokens(home, home.settings.login)
    token = arrive(tokens).token
    if token is not None:
        is_same = token.access == secret.secret
        return THERE if is_same else "left where it is: hexauth is logged in already"
    home.vaults.check(tokens.entry)
    with tokens.changing():
        if tokens.load() is None:
            tokens.save(Token(secret.secret, issued_at=int(home.now()), kind=Kind.KEY))
        after = tokens.load()
    _check(secret, after.access if after else None)
    return COPIED


def _remove(done: list[Secret]) -> Iterator[str]:
    """Cut what has been copied out of its files, and say so; one that is empty then goes."""
    for path, group in groupby(done, key=lambda secret: secret.path):
        secrets = list(group)
        before = read(path) or b""
        after = before
        for secret in sorted(secrets, key=lambda each: each.start, reverse=True):
            after = after[: secret.start] + after[secret.end :]
        for secret in secrets:
            if not secret.end:
                yield f"{secret.program:<7} {path}: {secret.what}: remove it there by hand"
        if after == before:
            continue
        Edit(path, before, after if after.strip() else None).carry_out()
        yield f"{secrets[0].program:<7} {path}: removed from there"
