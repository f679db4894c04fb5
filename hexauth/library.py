"""For Python programs: the credential that `hexauth get` prints, without starting a process."""

from hexauth.credentials import sources
from hexauth.credentials.request import Request
from hexauth.model import Credential
from hexauth.vault.home import Home


def get_token(target: str = "hexpm", *, account: str | None = None, ask: bool = True) -> str:
    """Return a working token for `target`, or the key that is kept for it; `get` tells more.

    `ask` lets a person be asked to log in, if somebody is there. Raises what `get` does.
    """
    return get(target, may_ask=None if ask else False, account=account).secret


def get(
    target: str = "hexpm",
    *,
    may_ask: bool | None = None,
    min_ttl: int | None = None,
    account: str | None = None,
) -> Credential:
    """Return a working credential for `target`: `hexpm`, `hexpm:ORGANIZATION` or an URL.

    `may_ask` tells whether a person may be asked to log in, None leaving it to the surroundings as
    `hexauth get` does; `min_ttl` is the safety margin in seconds. The environment is the process's.

    Any thread may call it, several at once too: like processes, they share one prompt and one
    refresh. An asyncio program calls it with `asyncio.to_thread`. Signals are held back in the
    calling thread alone while a new token is being saved.

    Raises `UsageError`, `LoginRequired`, `Declined`, `Expired`, `Unreachable`, `VaultError` or
    `Interrupted`, all of them `HexauthError`s.
    """
    home = Home.open(min_ttl=min_ttl, account=account)
    try:
        return sources.get(Request.named(home, target, ask=may_ask))
    finally:
        home.close()
