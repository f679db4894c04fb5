"""Telling of a login where nobody sees a terminal: by a notification on the desktop.

An editor that fetches in the background shows its person no output, and a browser may open behind
other windows. The notification goes when the login has ended, however it did.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from hexauth.login.display import headline, spaced
from hexauth.login.opening import open_browser
from hexauth.login.pages import page
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

    address, is_done = record.verification_uri_complete, False
    doubt = page(address, tokens.login, home.settings).doubt

    def click() -> None:
        nonlocal is_done
        if not is_done:
            is_done = True
            open_browser(tokens, record, again=True)

    title = shown(headline(tokens, record))
    do = "check that it shows" if address != record.verification_uri else "enter"
    code = spaced(record.user_code)  # on a line of its own, as it would be broken at its hyphen
    lines = [f"Open {address}", f"and {do} the code", code, *([doubt] if doubt else [])]
    text = "\n".join(map(shown, lines))
    said = notify.Notice(title, text, record.left(home.now()), "" if doubt else "Open")
    close = notify.show(said, home.environ, bus_address(home.environ), click)
    try:
        yield
    finally:
        close()
