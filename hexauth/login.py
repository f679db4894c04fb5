"""The section nobody enters twice: asking a person to log in.

The login mutex is held for as long as the person takes. After waiting for it, a caller reads the
vault again: what it wanted may be there. A caller that needs the token mutex too takes it second.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from hexauth import oauth
from hexauth.accounts import account_name, explicit_account, no_login, user_of
from hexauth.attempt import Arrival, attempt, is_new, settled, share
from hexauth.device import wait
from hexauth.errors import Expired, Interrupted, VaultError
from hexauth.hex import session_end
from hexauth.model import Endpoints, Login, Token
from hexauth.mutex import Mutex, Record, read_record, write_record
from hexauth.servers import endpoints_for, remember
from hexauth.session import TOKEN_SECONDS, replace_login
from hexauth.system import signals_held
from hexauth.tokens import Files, cache, files, load
from hexauth.vault.logins import name
from hexauth.world import World

UNSEEN_SECONDS = 60
"""The longest wait for a login whose code nobody has seen yet: one request for the code."""

GRACE_SECONDS = 30
"""How long after a code's deadline its holder may still be saving."""

WAITING = "waiting"


@dataclass(frozen=True)
class Question:
    """What a person is asked: for which scopes, from which device, and whether in a browser."""

    scope: str
    name: str
    browser: bool = True


def log_in(
    world: World, login: Login, arrival: Arrival, question: Question, *, may_ask: bool
) -> Token:
    """Return a token newer than the caller's, asking the person unless somebody else has.

    A caller that may not ask still waits for a login that another process has under way, and
    carries on with the code that it has seen there. Raises `LoginRequired`, `Declined`, `Expired`,
    `Unreachable`, `VaultError` or `Interrupted`.
    """
    world.front.leave()  # the token mutex is taken second
    beside = files(world, login)
    watch = _Watch(world, beside, question.browser)
    with Mutex(beside.login_mutex).held(None, watch.look):
        cached = cache(world, login).read(world.now())
        token = cached if is_new(cached, arrival, world.now()) else load(world, login)
        if token is not None and is_new(token, arrival, world.now()):
            return token
        record = read_record(beside.login_record)
        if record.ended > arrival.logins:
            share(record)
        is_good = record.deadline > world.now() and record.device_code != ""
        if is_good and (may_ask or record.approved or watch.has_shown(record)):
            return _ask(world, login, question, record)
        if not may_ask:
            raise no_login(world, login)
        return _ask(world, login, question, Record(attempt=record.ended))


def _ask(world: World, login: Login, question: Question, left: Record) -> Token:
    """Run the device flow, RFC 8628, with the code that `left` holds or with a new one.

    A process that died has left it, or one that could not save the token; after the approval a Hex
    server issues another token for the same code.
    """
    beside, number = files(world, login), left.ended + 1
    with attempt(beside.login_record, number), _interrupts_are_a_no(), settled(world):
        endpoints = endpoints_for(world, login)
        world.vault(name(login)).check()  # a login that cannot be saved is worse than none
        if left.device_code:
            record = replace(left, state=WAITING, attempt=number, pid=os.getpid(), message="")
            why = "has ended" if left.state == WAITING else "could not save the login"
            world.screen.say(f"Process {left.pid} {why}; carrying on with its code.")
        else:
            record = _waiting(world, login, endpoints, question, number)

        def publish(**changes: float | bool) -> None:
            nonlocal record
            record = replace(record, **changes)  # type: ignore[arg-type]  # floats and flags alone
            write_record(beside.login_record, record)

        def poll() -> Token:
            return oauth.device_token(
                world.http, endpoints, login.client_id, record.device_code, now=world.now()
            )

        publish()
        if not record.approved:
            _show(world, login, record)
            if question.browser and not _open_browser(world, beside, record):
                publish(browser_missing=True)
        token = wait(
            poll,
            _grant(record),
            sleep=world.sleep,
            now=world.now,
            monotonic=world.monotonic,
            slowed=lambda interval: publish(interval=interval),
        )
        token = replace(token, scope=token.scope or question.scope)  # RFC 6749 section 5.1
        place, user = _place(world, login, token)
        with Mutex(files(world, place).token_mutex).held(TOKEN_SECONDS), signals_held():
            publish(approved=True)
            replace_login(world, place, token)
        remember(world, place, user or user_of(world, place, token), question.scope)
        return token


def _place(world: World, login: Login, token: Token) -> tuple[Login, str | None]:
    """Return the login whose place `token` takes, and the user's name if that was asked.

    It is `login`, unless that is another user's who is logged in still: nobody is logged out by
    a friend's login.
    """
    if named := explicit_account(world):
        return login, named
    if login.account or not (before := account_name(world, login)):
        return login, None
    with suppress(VaultError):
        old = load(world, login)
        end = None if old is None else session_end(old)
        if old is None or (old.refresh is None and old.life_left(world.now()) <= 0):
            return login, None
        if end is not None and end <= world.now():
            return login, None
    user = user_of(world, login, token)
    if user in (None, before):
        return login, user
    world.screen.say(
        f"{before} stays logged in, and is who is meant if nobody is named.",
        f"Name {user} with --account, or run `hexauth switch {user}`.",
    )
    return Login(login.server, login.client_id, user or ""), user


@contextmanager
def _interrupts_are_a_no() -> Iterator[None]:
    """Let Ctrl-C be the person's answer to the question."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("The login was interrupted.") from None


def under_way(world: World, login: Login) -> Record | None:
    """Return the record of a login that some process has under way, or None."""
    beside = files(world, login)
    if not Mutex(beside.login_mutex).is_held():
        return None
    record = read_record(beside.login_record)
    return record if record.state == WAITING else None


def _waiting(
    world: World, login: Login, endpoints: Endpoints, question: Question, number: int
) -> Record:
    """Return the record of a new code; RFC 8628 section 3.1."""
    grant = oauth.device_authorization(
        world.http,
        endpoints,
        login.client_id,
        scope=question.scope,
        name=question.name,
        now=world.now(),
    )
    return Record(
        state=WAITING,
        attempt=number,
        pid=os.getpid(),
        user_code=grant.user_code,
        verification_uri=grant.verification_uri,
        verification_uri_complete=grant.verification_uri_complete,
        device_code=grant.device_code,
        interval=grant.interval,
        deadline=grant.deadline,
    )


def _grant(record: Record) -> oauth.Grant:
    return oauth.Grant(
        record.device_code,
        record.user_code,
        record.verification_uri,
        record.verification_uri_complete,
        record.interval,
        record.deadline,
    )


def spaced(user_code: str) -> str:
    """Return a user code as people read it: eight characters in two groups."""
    return f"{user_code[:4]}-{user_code[4:]}" if len(user_code) == 8 else user_code


def _show(world: World, login: Login, record: Record) -> None:
    """Show the person where to go and what to enter, before a browser covers the terminal."""
    whose = f" as {login.account}" if login.account else ""
    choice = world.choice(name(login))
    if choice.name == "file":  # people resented not being told (cli/cli#7757)
        place = world.vault(name(login)).describe()
        world.screen.say(f"The login will be kept in {place} ({choice.why}).")
    world.screen.say(
        f"To log in{whose}, open {record.verification_uri_complete}",
        _what_to_do(record),
    )


def _what_to_do(record: Record) -> str:
    """Say what to do with the code; some servers have no address that knows it already."""
    knows = record.verification_uri_complete != record.verification_uri
    do = "check that it shows" if knows else "enter"
    return f"and {do} the code {spaced(record.user_code)}."


def _open_browser(world: World, beside: Files, record: Record) -> bool:
    """Open the page of `record`'s code in a browser, unless some process has done so already.

    Tell whether it is open, or somebody is opening it just now.
    """
    try:
        with Mutex(beside.browser_mutex).held(0):
            if read_record(beside.browser_record).user_code == record.user_code:
                return True
            if not world.browse(record.verification_uri_complete):
                return False
            opened = Record("done", record.attempt, os.getpid(), user_code=record.user_code)
            write_record(beside.browser_record, opened)
    except Expired:
        return True
    world.screen.say("Your browser has been asked to open it.")
    return True


class _Watch:
    """What a waiter does now and then: show what it waits for, and notice the deadline.

    A waiter that a person can see opens the browser, if the process that asks could not.
    """

    def __init__(self, world: World, beside: Files, browser: bool) -> None:
        self._world, self._beside = world, beside
        self._may_browse = browser and world.screen.visible
        self._shown: set[str] = set()
        self._end = world.deadline(UNSEEN_SECONDS)

    def look(self) -> None:
        """Do it; raise `Expired` if the process that is waited for has had its time."""
        record = read_record(self._beside.login_record)
        if record.state == WAITING:
            self._show(record)
            if record.browser_missing and self._may_browse:
                self._may_browse = False
                _open_browser(self._world, self._beside, record)
        if self._end.is_over():
            raise Expired(f"Process {record.pid} has kept its login open for too long.")

    def has_shown(self, record: Record) -> bool:
        """Tell whether the person was shown this record's code here."""
        return record.user_code in self._shown

    def _show(self, record: Record) -> None:
        if self.has_shown(record):
            return
        self._shown.add(record.user_code)
        self._end = self._world.deadline(record.deadline - self._world.now() + GRACE_SECONDS)
        self._world.screen.say(
            f"Process {record.pid} is waiting for you: open {record.verification_uri_complete}",
            _what_to_do(record),
        )
