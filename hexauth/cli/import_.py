"""`hexauth import`: take over what other programs have kept in plain text so far."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import click

from hexauth.cli.options import Flags, json_option, vault_option
from hexauth.cli.streams import width, write_json, write_laid_out
from hexauth.credentials import keys, stored
from hexauth.credentials.keys import KeyKind
from hexauth.errors import UsageError, VaultError
from hexauth.login.attempts import arrive
from hexauth.login.tokens import Tokens
from hexauth.machine.rewriting import read
from hexauth.model import Kind, Target, Token
from hexauth.screen.layout import wrapped
from hexauth.servers.accounts import login_for
from hexauth.servers.repositories import find_repository
from hexauth.tools.edits import Edit
from hexauth.tools.kept import Secret, find
from hexauth.vault.drawers import Stored
from hexauth.vault.home import Home


@click.command("import", short_help="Take over what mix, rebar3, gleam and git have kept.")
@click.option("--yes", is_flag=True, help="Copy what hexauth can keep into the vault.")
@click.option("--remove", is_flag=True, help="Then remove it from where it was; needs --yes.")
@json_option("array")
@vault_option()
@click.pass_obj
def import_(flags: Flags, yes: bool, remove: bool, as_json: bool) -> None:
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
    found = [Found(each, _fate(home, each, copy=yes)) for each in find(home.environ)]
    if remove:
        _remove(found)
    if as_json:
        write_json([each.facts for each in found])
        return
    size = width()
    lines = list(_lines(found, size))
    if not found:
        lines = wrapped(NOTHING, size)
    elif not yes:
        lines += ["", *wrapped("Nothing was changed; `hexauth import --yes` copies.", size)]
    write_laid_out(lines)


NOTHING = "Nothing was found that mix, rebar3, gleam or git-credential-store have kept."


@dataclass(frozen=True)
class Fate:
    """What becomes of a secret: a word for programs, and why."""

    name: str
    why: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return f"{WORDS[self.name]}: {self.why}" if self.why else WORDS[self.name]


WORDS = {
    "copyable": "can be copied",
    "copied": "copied into the vault",
    "kept": "in the vault already",
    "left": "left where it is",
}
"""What may become of a secret."""

COPYABLE, COPIED, KEPT, LEFT = map(Fate, WORDS)


@dataclass
class Found:
    """A secret in another program's file, and what became of it."""

    secret: Secret
    fate: Fate
    removed: bool | None = None
    """Whether it was taken out of that file; None if that was not wanted."""

    @property
    def facts(self) -> dict[str, object]:
        """What programs are told of it."""
        secret = self.secret
        return {
            "program": secret.program,
            "path": str(secret.path),
            "what": secret.what,
            "fate": self.fate.name,
            "why": self.fate.why or None,
            "removed": self.removed,
        }


def _lines(found: list[Found], size: int) -> Iterator[str]:
    """Yield what was found for people, laid out: file by file."""
    for (program, path), group in groupby(found, lambda each: _file(each.secret)):
        each_of = list(group)
        yield from wrapped(f"{program}: {path}", size, "", "  ")
        for each in each_of:
            yield from wrapped(f"{each.secret.what}: {each.fate}", size, "  ", "    ")
            if each.removed is False:
                yield from wrapped("remove it there by hand", size, "    ")
        if any(each.removed for each in each_of):
            yield from wrapped("What is in the vault was removed from there.", size, "  ")


def _file(secret: Secret) -> tuple[str, str]:
    return secret.program, str(secret.path)


def _fate(home: Home, secret: Secret, *, copy: bool) -> Fate:
    """Copy `secret` if hexauth can keep it; say what became of it. Raises `VaultError`."""
    if not secret.secret:
        return LEFT
    if not copy:
        return COPYABLE
    if secret.repository:
        return _copy_repository_key(home, secret)
    if secret.target is None:
        return _copy_key(home, secret)
    return _copy_password(home, secret, secret.target)


def _copy_password(home: Home, secret: Secret, target: Target) -> Fate:
    if login_for(home, target) is not None:
        return Fate("left", "Hex takes no passwords any more")

    def kept() -> str | None:
        found = stored.find(home, target)
        return None if found is None else found.secret

    new = Stored(target.path, secret.username, secret.secret)
    return _copy(secret, kept, lambda: stored.store(home, target, new))


def _copy_repository_key(home: Home, secret: Secret) -> Fate:
    """Keep the key of a repository that hexauth knows, unless it has another one."""
    try:
        repository = find_repository(secret.repository, home.settings)
    except UsageError:
        return Fate("left", f"config.toml does not know {secret.repository}")
    kind = KeyKind(secret.kind)
    return _copy(
        secret,
        lambda: keys.load(home, repository).get(kind),
        lambda: keys.add(home, repository, kind, secret.secret),
    )


def _copy(secret: Secret, kept: Callable[[], str | None], keep: Callable[[], None]) -> Fate:
    """Let `keep` put `secret` into the vault, unless `kept` has found one there."""
    before = kept()
    if before == secret.secret:
        return KEPT
    if before is not None:
        return Fate("left", "the vault has another one for that")
    keep()
    _check(secret, kept())
    return COPIED


def _check(secret: Secret, kept: str | None) -> None:
    if kept != secret.secret:
        raise VaultError(
            "The vault does not give back what was put into it.",
            hint="Nothing was removed from where it was: see what `hexauth doctor` finds.",
        )


def _copy_key(home: Home, secret: Secret) -> Fate:
    """Keep an API key in place of a login, if nobody is logged in."""
    tokens = Tokens(home, home.settings.login)
    token = arrive(tokens).token
    if token is not None:
        is_same = token.access == secret.secret
        return KEPT if is_same else Fate("left", "hexauth is logged in already")
    home.vaults.check(tokens.entry)
    with tokens.changing():
        if tokens.load() is None:
            tokens.save(Token(secret.secret, issued_at=int(home.now()), kind=Kind.KEY))
        after = tokens.load()
    _check(secret, after.access if after else None)
    return COPIED


def _remove(found: list[Found]) -> None:
    """Cut what is in the vault out of its files; one that is empty then goes."""
    done = [each for each in found if each.fate in (COPIED, KEPT)]
    for path, group in groupby(done, key=lambda each: each.secret.path):
        each_of = list(group)
        before = read(path) or b""
        after = before
        for secret in sorted((each.secret for each in each_of), key=_start, reverse=True):
            after = after[: secret.start] + after[secret.end :]
        if after != before:
            Edit(path, before, after if after.strip() else None).carry_out()
        for each in each_of:
            each.removed = each.secret.end > 0


def _start(secret: Secret) -> int:
    return secret.start
