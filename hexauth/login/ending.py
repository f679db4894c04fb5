"""The end of a token or of a login: replaced, rejected, logged out.

Each happens under the token mutex.
"""

from collections.abc import Callable
from contextlib import suppress

from hexauth.errors import Expired, HexauthError, Unreachable, VaultError
from hexauth.login.record import Record, read_record, write_record
from hexauth.login.tokens import Tokens
from hexauth.model import Token
from hexauth.servers.directory import client_for
from hexauth.vault.logins import drop_login, fingerprint, load_login


def replace_login(
    tokens: Tokens, token: Token, announce: Callable[[], None] = lambda: None
) -> None:
    """Save `token`, and then end the session that it replaces: a user has only five.

    The caller holds the token mutex. Raises `VaultError`; a server that does not end the old
    session is only mentioned, and so is another vault that does not let go of it: the person has
    left that vault, perhaps because it cannot be reached from here. `announce` is called when it is
    known which token is replaced: one that another host has saved since stays (`Outrun`).
    """
    elsewhere = tokens.home.vaults.before(tokens.entry)
    old: Token | None = None
    failure: HexauthError | None = None
    try:
        old = tokens.load() if elsewhere is None else None
    except VaultError as error:  # the new token comes first: it cannot be had again
        failure = error
    announce()
    is_known = tokens.is_shared and elsewhere is None and failure is None
    tokens.save(token, fingerprint(None if old is None else old.refresh) if is_known else None)
    try:
        if elsewhere is not None:
            old = load_login(elsewhere, tokens.login)
            drop_login(elsewhere, tokens.login)
        if old is not None and old.refresh != token.refresh:
            _end_session(tokens, old)
    except HexauthError as error:
        failure = error
    if failure is not None:
        tokens.home.screen.say(f"The login before this one could not be ended: {failure}")


def reject(tokens: Tokens, secret: str) -> None:
    """Note that a server has rejected `secret`: drop the access token if it is still that one.

    The next `get` refreshes. An older secret changes nothing: somebody has a newer token already.
    """
    with tokens.changing():
        token = tokens.load()
        if token is None or token.access != secret:
            if tokens.is_shared:  # what is in memory here may be older than what another host saved
                tokens.answers.outdate()
                if token is not None:
                    tokens.answer(token)
            return
        if tokens.login.exchange:
            tokens.drop()
        elif token.refresh is not None:
            tokens.save(token.replaced(access=None))


def log_out(tokens: Tokens) -> Token | None:
    """End the session at the server, remove every local trace, and return what there was.

    Raises `Unreachable` after the local login is gone, if the server could not be told.
    """
    _clear_code(tokens)
    with tokens.changing():
        token: Token | None = None
        failure: HexauthError | None = None
        try:
            token = tokens.load()
        except VaultError as error:  # an entry that makes no sense can be removed all the same
            failure = error
        if token is not None:
            try:
                _end_session(tokens, token)
            except HexauthError as error:
                failure = error
        tokens.drop()
        tokens.answers.drop()
        tokens.home.vaults.forget(tokens.entry)
    if failure is not None:
        raise Unreachable(
            f"The login is gone from this machine, but the server did not end it: {failure}",
            hint="End it in your browser, under the sessions of your account.",
        ) from None
    return token


def _end_session(tokens: Tokens, token: Token) -> None:
    """End the session of `token` at the server, if it has one."""
    if token.refresh:
        client_for(tokens.home, tokens.login).end_session(token.refresh)


def _clear_code(tokens: Tokens) -> None:
    """Forget the code of a login whose process died; one that is under way is its holder's."""
    turn = tokens.login_turn
    with suppress(Expired), turn.held(0):
        record = read_record(turn)
        if record.device_code:
            write_record(turn, Record(attempt=record.ended))
