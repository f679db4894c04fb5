"""Telling of a login where nobody sees a terminal: by a notification on the desktop.

An editor that fetches in the background shows its person no output, and a browser may open behind
other windows. The notification goes when the login has ended, however it did.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from hexauth.login.display import headline, page_of, spaced, what_to_do
from hexauth.login.opening import open_browser
from hexauth.login.record import Record
from hexauth.login.tokens import Tokens
from hexauth.machine.browser import is_graphical
from hexauth.machine.terminal import shown
from hexauth.vault.quick import bus_address


@contextmanager
def notice(tokens: Tokens, record: Record) -> Iterator[None]:
    """Tell the person of the code of `record` as long as the `with` block lasts.

    Only where it may be of use: on a desktop, without a terminal. A click opens the page, once,
    even if it has been opened by itself: the person may not have seen it, and wants it now. A page
    that is doubtful is not to be had by a click.
    """
    home = tokens.home
    is_wanted = home.settings.notify and not home.screen.visible
    if not is_wanted or not is_graphical(home.environ):
        yield
        return
    from hexauth.machine import notify

    here, is_done = page_of(tokens, record), False

    def click() -> None:
        nonlocal is_done
        if not is_done:
            is_done = True
            open_browser(tokens, record, again=True)

    title = shown(headline(tokens, record))
    code = spaced(record.user_code)  # on a line of its own, as it would be broken at its hyphen
    lines = [f"Open {here.address}", f"and {what_to_do(record)} the code", code, here.doubt]
    text = "\n".join(map(shown, filter(None, lines)))
    said = notify.Notice(title, text, record.left(home.now()), "" if here.doubt else "Open")
    close = notify.show(said, home.environ, bus_address(home.environ), click)
    try:
        yield
    finally:
        close()
