"""For Python programs: the credential that `hexauth get` prints, without starting a process."""

from hexauth.model import Credential
from hexauth.resolve import Search, found
from hexauth.targets import parse_target
from hexauth.world import open_world


def get(
    target: str = "hexpm", *, may_ask: bool | None = None, min_ttl: int | None = None
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
    world = open_world(min_ttl=min_ttl)
    try:
        wanted = parse_target(target, world.settings)
        return found(Search(world, wanted, may_ask=world.may_ask(may_ask)))
    finally:
        world.close()
