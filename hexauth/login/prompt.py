"""A login that waits for a person, on their screen: its time runs down, and keys are heard.

The server is polled all the while: the page may be opened on any other device.
"""

from typing import Self

from hexauth.errors import Unreachable
from hexauth.login.display import (
    is_live,
    page_of,
    say_trouble,
    show,
    spaced,
    style_of,
    tell,
    wants_qr,
    who,
    width_of,
)
from hexauth.login.opening import has_browser, open_browser
from hexauth.login.record import Record
from hexauth.login.tokens import Tokens
from hexauth.machine.browser import why_no_browser
from hexauth.machine.clock import Deadline
from hexauth.machine.keys import Keys
from hexauth.machine.terminal import can_answer, line_within
from hexauth.screen.clipboard import copy
from hexauth.screen.layout import cells
from hexauth.screen.times import countdown

ENTER = ("\n", "\r")


class Prompt:
    """What a person sees of a login that waits for them; use it in a `with` block."""

    def __init__(
        self,
        tokens: Tokens,
        record: Record,
        seconds: float,
        *,
        asks: bool = True,
        is_seen: bool = False,
    ) -> None:
        """Prepare it for a code that is good for `seconds`.

        `asks` tells whether it is this process that asks; else it waits for the one that does. A
        sheet that `is_seen` already is not shown twice.
        """
        home = tokens.home
        self._tokens, self._record, self._home, self._asks = tokens, record, home, asks
        self._here = page_of(tokens, record)
        self._wants = home.settings.browser != "never"
        self._may_open = self._wants and has_browser(tokens, self._here.address)
        self._end = Deadline(seconds, home.monotonic)
        self._is_live, self._is_troubled = is_live(home), False
        self._is_seen = is_seen and self._is_live
        self._is_asked, self._typed = False, ""
        self._keys = Keys()

    def __enter__(self) -> Self:
        """Show it."""
        home = self._home
        if not self._is_seen:
            qr = wants_qr(home, browser=self._may_open)
            show(self._tokens, self._record, asks=self._asks, qr=qr)
        if self._is_live:
            self._keys.__enter__()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Leave the terminal as it was; what was shown stays, but for the line that counts."""
        self._home.screen.erase()
        self._keys.__exit__()

    def invite(self) -> bool:
        """Open the browser, or say how it is opened; tell whether others need not.

        A page that is doubtful is another matter: the person is asked.
        """
        if not self._wants:
            return True
        home, here = self._home, self._here
        if here.doubt:
            if here.may_ask and self._may_open and home.screen.visible:
                how = f"To have {here.host} opened in your browser, type y and press Enter."
                self._ask_for(how)
            return True
        if home.settings.browser == "enter" and self._may_open and home.screen.visible:
            self._ask_for("To open it in your browser, press Enter.")
            return True
        is_done = open_browser(self._tokens, self._record)
        if not is_done and home.screen.visible:
            why = why_no_browser(home.environ)
            tell(home, f"No browser is opened: {why}. Open the address on any device.")
        return is_done

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`, and do what the person says by keys meanwhile."""
        home = self._home
        end = home.monotonic() + seconds
        if self._is_live:
            while (left := end - home.monotonic()) > 0:
                self.tick(min(left, self._end.left() % 1 or 1))
            return
        answer = line_within(seconds) if self._is_asked else None
        if answer is not None:
            self._is_asked = False
            self._answer(answer)
        home.sleep(max(0.0, min(seconds, end - home.monotonic())))

    def tick(self, seconds: float = 0.0) -> None:
        """Show the time that is left, and hear what key is pressed within `seconds`."""
        if not self._is_live:
            return
        screen, keys = self._home.screen, self._keys
        if keys.in_front or not keys.has_terminal:
            screen.draw(self._line())
        else:  # somebody works in front of it
            screen.leave()
        if keys.in_front:
            self._act(keys.within(seconds))
        elif seconds:
            self._home.sleep(seconds)

    def trouble(self, error: Unreachable | None, left: float) -> None:
        """Show that the server is out of order, or that this has passed; see `say_trouble`."""
        self._is_troubled = error is not None
        say_trouble(self._tokens, error, left)

    def _ask_for(self, how: str) -> None:
        """Say how the page is opened, where the person's answer can be heard."""
        if self._keys.in_front if self._is_live else can_answer(forget=True):
            self._is_asked = True
            tell(self._home, how)

    def _answer(self, line: str) -> None:
        """Do what a line says; a doubtful page is asked about once."""
        doubt = self._here.doubt
        if (line.lower() in ("y", "yes")) if doubt else line == "":
            open_browser(self._tokens, self._record, agreed=True, again=not doubt)
        self._is_asked = self._is_asked and not doubt

    def _act(self, key: str) -> None:
        """Do what a key says, or the line that it ends.

        What is typed ahead for the shell, as a command, is neither.
        """
        if key == "c" and not self._typed:
            self._home.screen.act(copy(spaced(self._record.user_code), self._home.environ))
            tell(self._home, "The terminal has been asked to put the code into your clipboard.")
        elif key in ENTER:
            typed, self._typed = self._typed, ""
            if self._is_asked if self._here.doubt else self._may_open:
                self._answer(typed)
        else:
            self._typed += key

    def _whom(self) -> str:
        """Return whom it waits for."""
        if self._is_troubled:
            return "the server"
        return "you" if self._asks else who(self._record).replace("P", "p", 1)

    def _line(self) -> str:
        """Return the line that counts down, as much of it as the width has room for."""
        text = f"Waiting for {self._whom()}, {countdown(self._end.left())} left"
        more = []
        if self._keys.in_front:
            more += ["Enter: browser"] if self._may_open and not self._here.doubt else []
            more += ["c: copy", "Ctrl-C: cancel"]
        for each in more:
            if cells(text) + len(each) + 4 < width_of(self._home):
                text += f"   {each}"
        return style_of(self._home)(text[: width_of(self._home) - 1], "dim")
