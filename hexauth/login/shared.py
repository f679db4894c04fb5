"""What hosts that share a vault have done last with a login: who asked, refreshed and saved."""

from collections.abc import Iterator
from dataclasses import dataclass

from hexauth.login.record import parse_record
from hexauth.login.tokens import Tokens
from hexauth.vault.shared_turn import RECORD


@dataclass(frozen=True)
class Trace:
    """What one host did last."""

    what: str
    """`asked`, `refreshed` or `saved`."""
    host: str
    role: str
    """The database's role that it did it as: by that, a host is shut out."""
    at: float
    """Unix seconds, by this machine's clock."""
    outcome: str = ""
    """How it ended, if it did; `waiting` while a person is asked, `renewing` during a refresh."""


def traces(tokens: Tokens) -> Iterator[Trace]:
    """Yield who asked a person, refreshed, and saved last, as far as it is known.

    Nothing is yielded where no other machine shares the vault. Raises `VaultError`.
    """
    if not tokens.is_shared:
        return
    vault = tokens.home.vaults.database()
    for what, turn in (("asked", "login"), ("refreshed", "token")):
        name = f"{RECORD}{tokens.entry}/{turn}"
        row = vault.row(name)
        if row.sealed is not None:
            content = vault.envelope.open(name, row.version, row.sealed)
            record = parse_record(content.encode())
            at = row.saved_at - vault.ahead()
            yield Trace(what, record.host, row.saved_as, at, record.state)
    rows = [vault.row(f"{tokens.entry}/{part}") for part in ("refresh", "access")]
    row = max(rows, key=lambda each: each.saved_at)
    if row.version:
        yield Trace("saved", row.saved_by, row.saved_as, row.saved_at - vault.ahead())
