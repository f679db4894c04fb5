"""The section nobody enters twice: asking a person to log in.

The login mutex is held for as long as the person takes. After waiting for it, a caller reads the
vault again: what it wanted may be there. A caller that needs the token mutex too takes it second.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from hexauth.errors import Expired, Outrun, Unreachable, VaultError
from hexauth.hex import session_end
from hexauth.login.attempts import (
    Arrival,
    Found,
    arrive,
    attempt,
    interrupts_are_a_no,
    is_new,
    share,
)
from hexauth.login.display import place, say_done, say_in, say_trouble, tell
from hexauth.login.ending import replace_login
from hexauth.login.notice import notice
from hexauth.login.polling import wait
from hexauth.login.prompt import Prompt
from hexauth.login.record import WAITING, Record, read_record, write_record
from hexauth.login.renewal import refreshed
from hexauth.login.tokens import Tokens
from hexauth.login.watch import Watch
from hexauth.machine import trace
from hexauth.machine.browser import is_graphical
from hexauth.machine.lineage import lineage
from hexauth.machine.mounts import lock_warning
from hexauth.machine.signals import signals_held
from hexauth.machine.terminal import identity
from hexauth.memory.waiting import ALONE, GIT_SAYS_NO, TOLD
from hexauth.model import Login, Token
from hexauth.servers.accounts import account_name, explicit_account, no_login, user_of
from hexauth.servers.directory import client_for, remember
from hexauth.tools.callers import caller
from hexauth.vault.home import Home
from hexauth.vault.turns import Lost
from hexauth.world import git_config
from hexauth.world.outside import World


@dataclass(frozen=True)
class Question:
    """What a person is asked: for which scopes, and from which device."""

    scope: str
    name: str
    own: bool = False
    """Whether a login is all that the person wants, and not something else that needs it."""


def device_name() -> str:
    """Return the name that the approval page shows for this machine, as the Mix client does."""
    import socket

    return socket.gethostname() or "hexauth"


def allowed_to_ask(world: World, flag: bool | None) -> bool:
    """Tell whether this run may ask the person to log in; `flag` is `--login/--no-login`."""
    return not why_not_ask(world, flag)


def why_not_ask(world: World, flag: bool | None) -> str:
    """Return why nobody may be asked, in words that go on from "nobody was asked:".

    It is empty if somebody may. `flag` is `--login/--no-login`.
    """
    if flag is not None:
        return "" if flag else TOLD
    why_not = _why_not(world)
    trace.tell(f"nobody is asked: {why_not}" if why_not else "somebody may be asked to log in")
    return why_not


def _why_not(world: World) -> str:
    for name in ("no_login", "ci"):
        if getattr(world.settings, name):
            source = world.settings.sources[name]
            return f"{f'{name} in {source}' if source == 'config.toml' else source} is set"
    if not git_config.may_ask(world.environ):
        return GIT_SAYS_NO
    return "" if world.screen.visible or is_graphical(world.environ) else ALONE


def log_in(tokens: Tokens, arrival: Arrival, question: Question, why_not: str = "") -> Token:
    """Return a token newer than the caller's, asking the person unless somebody else has.

    A caller that may not ask, as `why_not_ask` has it, still waits for a login that another process
    has under way, and carries on with the code that it has seen there. Raises `LoginRequired`,
    `Declined`, `Expired`, `Unreachable`, `VaultError` or `Interrupted`.
    """
    home = tokens.home
    home.front.leave()  # the token mutex is taken second
    while True:
        try:
            return _in_turn(tokens, arrival, question, why_not)
        except Found as found:
            if question.own or home.screen.visible:
                say_in(tokens, found.token)
            return found.token
        except Lost:  # another host goes on with the code, and is watched as any other
            continue
        finally:
            tokens.close()


def _in_turn(tokens: Tokens, arrival: Arrival, question: Question, why_not: str) -> Token:
    """Do what `log_in` does, once it is this process's turn. Raises `Found` and `Lost`, too."""
    home, turn = tokens.home, tokens.login_turn

    def look() -> None:
        """See what another machine has brought."""
        token, record = tokens.load(), read_record(turn)
        if token is not None and is_new(token, arrival, home.now()):
            with suppress(Expired), tokens.here(0):
                tokens.answer(token)  # before the next one here has the turn
            raise Found(token)
        if record.ended > arrival.logins:
            share(record)

    with ExitStack() as held:
        watch = held.enter_context(Watch(tokens))
        held.enter_context(turn.here(None, watch.look))
        cached = tokens.answers.read()
        is_here = is_new(cached, arrival, home.now())
        if not is_here:
            held.enter_context(turn.beyond(None, watch.look, look))
        watch.close()
        token = cached if is_here else tokens.load()
        if token is not None and is_new(token, arrival, home.now()):
            if question.own or (watch.has_seen and home.screen.visible):
                say_in(tokens, token)
            return token
        record = read_record(turn)
        trace.tell(f"attempt {record.attempt} to log in, of process {record.pid}: {record.state}")
        if record.ended > arrival.logins:
            share(record)
        is_good = record.left(home.now()) > 0 and record.device_code != ""
        if is_good and (not why_not or record.approved or watch.has_shown(record)):
            return _ask(tokens, question, record, is_seen=watch.has_shown(record))
        if why_not:
            raise no_login(home.settings, tokens.login, why_not)
        return _ask(tokens, question, Record(attempt=record.ended))


def _ask(tokens: Tokens, question: Question, left: Record, *, is_seen: bool = False) -> Token:
    """Run the device flow, RFC 8628, with the code that `left` holds or with a new one.

    A process that died has left it, or one that could not save the token; after the approval a Hex
    server issues another token for the same code. `is_seen` tells whether the person has seen it
    here.
    """
    home, login, turn = tokens.home, tokens.login, tokens.login_turn
    number = left.ended + 1
    with attempt(turn, number), interrupts_are_a_no():
        client = client_for(home, login)
        home.vaults.check(tokens.entry)  # a login that cannot be saved is worse than none
        if warning := lock_warning(home.places.state):
            home.screen.say(*warning)
        if left.device_code:
            record = replace(
                left, state=WAITING, attempt=number, message="", **_own(home, question, turn.host)
            )
            seconds = left.left(home.now())
            why = "has ended" if left.state == WAITING else "could not save the login"
            tell(home, f"Process {left.pid}{place(left)} {why}; carrying on with its code.")
        else:
            grant = client.device_authorization(question.scope, question.name)
            record = Record(
                state=WAITING, attempt=number, **_own(home, question, turn.host), **asdict(grant)
            )
            seconds = grant.lifetime

        def publish(**changes: float | bool) -> None:
            nonlocal record
            record = replace(record, **changes)  # type: ignore[arg-type]  # floats and flags alone
            write_record(turn, record)

        def keeping(sleep: Callable[[float], object]) -> Callable[[float], None]:
            def keep(seconds: float) -> None:
                sleep(seconds)
                turn.keep()

            return keep

        publish()
        poll = partial(
            wait,
            lambda: client.device_token(record.device_code),
            record.interval,
            seconds,
            monotonic=home.monotonic,
            slowed=lambda interval: publish(interval=interval),
        )
        if record.approved:
            token = poll(sleep=keeping(home.sleep), troubled=partial(say_trouble, tokens))
        else:
            with Prompt(tokens, record, seconds, is_seen=is_seen) as prompt:
                if not prompt.invite():
                    publish(browser_missing=True)
                with notice(tokens, record):
                    token = poll(sleep=keeping(prompt.sleep), troubled=prompt.trouble)
        token = token.replaced(scope=token.scope or question.scope)  # RFC 6749 section 5.1
        where, user = _place(tokens, token)
        with where.changing(), signals_held():
            try:
                replace_login(where, token, partial(publish, approved=True))
            except Outrun:  # with the same code, after this host was not heard of
                raise Lost("Another host has saved a newer token.") from None
        remember(home, where.login, user or user_of(home, where.login, token), question.scope)
        if question.own or home.screen.visible:
            say_done(where, token, question.scope)
        return token


def _own(home: Home, question: Question, host: str) -> dict[str, Any]:
    """Return what a record says of the process that asks."""
    who = "" if question.own else caller(lineage(home.beside))
    return {"pid": os.getpid(), "host": host, "caller": who, "terminal": identity()}


def _place(tokens: Tokens, token: Token) -> tuple[Tokens, str | None]:
    """Return the login whose place `token` takes, and the user's name if that was asked.

    It is that of `tokens`, unless another user is logged in there still: nobody is logged out by
    a friend's login.
    """
    home, login = tokens.home, tokens.login
    if named := explicit_account(home.settings):
        return tokens, named
    if login.account or not (before := account_name(home, login)):
        return tokens, None
    with suppress(VaultError):
        if _has_ended(tokens, tokens.load()):
            return tokens, None
    user = user_of(home, login, token)
    if user in (None, before):
        return tokens, user
    home.screen.say(
        f"{before} stays logged in, and is who is meant if nobody is named.",
        f"Name {user} with --account, or run `hexauth switch {user}`.",
    )
    return Tokens(home, Login(login.server, login.client_id, user or "")), user


def _has_ended(tokens: Tokens, token: Token | None) -> bool:
    """Tell whether `token`, the login's, is of no use; raises `VaultError`.

    If its session seems to be over the server is asked, since a clock is easily wrong.
    """
    now = tokens.home.now()
    if token is None or (token.refresh is None and token.life_left(now) <= 0):
        return True
    end = session_end(token)
    if end is None or end > now:
        return False
    with suppress(Unreachable, Expired):
        return refreshed(tokens, arrive(tokens)) is None
    return False


def under_way(tokens: Tokens) -> Record | None:
    """Return the record of a login that some process has under way, or None."""
    if not tokens.login_turn.is_held():
        return None
    record = read_record(tokens.login_turn)
    return record if record.state == WAITING else None
