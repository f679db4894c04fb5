"""A new token for a login that is there: refreshed, or exchanged for a key.

It happens under the token mutex, held while a request is made and its answer saved. After waiting
for it, a caller reads the vault again: what it wanted may be there.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial

from hexauth.errors import Expired, HexauthError, Outrun, Refused, Unreachable, VaultError
from hexauth.login.attempts import Arrival, Found, attempt, is_new, share
from hexauth.login.record import DONE, RENEWING, Record, read_record, write_record
from hexauth.login.tokens import TOKEN_SECONDS, Tokens
from hexauth.machine import trace
from hexauth.machine.clock import Deadline
from hexauth.machine.signals import signals_held
from hexauth.machine.survivor import outlive
from hexauth.model import Login, Token
from hexauth.servers.directory import client_for
from hexauth.vault.logins import fingerprint
from hexauth.vault.turns import Lost

AWAITED_SECONDS, AWAITED_PAUSE = 60, 0.5
"""How long a machine is waited for that may have spent a refresh token and was not heard of since,
and between two looks."""

UNSAVED_PATIENCE, UNSAVED_PAUSE = 900, 2
"""How long a process without anybody goes on trying to save what its vault does not take."""


def refreshed(tokens: Tokens, arrival: Arrival) -> Token | None:
    """Return a token newer than the caller's, by refreshing unless somebody else has just done so.

    None means that the login has ended and a person is needed. Raises `Unreachable`, with nothing
    lost, when the server does not answer sensibly; `VaultError`; `Expired`.
    """

    def renew(token: Token | None) -> Callable[[Record], Token | None] | None:
        if token is None or token.refresh is None:
            return None
        return lambda record: _refresh(tokens, token, record)

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
            tokens, refreshes, lambda _old: lambda _record: _exchange(tokens, key(), scope), is_good
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
    renew: Callable[[Token | None], Callable[[Record], Token | None] | None],
    is_good: Callable[[Token | None], bool],
) -> Token | None:
    """Return the token that somebody else has just got, or else do what `renew` returns.

    `refreshes` is the number of attempts that had ended when the caller arrived.
    """
    home = tokens.home

    with tokens.here(), _told(tokens), home.vaults.settled():  # then they are told
        cached = tokens.answers.read()
        if cached is not None and is_good(cached):
            return cached
        while True:
            with suppress(Lost):  # another host has the turn, and is waited for as any other
                return _renewed_beyond(tokens, refreshes, renew, is_good)


def _renewed_beyond(
    tokens: Tokens,
    refreshes: int,
    renew: Callable[[Token | None], Callable[[Record], Token | None] | None],
    is_good: Callable[[Token | None], bool],
) -> Token | None:
    """Do what `_renewed` does, for who has the turn on this machine."""
    turn = tokens.token_turn

    def look() -> None:
        token = tokens.load()
        if token is not None and is_good(token):
            raise Found(token)

    try:
        with ExitStack() as held:
            held.enter_context(turn.beyond(TOKEN_SECONDS, when_woken=look))
            record = read_record(turn)  # before the token: what is sent must be no older than this
            token = tokens.load()
            if token is not None and is_good(token):
                raise Found(token)
            get_new = renew(token)
            if get_new is None:
                return None
            trace.tell(
                f"attempt {record.attempt} to renew, of process {record.pid}: {record.state}"
            )
            if record.attempt > refreshes:
                share(record)
                if record.state == DONE and token is not None and token.access is not None:
                    return token  # it is new, whatever the clock says

            def work() -> Token | None:
                try:
                    with held.pop_all(), attempt(turn, record.attempt + 1):
                        return get_new(record)
                finally:
                    tokens.close()

            if not tokens.is_shared:
                return work()
            return outlive(work, partial(_go_on_saving, tokens), tokens.home.vaults.hand_over)
    except Found as found:
        tokens.answer(found.token)
        return found.token
    except Lost:  # nothing was sent: what whoever has the turn now has brought is as good
        token = tokens.load()
        if token is None or not is_good(token):
            raise
        tokens.answer(token)
        return token
    finally:
        tokens.close()


def _go_on_saving(tokens: Tokens) -> None:
    """Try again and again to save what the vault has not taken."""
    end = Deadline(UNSAVED_PATIENCE, tokens.home.monotonic)
    with suppress(VaultError):
        while tokens.is_unsaved() and not end.is_over():
            with suppress(Expired, VaultError), tokens.here(0):
                tokens.recover(is_told=False)
            tokens.home.sleep(UNSAVED_PAUSE)


@contextmanager
def _told(tokens: Tokens) -> Iterator[None]:
    """Tell those who wait for the token mutex what came of it, if it is no new token."""
    why: HexauthError | None = None
    try:
        yield
    except Unreachable as error:
        why = Unreachable(str(error))  # as `share` has it
        raise
    except VaultError as error:
        why = error if tokens.is_shared else None
        raise
    finally:
        _tell(tokens, why)


def _tell(tokens: Tokens, why: HexauthError | None) -> None:
    answers = tokens.answers
    if answers.read() is not None:
        return
    with suppress(VaultError):
        left = answers.read(0) if why is not None and tokens.is_shared else None
        old = None if why is None else left or tokens.load()
        if old is not None and old.life_left(tokens.home.now()) > 0:
            answers.write_old(old)
            return
    answers.write_none(why)


def _refresh(tokens: Tokens, token: Token, last: Record) -> Token | None:
    """Refresh `token` and save the answer; both happen or, short of a crash, neither.

    `last` is the record of the attempt before: if that one may have sent the same refresh token, on
    a machine that is not heard of since, it is waited for.
    """
    client = client_for(tokens.home, tokens.login)
    spent = fingerprint(token.refresh)
    if last.state == RENEWING and last.spent == spent:
        newer, last = _awaited(tokens, last)
        if newer is not None:
            return newer
    with signals_held():
        if tokens.is_shared:  # in place of the record that was read before the token was
            _announce(tokens, Record(RENEWING, last.attempt + 1, os.getpid(), spent=spent))
        try:
            new = client.refresh(token)
        except Refused as refusal:
            if refusal.code != "invalid_grant":
                raise Unreachable(str(refusal)) from None
            on_file = tokens.load()
            if on_file is not None and on_file.refresh != token.refresh:
                return on_file
            tokens.drop(spent)
            return None
        try:
            tokens.save(new, spent)
        except Outrun:
            return tokens.load()
        return new


def _announce(tokens: Tokens, record: Record) -> None:
    """Say, where it lasts, that a refresh token is being sent; whoever else would is kept from it.

    The row is compared and swapped: of two who would send it, one hears that he is too late.
    """
    write_record(tokens.token_turn, replace(record, host=tokens.token_turn.host))


def _awaited(tokens: Tokens, last: Record) -> tuple[Token | None, Record]:
    """Return the token that another machine has got and not saved yet, if it comes in time.

    Its process has lost the turn with its connection, or has died. What it has sent is spent, if it
    was sent; so the longer it is waited, the less is lost. Those who have an old token with some
    life left have it meanwhile. The record that was read last is returned, too: after it, the
    refresh token that may be spent was still on file.
    """
    turn, home, spent = tokens.token_turn, tokens.home, last.spent
    trace.tell(f"process {last.pid} on {last.host} may have spent the refresh token: it is awaited")
    end = Deadline(AWAITED_SECONDS, home.monotonic)
    while not end.is_over():
        home.sleep(AWAITED_PAUSE)
        last = read_record(turn)
        token = tokens.load()
        if token is not None and fingerprint(token.refresh) != spent:
            return token, last
        if last.state != RENEWING:
            break
    return None, last


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
