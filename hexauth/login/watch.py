"""What a waiter does while another process asks: it shows the same, and notices the deadline."""

from contextlib import ExitStack
from typing import Self

from hexauth.errors import Expired
from hexauth.login.display import is_live, spaced, tell, who
from hexauth.login.opening import open_browser
from hexauth.login.prompt import Prompt
from hexauth.login.record import WAITING, Record, read_record
from hexauth.login.tokens import Tokens
from hexauth.machine.clock import Deadline
from hexauth.machine.terminal import identity

UNSEEN_SECONDS = 60
"""The longest wait for a login whose code nobody has seen yet: one request for the code."""

GRACE_SECONDS = 30
"""How long after a code's end its holder may still be saving."""


class Watch:
    """What a waiter does now and then: show what it waits for, and notice the deadline.

    A waiter that a person can see opens the browser, if the process that asks could not. Use it in
    a `with` block.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens, self._home = tokens, tokens.home
        self._may_browse = self._home.settings.browser == "now" and self._home.screen.visible
        self._shown: set[str] = set()
        self._shows = ExitStack()
        self._prompt: Prompt | None = None
        self._end = self._deadline(UNSEEN_SECONDS)

    def __enter__(self) -> Self:
        """Begin; nothing is shown before there is something to wait for."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Leave the terminal as it was."""
        self.close()

    def close(self) -> None:
        """Count no more, and hear no keys."""
        self._shows.close()
        self._prompt = None

    def look(self) -> None:
        """Do it; raise `Expired` if the process that is waited for has had its time."""
        record = read_record(self._tokens.login_turn)
        if record.state == WAITING:
            self._show(record)
            if record.browser_missing and self._may_browse:
                self._may_browse = False
                open_browser(self._tokens, record)
        if self._prompt is not None:
            self._prompt.tick()
        if self._end.is_over():
            raise Expired(
                f"Process {record.pid} has kept its login open for too long.",
                hint=f"End it (`kill {record.pid}`), then run `hexauth login` for a new code.",
            )

    @property
    def has_seen(self) -> bool:
        """Whether the person was shown any code here."""
        return bool(self._shown)

    def has_shown(self, record: Record) -> bool:
        """Tell whether the person was shown this record's code here."""
        return record.user_code in self._shown

    def _show(self, record: Record) -> None:
        if self.has_shown(record):
            return
        self.close()
        self._shown.add(record.user_code)
        left = record.left(self._home.now()) or record.lifetime  # by a clock that was set, no more
        self._end = self._deadline(left + GRACE_SECONDS)
        if is_live(self._home) and record.terminal == identity() != "":
            code = spaced(record.user_code)
            tell(self._home, f"{who(record)} is waiting for you above: the code is {code}.")
            return
        prompt = Prompt(self._tokens, record, left, asks=False)
        self._prompt = self._shows.enter_context(prompt)

    def _deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, self._home.monotonic)
