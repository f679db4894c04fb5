"""What the person sees of a login: the address and the code, in a terminal and in a browser."""

import os

from hexauth.errors import Expired, Unreachable
from hexauth.login.pages import Page, page
from hexauth.login.record import DONE, WAITING, Record, read_record, write_record
from hexauth.login.tokens import Tokens
from hexauth.machine.browser import browser_command
from hexauth.machine.clock import Deadline
from hexauth.machine.mutex import Mutex
from hexauth.machine.terminal import can_answer, line_within

UNSEEN_SECONDS = 60
"""The longest wait for a login whose code nobody has seen yet: one request for the code."""

GRACE_SECONDS = 30
"""How long after a code's end its holder may still be saving."""


def show(tokens: Tokens, record: Record) -> None:
    """Show the person where to go and what to enter, before a browser covers the terminal."""
    home, login = tokens.home, tokens.login
    choice = home.vaults.choice(tokens.entry)
    if choice.name == "file":  # people resented not being told (cli/cli#7757)
        place = tokens.vault.describe()
        home.screen.say(f"The login will be kept in {place} ({choice.why}).")
    whose = f" as {login.account}" if login.account else ""
    home.screen.say(f"To log in{whose}, open {_where(record)}", *_what_to_do(tokens, record))


def say_trouble(tokens: Tokens, error: Unreachable, left: float) -> None:
    """Tell the person that the server is out of order, and goes on being asked for `left` seconds.

    Whoever has approved the code already would not know what is being waited for.
    """
    span = f"{left / 60:.0f} min" if left >= 100 else f"{left:.0f} s"
    tokens.home.screen.say(f"{error}", f"It is asked again until the code expires, in {span}.")


def _where(record: Record) -> str:
    return record.verification_uri_complete


def _what_to_do(tokens: Tokens, record: Record) -> list[str]:
    """Say what to do with the code; some servers have no address that knows it already.

    What is doubtful about the address is said, too.
    """
    knows = record.verification_uri_complete != record.verification_uri
    do = "check that it shows" if knows else "enter"
    doubt = _page(tokens, record).doubt
    return [f"and {do} the code {spaced(record.user_code)}.", *([doubt] if doubt else [])]


def _page(tokens: Tokens, record: Record) -> Page:
    return page(_where(record), tokens.login, tokens.home.settings)


def spaced(user_code: str) -> str:
    """Return a user code as people read it: eight characters in two groups."""
    return f"{user_code[:4]}-{user_code[4:]}" if len(user_code) == 8 else user_code


def open_browser(tokens: Tokens, record: Record, *, agreed: bool = False) -> bool:
    """Open the page of `record`'s code in a browser, unless some process has done so already.

    One that is doubtful is opened if the person has `agreed`. Tell whether there is nothing left
    for others to do: it is open, or is being opened just now, or is not to be opened.
    """
    home, files, here = tokens.home, tokens.files, _page(tokens, record)
    if here.doubt and not (agreed and here.may_ask):
        return True
    try:
        with Mutex(files.browser_mutex).held(0):
            if read_record(files.browser_record).user_code == record.user_code:
                return True
            if not home.browse(here.address):
                return False
            opened = Record(DONE, record.attempt, os.getpid(), user_code=record.user_code)
            write_record(files.browser_record, opened)
    except Expired:
        return True
    home.screen.say("Your browser has been asked to open it.")
    return True


class Agreement:
    """The question whether a doubtful page is opened, in front of a person who can answer it.

    The server is polled all the while: the page may be opened on any other device.
    """

    def __init__(self, tokens: Tokens, record: Record) -> None:
        self._tokens, self._record = tokens, record
        here = _page(tokens, record)
        is_possible = here.may_ask and tokens.home.screen.visible
        has_browser = is_possible and browser_command(here.address, tokens.home.environ) is not None
        self._is_open = has_browser and can_answer(forget=True)
        if self._is_open:
            tokens.home.screen.say(
                f"To have {here.host} opened in your browser, type y and press Enter."
            )

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`, and do as the person says, if something is said."""
        home = self._tokens.home
        end = home.monotonic() + seconds
        answer = line_within(seconds) if self._is_open else None
        if answer is not None:
            self._is_open = False
            if answer.lower() in ("y", "yes"):
                open_browser(self._tokens, self._record, agreed=True)
        home.sleep(max(0.0, min(seconds, end - home.monotonic())))


class Watch:
    """What a waiter does now and then: show what it waits for, and notice the deadline.

    A waiter that a person can see opens the browser, if the process that asks could not.
    """

    def __init__(self, tokens: Tokens, *, browser: bool) -> None:
        self._tokens, self._home, self._files = tokens, tokens.home, tokens.files
        self._may_browse = browser and self._home.screen.visible
        self._shown: set[str] = set()
        self._end = self._deadline(UNSEEN_SECONDS)

    def look(self) -> None:
        """Do it; raise `Expired` if the process that is waited for has had its time."""
        record = read_record(self._files.login_record)
        if record.state == WAITING:
            self._show(record)
            if record.browser_missing and self._may_browse:
                self._may_browse = False
                open_browser(self._tokens, record)
        if self._end.is_over():
            raise Expired(
                f"Process {record.pid} has kept its login open for too long.",
                hint=f"End it (`kill {record.pid}`), then run `hexauth login` for a new code.",
            )

    def has_shown(self, record: Record) -> bool:
        """Tell whether the person was shown this record's code here."""
        return record.user_code in self._shown

    def _show(self, record: Record) -> None:
        if self.has_shown(record):
            return
        self._shown.add(record.user_code)
        left = record.left(self._home.now()) or record.lifetime  # by a clock that was set, no more
        self._end = self._deadline(left + GRACE_SECONDS)
        self._home.screen.say(
            f"Process {record.pid} is waiting for you: open {_where(record)}",
            *_what_to_do(self._tokens, record),
        )

    def _deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, self._home.monotonic)
