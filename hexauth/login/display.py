"""What the person sees of a login: the address and the code, in a terminal and in a browser."""

import os

from hexauth.errors import Expired
from hexauth.login.record import DONE, WAITING, Record, read_record, write_record
from hexauth.login.tokens import Files, Tokens
from hexauth.machine.clock import Deadline
from hexauth.machine.mutex import Mutex
from hexauth.vault.home import Home

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
    home.screen.say(
        f"To log in{whose}, open {record.verification_uri_complete}", _what_to_do(record)
    )


def _what_to_do(record: Record) -> str:
    """Say what to do with the code; some servers have no address that knows it already."""
    knows = record.verification_uri_complete != record.verification_uri
    do = "check that it shows" if knows else "enter"
    return f"and {do} the code {spaced(record.user_code)}."


def spaced(user_code: str) -> str:
    """Return a user code as people read it: eight characters in two groups."""
    return f"{user_code[:4]}-{user_code[4:]}" if len(user_code) == 8 else user_code


def open_browser(home: Home, files: Files, record: Record) -> bool:
    """Open the page of `record`'s code in a browser, unless some process has done so already.

    Tell whether it is open, or somebody is opening it just now.
    """
    try:
        with Mutex(files.browser_mutex).held(0):
            if read_record(files.browser_record).user_code == record.user_code:
                return True
            if not home.browse(record.verification_uri_complete):
                return False
            opened = Record(DONE, record.attempt, os.getpid(), user_code=record.user_code)
            write_record(files.browser_record, opened)
    except Expired:
        return True
    home.screen.say("Your browser has been asked to open it.")
    return True


class Watch:
    """What a waiter does now and then: show what it waits for, and notice the deadline.

    A waiter that a person can see opens the browser, if the process that asks could not.
    """

    def __init__(self, tokens: Tokens, *, browser: bool) -> None:
        self._home, self._files = tokens.home, tokens.files
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
                open_browser(self._home, self._files, record)
        if self._end.is_over():
            raise Expired(f"Process {record.pid} has kept its login open for too long.")

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
            f"Process {record.pid} is waiting for you: open {record.verification_uri_complete}",
            _what_to_do(record),
        )

    def _deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, self._home.monotonic)
