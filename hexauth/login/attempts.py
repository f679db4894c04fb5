"""What the processes that need one login at the same moment know of each other.

How the last attempt ended stands in the record beside its mutex. An attempt that ended in a "no"
while a caller waited is that caller's answer too. Attempts are told apart by number, so no clock
matters.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from hexauth.errors import (
    Declined,
    Expired,
    HexauthError,
    Interrupted,
    Unreachable,
    VaultError,
)
from hexauth.login.reach import reach
from hexauth.login.record import DONE, Record, parse_record, read_record, write_record
from hexauth.login.tokens import Tokens
from hexauth.memory.waiting import WAIT_SECONDS
from hexauth.model import Target, Token
from hexauth.servers.accounts import no_login
from hexauth.vault import drawers
from hexauth.vault.turns import Lost, Turn

SHARED = {kind.__name__: kind for kind in (Declined, Expired, Unreachable, VaultError)}
"""The errors that everyone who waited gets too."""


@dataclass(frozen=True)
class Arrival:
    """What a caller saw before it waited for anything."""

    token: Token | None
    logins: int
    """How many attempts to log in had ended."""
    refreshes: int
    """How many attempts to refresh had ended."""


def arrive(tokens: Tokens) -> Arrival:
    """Return what there is now: first the records, then the token, so that no end is missed.

    A fresh token is put into memory, unless somebody is changing it just now.
    """
    seen = tokens.home.front.records
    turns = (tokens.login_turn, tokens.local_turn("login"))
    turns_of_token = (tokens.token_turn, tokens.local_turn("token"))
    before = [
        seen[path] if (path := str(local.record)) in seen else local.read()
        for _, local in (turns, turns_of_token)
    ]

    def ended() -> tuple[int, int]:
        """Return how many attempts to log in, and to refresh, had ended when this caller came.

        Other machines' count only if nobody here has been at it since: then they have just come.
        """
        counted = []
        for (turn, local), record in zip((turns, turns_of_token), before, strict=True):
            is_first = tokens.is_shared and local.read() == record
            counted.append((read_record(turn) if is_first else parse_record(record)).ended)
        return counted[0], counted[1]

    return _first_look(tokens, ended)


def _first_look(tokens: Tokens, ended: Callable[[], tuple[int, int]]) -> Arrival:
    """Load the token; a front that holds the token mutex keeps it if there is a refresh to do.

    Whoever comes while somebody else changes it waits, and finds it in memory: a keyring that is
    asked by a hundred at once may not answer them all in time.
    """
    home = tokens.home

    def counted() -> tuple[int, int]:
        """Return what `ended` does, where the records are; reading the token says what is wrong."""
        with suppress(VaultError):
            tokens.token_turn.open()
        return ended()

    if home.front.holds(str(tokens.local_turn("token").mutex)):
        count = counted()
        token = _load_and_answer(tokens)
        if token is None or token.is_fresh(home.now(), home.settings.min_ttl):
            home.front.leave()
        return Arrival(token, *count)
    count = (0, 0) if tokens.is_shared else ended()
    with suppress(Expired), tokens.here(WAIT_SECONDS):
        cached = tokens.answers.read()
        if tokens.is_shared:
            count = counted() if cached is None else ended()
        token = cached or _load_and_answer(tokens)
        home.front.leave()  # whoever waits to know these surroundings can
        return Arrival(token, *count)
    if tokens.is_shared:
        count = counted()
    return Arrival(tokens.load(), *count)


def _load_and_answer(tokens: Tokens) -> Token | None:
    """Load the token, and let others know what came of it. This machine's mutex is held.

    While a shared vault cannot be read, what is in memory is handed out for as long as it lives.
    """
    answers, login = tokens.answers, tokens.login
    tokens.recover()
    try:
        token = tokens.load()
    except VaultError as error:
        old = answers.read(0) if tokens.is_shared else None
        if old is not None:
            return old
        answers.write_none(error)
        raise
    if token is None:
        is_known = not _has_stored(tokens) and not tokens.is_shared  # else somebody may be asked
        answers.write_none(no_login(tokens.home.settings, login) if is_known else None)
    else:
        tokens.answer(token)
    return token


def _has_stored(tokens: Tokens) -> bool:
    """Tell whether a tool has stored anything where the login is for, or may have."""
    with suppress(VaultError):
        for url in reach(tokens.home, tokens.login).origins or ():
            drawer = drawers.name(Target(*url.split("://")))
            if tokens.home.vaults.of(drawer).read(drawer) is not None:
                return True
        return False
    return True


class Found(Exception):
    """Another machine has brought the token that this one was waiting to ask for."""

    def __init__(self, token: Token) -> None:
        super().__init__()
        self.token = token


def is_new(token: Token | None, arrival: Arrival, now: float) -> bool:
    """Tell whether `token` works and is another than the one the caller arrived with."""
    if token is None or token.life_left(now) <= 0:
        return False
    return arrival.token is None or token.access != arrival.token.access


def share(record: Record) -> None:
    """Raise what ended the attempt that `record` is of, if everyone who waited gets it too."""
    kind = SHARED.get(record.state)
    if kind is not None:
        raise kind(record.message)


@contextmanager
def attempt(turn: Turn, number: int) -> Iterator[None]:
    """Publish how the attempt inside a `with` block ends, in the record of `turn`."""
    ended, is_mine = Record("failed", number, os.getpid(), host=turn.host), True
    try:
        yield
        ended = replace(ended, state=DONE)
    except Lost:  # the record is another host's
        is_mine = False
        raise
    except Interrupted:
        message = f"The login was interrupted in process {os.getpid()}."
        ended = replace(ended, state=Declined.__name__, message=message)
        raise
    except HexauthError as error:
        state = next((name for name, kind in SHARED.items() if isinstance(error, kind)), "failed")
        if isinstance(error, VaultError):  # once it is in order, a code that was approved is good
            ended = replace(read_record(turn), attempt=number, pid=os.getpid(), host=turn.host)
        ended = replace(ended, state=state, message=str(error))
        raise
    finally:
        if is_mine:
            with suppress(VaultError):  # what happened matters more than that others hear of it
                write_record(turn, ended)


@contextmanager
def interrupts_are_a_no() -> Iterator[None]:
    """Let Ctrl-C be the person's answer to the question."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("The login was interrupted; nothing was changed.") from None
