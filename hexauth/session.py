"""The life of a login that is there: refreshing, saving, rejecting and ending it.

All of it happens under the token mutex, held while a request is made and its answer saved. After
waiting for it, a caller reads the vault again: what it wanted may be there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from hexauth import oauth
from hexauth.attempt import Arrival, attempt, is_new, settled, share, token_turn
from hexauth.errors import Expired, HexauthError, Refused, Unreachable, VaultError
from hexauth.model import Login, Token
from hexauth.mutex import Mutex, Record, read_record, write_record
from hexauth.servers import endpoints_for
from hexauth.system import signals_held
from hexauth.tokens import Files, cache, drop, files, load, save
from hexauth.vault import Vault
from hexauth.vault.choose import NAMES
from hexauth.vault.logins import drop_login, load_login, name
from hexauth.world import World

TOKEN_SECONDS = 120
"""The longest wait for the token mutex: one request, its save, and a keyring slow to answer."""


def refreshed(world: World, login: Login, arrival: Arrival) -> Token | None:
    """Return a token newer than the caller's, by refreshing unless somebody else has just done so.

    None means that the login has ended and a person is needed. Raises `Unreachable`, with nothing
    lost, when the server does not answer sensibly; `VaultError`; `Expired`.
    """

    def renew(token: Token | None) -> Callable[[], Token | None] | None:
        if token is None or token.refresh is None:
            return None
        return lambda: _refresh(world, login, token)

    def is_good(token: Token | None) -> bool:
        return is_new(token, arrival, world.now())

    return _renewed(world, login, arrival, renew, is_good)


def exchanged(world: World, login: Login, key: Callable[[], str], scope: str) -> Token:
    """Return a fresh token, by exchanging `key` unless somebody else just has.

    The old one is good enough while it lives, if the server is down. Raises what `refreshed` does,
    and `Declined` if the server does not accept the key.
    """
    arrival = Arrival(None, 0, read_record(files(world, login).token_record).ended)

    def exchange() -> Token:
        try:
            new = oauth.exchange(
                world.http,
                endpoints_for(world, login),
                login.client_id,
                key(),
                scope=scope,
                now=world.now(),
            )
        except Refused as refusal:
            raise Refused(
                refusal.code,
                f"{login.server} does not take the key for {login.exchange.split()[0]}: "
                f"{refusal.code}.",
                hint="Check the key, and replace it with `hexauth key add`.",
            ) from None
        save(world, login, new)
        _forget_ended(world, login)
        return new

    def is_good(token: Token | None) -> bool:
        return token is not None and token.is_fresh(world.now(), world.settings.min_ttl)

    try:
        token = _renewed(world, login, arrival, lambda token: exchange, is_good)
    except Unreachable:
        token = load(world, login)
        if token is None or token.life_left(world.now()) <= 0:
            raise
    assert token is not None  # noqa: S101  (an exchange answers with a token, or raises)
    return token


def _forget_ended(world: World, login: Login) -> None:
    """Forget the tokens that other keys, given in the environment before, were exchanged for.

    A key that is used again is exchanged again; one whose mutex is held is left alone.
    """
    what = login.exchange.split()[:2]
    for facts in world.index.entries().values():
        exchange = facts.get("exchange", "")
        if exchange.split()[:2] != what or exchange == login.exchange:
            continue
        other = Login(facts["server"], facts["client_id"], exchange=exchange)
        with suppress(Expired), Mutex(files(world, other).token_mutex).held(0):
            token = load(world, other)
            if token is None or token.life_left(world.now()) <= 0:
                drop(world, other)
                world.forget(name(other))


def _renewed(
    world: World,
    login: Login,
    arrival: Arrival,
    renew: Callable[[Token | None], Callable[[], Token | None] | None],
    is_good: Callable[[Token | None], bool],
) -> Token | None:
    """Return the token that somebody else has just got, or else do what `renew` returns."""
    beside = files(world, login)
    with token_turn(world, login, TOKEN_SECONDS), _told(world, login):
        answers = cache(world, login)
        cached = answers.read(world.now())
        token = cached if is_good(cached) else load(world, login)
        if token is not None and is_good(token):
            if token is not cached:
                answers.write(token, world.now())
            return token
        get_new = renew(token)
        if get_new is None:
            return None
        record = read_record(beside.token_record)
        if record.attempt > arrival.refreshes:
            share(record)
        with attempt(beside.token_record, record.attempt + 1), settled(world):
            return get_new()


@contextmanager
def _told(world: World, login: Login) -> Iterator[None]:
    """Tell those who wait for the token mutex if waiting was useless."""
    try:
        yield
    finally:
        answers = cache(world, login)
        if answers.read(world.now()) is None:
            answers.write_none(world.now())


def _refresh(world: World, login: Login, token: Token) -> Token | None:
    """Refresh `token` and save the answer; both happen or, short of a crash, neither."""
    endpoints = endpoints_for(world, login)
    with signals_held():
        try:
            new = oauth.refresh(world.http, endpoints, login.client_id, token, now=world.now())
        except Refused as refusal:
            if refusal.code != "invalid_grant":
                raise Unreachable(str(refusal)) from None
            on_file = load(world, login)
            if on_file is not None and on_file.refresh != token.refresh:
                return on_file
            drop(world, login)
            return None
        save(world, login, new)
        return new


def replace_login(world: World, login: Login, token: Token) -> None:
    """Save `token`, and then end the session that it replaces: a user has only five.

    The caller holds the token mutex. Raises `VaultError`; a server that does not end the old
    session is only mentioned, and so is another vault that does not let go of it: the person has
    left that vault, perhaps because it cannot be reached from here.
    """
    elsewhere = vault_before(world, login)
    old: Token | None = None
    failure: HexauthError | None = None
    try:
        old = load(world, login) if elsewhere is None else None
    except VaultError as error:  # the new token comes first: it cannot be had again
        failure = error
    save(world, login, token)
    try:
        if elsewhere is not None:
            old = load_login(elsewhere, login)
            drop_login(elsewhere, login)
        if old is not None and old.refresh and old.refresh != token.refresh:
            _end(world, login, old.refresh)
    except HexauthError as error:
        failure = error
    if failure is not None:
        world.screen.say(f"The login before this one could not be ended: {failure}")


def _end(world: World, login: Login, refresh_token: str) -> None:
    oauth.end_session(world.http, endpoints_for(world, login), login.client_id, refresh_token)


def vault_before(world: World, login: Login) -> Vault | None:
    """Return the vault that the index names for `login`, if it is not the one in use now."""
    before = world.index.entries().get(name(login), {}).get("vault", "")
    moves = before in NAMES and before != world.choice(name(login)).name
    return world.open(before) if moves else None


def reject(world: World, login: Login, secret: str) -> None:
    """Note that a server has rejected `secret`: drop the access token if it is still that one.

    The next `get` refreshes. An older secret changes nothing: somebody has a newer token already.
    """
    with Mutex(files(world, login).token_mutex).held(TOKEN_SECONDS):
        token = load(world, login)
        if token is None or token.access != secret:
            return
        if login.exchange:
            drop(world, login)
        elif token.refresh is not None:
            save(world, login, replace(token, access=None))


def log_out(world: World, login: Login) -> Token | None:
    """End the session at the server, remove every local trace, and return what there was.

    Raises `Unreachable` after the local login is gone, if the server could not be told.
    """
    beside = files(world, login)
    _clear_code(beside)
    with Mutex(beside.token_mutex).held(TOKEN_SECONDS), settled(world):
        token: Token | None = None
        failure: HexauthError | None = None
        try:
            token = load(world, login)
        except VaultError as error:  # an entry that makes no sense can be removed all the same
            failure = error
        if token is not None and token.refresh is not None:
            try:
                _end(world, login, token.refresh)
            except HexauthError as error:
                failure = error
        drop(world, login)
        cache(world, login).drop()
        world.forget(name(login))
    if failure is not None:
        raise Unreachable(
            f"The login is gone from this machine, but the server did not end it: {failure}",
            hint="End it in your browser, under the sessions of your account.",
        ) from None
    return token


def _clear_code(beside: Files) -> None:
    """Forget the code of a login whose process died; one that is under way is its holder's."""
    with suppress(Expired), Mutex(beside.login_mutex).held(0):
        record = read_record(beside.login_record)
        if record.device_code:
            write_record(beside.login_record, Record(attempt=record.ended))
