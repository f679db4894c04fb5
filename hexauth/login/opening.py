"""Opening the page of a login in a browser: once for each code, and none that is doubtful."""

import os
import sys

from hexauth.errors import Expired
from hexauth.login.display import page_of, tell
from hexauth.login.record import DONE, Record, read_record, write_record
from hexauth.login.tokens import Tokens
from hexauth.machine.browser import browser_command


def open_browser(
    tokens: Tokens, record: Record, *, agreed: bool = False, again: bool = False
) -> bool:
    """Open the page of `record`'s code in a browser, unless some process has done so already.

    One that is doubtful is opened if the person has `agreed`; `again` opens it whoever has done so
    before. Tell whether there is nothing left for others to do: it is open, or is being opened just
    now, or is not to be opened.
    """
    home, turn = tokens.home, tokens.browser_turn
    here = page_of(tokens, record)
    if here.doubt and not (agreed and here.may_ask):
        return True
    try:
        with turn.held(0):
            is_open = read_record(turn).user_code == record.user_code
            if is_open and not again:
                return True
            if not home.browse(here.address):
                return False
            opened = Record(DONE, record.attempt, os.getpid(), user_code=record.user_code)
            write_record(turn, opened)
    except Expired:
        return True
    tell(home, "Your browser has been asked to open it.")
    return True


def has_browser(tokens: Tokens, address: str) -> bool:
    """Tell whether there is a browser to be seen here that could open `address`."""
    if sys.platform == "win32":
        return True
    return browser_command(address, tokens.home.environ) is not None
