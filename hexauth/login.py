"""The section nobody enters twice: asking a person to log in.

The login mutex is held for as long as the person takes. After waiting for it, a caller reads the
vault again: what it wanted may be there. A caller that needs the token mutex too takes it second.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hexauth import oauth
from hexauth.attempt import Arrival, Files, attempt, cache, files, is_new, load, settled, share
from hexauth.device import wait
from hexauth.errors import Expired, LoginRequired
from hexauth.model import Login, Token
from hexauth.mutex import Mutex, Record, read_record, write_record
from hexauth.session import TOKEN_SECONDS, replace_login
from hexauth.system import signals_held
from hexauth.vault.logins import name
from hexauth.world import World

UNSEEN_SECONDS = 60
"""The longest wait for a login whose code nobody has seen yet: one request for the code."""

GRACE_SECONDS = 30
"""How long after a code's deadline its holder may still be saving."""


def log_in(
    world: World,
    login: Login,
    arrival: Arrival,
    *,
    may_ask: bool,
    scope: str,
    name: str,
    browser: bool = True,
) -> Token:
    """Return a token newer than the caller's, asking the person unless somebody else has.

    A caller that may not ask still waits for a login that another process has under way. `name`
    is shown to the person on the approval page. Raises `LoginRequired`, `Declined`, `Expired`,
    `Unreachable`, `VaultError` or `Interrupted`.
    """
    world.front.leave()  # the token mutex is taken second
    beside = files(world, login)
    with Mutex(beside.login_mutex).held(None, _watcher(world, beside.login_record, browser)):
        cached = cache(world, login).read(world.now())
        token = cached if is_new(cached, arrival, world.now()) else load(world, login)
        if token is not None and is_new(token, arrival, world.now()):
            return token
        record = read_record(beside.login_record)
        if record.ended > arrival.logins:
            share(record)
        if not may_ask:
            raise LoginRequired(f"There is no login at {login.server}.")
        return _ask(world, login, beside, record, Question(scope, name, browser))


@dataclass(frozen=True)
class Question:
    """What a person is asked: for which scopes, from which device, and whether in a browser."""

    scope: str
    name: str
    browser: bool = True


def _ask(world: World, login: Login, beside: Files, record: Record, question: Question) -> Token:
    """Run the device flow, carrying on the code of a holder that died; RFC 8628."""
    inherited = record.state == "waiting" and record.deadline > world.now()
    entry = name(login)
    number = record.attempt if inherited else record.ended + 1
    with attempt(beside.login_record, number), settled(world):
        world.vault(entry).check()  # a login that cannot be saved is worse than none
        if inherited:
            world.screen.say(f"Process {record.pid} has ended; carrying on with its code.")
            grant = oauth.Grant(
                record.device_code,
                record.user_code,
                record.verification_uri,
                record.verification_uri_complete,
                record.interval,
                record.deadline,
            )
        else:
            grant = oauth.device_authorization(
                world.http,
                login.server,
                login.client_id,
                scope=question.scope,
                name=question.name,
                now=world.now(),
            )
        write_record(beside.login_record, _waiting(grant, number))
        if world.choice(entry).name == "file":  # people resent not being told (cli/cli#7757)
            place, why = world.vault(entry).describe(), world.choice(entry).why
            world.screen.say(f"The login will be kept in {place} ({why}).")
        _show(world, grant, question.browser)

        def poll() -> Token:
            return oauth.device_token(
                world.http, login.server, login.client_id, grant.device_code, now=world.now()
            )

        token = wait(poll, grant, sleep=world.sleep, now=world.now)
        with Mutex(beside.token_mutex).held(TOKEN_SECONDS), signals_held():
            replace_login(world, login, token)
        return token


def under_way(world: World, login: Login) -> Record | None:
    """Return the record of a login that some process has under way, or None."""
    beside = files(world, login)
    if not Mutex(beside.login_mutex).is_held():
        return None
    record = read_record(beside.login_record)
    return record if record.state == "waiting" else None


def _waiting(grant: oauth.Grant, number: int) -> Record:
    return Record(
        state="waiting",
        attempt=number,
        pid=os.getpid(),
        user_code=grant.user_code,
        verification_uri=grant.verification_uri,
        verification_uri_complete=grant.verification_uri_complete,
        device_code=grant.device_code,
        interval=grant.interval,
        deadline=grant.deadline,
    )


def spaced(user_code: str) -> str:
    """Return a user code as people read it: eight characters in two groups."""
    return f"{user_code[:4]}-{user_code[4:]}" if len(user_code) == 8 else user_code


def _show(world: World, grant: oauth.Grant, browser: bool) -> None:
    """Show the person where to go and what to enter, before a browser covers the terminal."""
    world.screen.say(
        f"To log in, open {grant.verification_uri_complete}",
        f"and check that it shows the code {spaced(grant.user_code)}.",
    )
    if browser and world.browse(grant.verification_uri_complete):
        world.screen.say("Your browser has been asked to open it.")


def _watcher(world: World, record_path: Path, browser: bool) -> Callable[[], None]:
    """Return what a waiter does now and then: show what it waits for, and notice the deadline."""
    shown: set[str] = set()
    start = world.now()

    def watch() -> None:
        record = read_record(record_path)
        waiting = record.state == "waiting"
        limit = record.deadline + GRACE_SECONDS if waiting else start + UNSEEN_SECONDS
        if world.now() > limit:
            raise Expired(f"Process {record.pid} has kept its login open for too long.")
        if waiting and record.user_code not in shown:
            shown.add(record.user_code)
            world.screen.say(
                f"Process {record.pid} is waiting for you: open {record.verification_uri_complete}",
                f"and check that it shows the code {spaced(record.user_code)}.",
            )

    return watch
