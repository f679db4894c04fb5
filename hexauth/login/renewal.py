"""A new token for a login that is there: refreshed, or exchanged for a key.

It happens under the token mutex, held while a request is made and its answer saved. After waiting
for it, a caller reads the vault again: what it wanted may be there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from hexauth.errors import Expired, Refused, Unreachable, VaultError
from hexauth.login.attempts import Arrival, attempt, is_new, share
from hexauth.login.record import DONE, read_record
from hexauth.login.tokens import Tokens
from hexauth.machine import trace
from hexauth.machine.signals import signals_held
from hexauth.model import Login, Token
from hexauth.servers.directory import client_for


def refreshed(tokens: Tokens, arrival: Arrival) -> Token | None:
    """Return a token newer than the caller's, by refreshing unless somebody else has just done so.

    None means that the login has ended and a person is needed. Raises `Unreachable`, with nothing
    lost, when the server does not answer sensibly; `VaultError`; `Expired`.
    """

    def renew(token: Token | None) -> Callable[[], Token | None] | None:
        if token is None or token.refresh is None:
            return None
        return lambda: _refresh(tokens, token)

    def is_good(token: Token | None) -> bool:
        return is_new(token, arrival, tokens.home.now())

    return _renewed(tokens, arrival.refreshes, renew, is_good)


def exchanged(tokens: Tokens, key: Callable[[], str], scope: str) -> Token:
    """Return a fresh token, by exchanging `key` unless somebody else just has.

    The old one is good enough while it lives, if the server is down. Raises what `refreshed` does,
    and `Declined` if the server does not accept the key.
    """
    home = tokens.home

    def is_good(token: Token | None) -> bool:
        return token is not None and token.is_fresh(home.now(), home.settings.min_ttl)

    refreshes = read_record(tokens.token_turn).ended
    try:
        token = _renewed(
            tokens, refreshes, lambda old: lambda: _exchange(tokens, key(), scope), is_good
        )
    except Unreachable:
        token = tokens.load()
        if token is None or token.life_left(home.now()) <= 0:
            raise
    assert token is not None  # noqa: S101  (an exchange answers with a token, or raises)
    return token


def _renewed(
    tokens: Tokens,
    refreshes: int,
    renew: Callable[[Token | None], Callable[[], Token | None] | None],
    is_good: Callable[[Token | None], bool],
) -> Token | None:
    """Return the token that somebody else has just got, or else do what `renew` returns.

    `refreshes` is the number of attempts that had ended when the caller arrived.
    """
    home, turn = tokens.home, tokens.token_turn
    with tokens.changing(), _told(tokens), home.vaults.settled():  # then they are told
        answers = tokens.answers
        cached = answers.read()
        token = cached if is_good(cached) else tokens.load()
        if token is not None and is_good(token):
            if token is not cached:
                tokens.answer(token)
            return token
        get_new = renew(token)
        if get_new is None:
            return None
        record = read_record(turn)
        trace.tell(f"attempt {record.attempt} to renew, of process {record.pid}: {record.state}")
        if record.attempt > refreshes:
            share(record)
            if record.state == DONE and token is not None and token.access is not None:
                return token  # it is new, whatever the clock says
        with attempt(turn, record.attempt + 1):
            return get_new()


@contextmanager
def _told(tokens: Tokens) -> Iterator[None]:
    """Tell those who wait for the token mutex what came of it, if it is no new token."""
    why: Unreachable | None = None
    try:
        yield
    except Unreachable as error:
        why = Unreachable(str(error))  # as `share` has it
        raise
    finally:
        _tell(tokens, why)


def _tell(tokens: Tokens, why: Unreachable | None) -> None:
    answers = tokens.answers
    if answers.read() is not None:
        return
    with suppress(VaultError):
        old = None if why is None else tokens.load()
        if old is not None and old.life_left(tokens.home.now()) > 0:
            answers.write_old(old)
            return
    answers.write_none(why)


def _refresh(tokens: Tokens, token: Token) -> Token | None:
    """Refresh `token` and save the answer; both happen or, short of a crash, neither."""
    client = client_for(tokens.home, tokens.login)
    with signals_held():
        try:
            new = client.refresh(token)
        except Refused as refusal:
            if refusal.code != "invalid_grant":
                raise Unreachable(str(refusal)) from None
            on_file = tokens.load()
            if on_file is not None and on_file.refresh != token.refresh:
                return on_file
            tokens.drop()
            return None
        tokens.save(new)
        return new


def _exchange(tokens: Tokens, key: str, scope: str) -> Token:
    """Exchange `key` for a token, and save it."""
    login = tokens.login
    try:
        new = client_for(tokens.home, login).exchange(key, scope)
    except Refused as refusal:
        raise Refused(
            refusal.code,
            f"{login.server} does not take the key for {login.exchange.split()[0]}: "
            f"{refusal.code}.",
            hint="Check the key, and replace it with `hexauth key add`.",
        ) from None
    tokens.save(new)
    _forget_ended(tokens)
    return new


def _forget_ended(tokens: Tokens) -> None:
    """Forget the tokens that other keys, given in the environment before, were exchanged for.

    A key that is used again is exchanged again; one whose mutex is held is left alone.
    """
    home, mine = tokens.home, tokens.login.exchange
    for facts in home.vaults.entries().values():
        exchange = facts.get("exchange", "")
        if exchange.split()[:2] != mine.split()[:2] or exchange == mine:
            continue
        other = Tokens(home, Login(facts["server"], facts["client_id"], exchange=exchange))
        with suppress(Expired), other.changing(0):
            token = other.load()
            if token is None or token.life_left(home.now()) <= 0:
                other.forget()
