"""What the person sees of a login: who asks, the address and the code, and how it ended."""

from collections.abc import Iterator

from hexauth import hex as hexpm
from hexauth.errors import Unreachable
from hexauth.login.pages import Page, page
from hexauth.login.record import Record
from hexauth.login.tokens import Tokens
from hexauth.machine.terminal import shown
from hexauth.model import Token
from hexauth.screen.layout import cells, fitting, pairs, wrapped
from hexauth.screen.qr import can_show, painted, qr_lines
from hexauth.screen.style import Style, is_colored
from hexauth.screen.times import span, until
from hexauth.vault.home import Home
from hexauth.world.urls import origin, split_url

ENDLESS = 100_000

REST = 12
"""Lines that a login takes beside a QR code."""


def is_live(home: Home) -> bool:
    """Tell whether lines can be drawn in place, and keys be read: at a terminal that can."""
    is_able = home.environ.get("TERM", "dumb") != "dumb"
    return home.screen.visible and is_able and home.settings.screen == "auto"


def style_of(home: Home) -> Style:
    """Return the colors for the screen of `home`."""
    return Style(is_live(home) and is_colored(home.screen.visible, home.environ))


def width_of(home: Home) -> int:
    """Return how many cells wide the screen of `home` is; a log has no end on that side."""
    if not home.screen.visible:
        return ENDLESS
    return fitting(home.screen.size()[0], home.environ)


def tell(home: Home, *texts: str) -> None:
    """Show `texts`, each of which begins a line, wrapped for the screen of `home`."""
    home.screen.put(*(line for text in texts for line in wrapped(text, width_of(home))))


def spaced(user_code: str) -> str:
    """Return a user code as people read it: eight characters in two groups."""
    return f"{user_code[:4]}-{user_code[4:]}" if len(user_code) == 8 else user_code


def page_of(tokens: Tokens, record: Record) -> Page:
    """Return the page at which the code of `record` is approved, and what is to be said of it."""
    return page(record.verification_uri_complete, tokens.login, tokens.home.settings)


def what_to_do(record: Record) -> str:
    """Return what a person does with the code at its address."""
    return "check that it shows" if _knows(record) else "enter"


def show(tokens: Tokens, record: Record, *, asks: bool = True, qr: bool = False) -> None:
    """Show the person where to go and what to enter, before a browser covers the terminal.

    `asks` tells whether it is this process that asks; else it waits for the one that does. With
    `qr` the address is shown as a QR code, too.
    """
    home = tokens.home
    if is_live(home):
        home.screen.put(*_sheet(tokens, record, asks=asks))
    else:
        tell(home, *_lines(tokens, record, asks=asks))
    if qr:
        _show_qr(home, record)


def _lines(tokens: Tokens, record: Record, *, asks: bool) -> Iterator[str]:
    """Yield plain lines: for logs, screen readers, and terminals that can do nothing else."""
    address = record.verification_uri_complete
    if asks:
        if record.caller:
            yield f"{record.caller} needs a login to {server_name(tokens)}."
        yield f"To log in{_whose(tokens)}, open {address}"
    else:
        yield f"{who(record)} is waiting for you: open {address}"
    yield f"and {what_to_do(record)} the code {spaced(record.user_code)}."
    if doubt := page_of(tokens, record).doubt:
        yield doubt


def _sheet(tokens: Tokens, record: Record, *, asks: bool) -> Iterator[str]:
    """Yield the lines of a terminal, laid out for its width."""
    home = tokens.home
    style, width = style_of(home), width_of(home)
    yield from (style(each, "bold") for each in wrapped(headline(tokens, record, asks=asks), width))
    yield ""
    address = shown(record.verification_uri_complete)
    rows = [("Open", address, "cyan"), ("Code", shown(spaced(record.user_code)), "bold")]
    for name, text, look in rows:
        begin = f"  {name}  "
        if cells(begin + text) > width:  # whole, for whoever clicks on it or copies it
            yield f"  {name}"
            begin = "  " if cells(text) + 2 <= width else ""
        yield begin + style(text, look)  # type: ignore[arg-type]  # one of two literals
    yield ""
    same = "Check that the page shows this code, and approve."
    yield from wrapped(same if _knows(record) else "Enter this code there.", width, "  ")
    if doubt := page_of(tokens, record).doubt:
        yield from (style(each, "yellow") for each in wrapped(doubt, width, "  "))


def headline(tokens: Tokens, record: Record, *, asks: bool = True) -> str:
    """Return in a sentence who needs a login, and where."""
    name, whose = server_name(tokens), _whose(tokens)
    if not asks:
        return f"{who(record)} is waiting for you to log in to {name}{whose}."
    if record.caller:
        return f"{record.caller} needs a login to {name}{whose}."
    return f"Log in to {name}{whose}."


def who(record: Record) -> str:
    """Return which process a login is of, and what it does, if it is known."""
    return f"Process {record.pid}{place(record)}" + (f" ({record.caller})" if record.caller else "")


def place(record: Record) -> str:
    """Return on which machine a login is under way, if machines take turns and it is not here."""
    if not record.host:
        return ""
    import socket  # 5 ms, which a login among this machine's processes does without

    return "" if record.host == socket.gethostname() else f" on {shown(record.host)}"


def server_name(tokens: Tokens) -> str:
    """Return what people call the server of a login."""
    server = tokens.login.server
    return "Hex" if server == hexpm.API_URL else origin(*split_url(server))


def _whose(tokens: Tokens) -> str:
    return f" as {tokens.login.account}" if tokens.login.account else ""


def _knows(record: Record) -> bool:
    """Tell whether the address knows the code already; those of some servers do not."""
    return record.verification_uri_complete != record.verification_uri


def wants_qr(home: Home, *, browser: bool) -> bool:
    """Tell whether a QR code is to be shown: always, never, or where there is no `browser`."""
    if home.settings.qr == "auto":
        return not browser and is_live(home)
    return home.settings.qr == "always"


def _show_qr(home: Home, record: Record) -> None:
    """Show a QR code if the screen is large enough; say so if it is not, and one is demanded."""
    screen, address = home.screen, record.verification_uri_complete
    lines = qr_lines(address)
    columns, rows = screen.size()
    needs = cells(lines[0]), len(lines) + REST
    is_forced = home.settings.qr == "always"
    if not can_show(screen.encoding):
        why = f"the terminal's encoding, {screen.encoding}, has no characters for it"
    elif screen.visible and (needs[0] > columns or (needs[1] > rows and not is_forced)):
        why = f"it takes {needs[0]} columns and {needs[1]} lines"
    else:
        screen.put("", *(painted(lines) if style_of(home).on else lines), "")
        return
    if is_forced:
        tell(home, f"There is no QR code: {why}.")


def say_trouble(tokens: Tokens, error: Unreachable | None, left: float) -> None:
    """Tell the person that the server is out of order, and goes on being asked for `left` seconds.

    Whoever has approved the code already would not know what is being waited for. None: it has
    passed.
    """
    if error is None:
        tell(tokens.home, "The server answers again.")
    else:
        again = f"It is asked again until the code expires, in {span(left)}."
        tell(tokens.home, f"{error}", again)


def say_done(tokens: Tokens, token: Token, wanted: str) -> None:
    """Tell the person who is logged in, for what, until when, and where that is kept.

    `wanted` are the scopes that were asked for.
    """
    home = tokens.home
    home.screen.put(*([""] if is_live(home) else []))
    say_in(tokens, token)
    home.screen.put(*pairs(_facts(tokens, token, wanted), width_of(home)))


def say_in(tokens: Tokens, token: Token) -> None:
    """Tell the person who is logged in where."""
    home, user = tokens.home, hexpm.user_name(token)
    text = f"You are logged in to {tokens.login.server}{f' as {user}' if user else ''}."
    style = style_of(home)
    home.screen.put(*(style(each, "green") for each in wrapped(text, width_of(home))))


def _facts(tokens: Tokens, token: Token, wanted: str) -> Iterator[tuple[str, str]]:
    end = hexpm.login_end(token)
    if end is not None:
        yield "until", until(end, tokens.home.now()).removeprefix("until ")
    yield "scopes", token.scope or "unknown"
    if missing := hexpm.missing_scopes(token.scope, wanted):
        yield "not granted", " ".join(missing)
    yield "kept in", tokens.vault.describe()
    yield "why there", tokens.home.vaults.choice(tokens.entry).why
