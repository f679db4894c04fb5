"""`hexauth login`: log in, once."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial

import click

from hexauth import hex as hexpm
from hexauth.cli.facts import Seen
from hexauth.cli.options import Flags, account_option, json_option, vault_option
from hexauth.cli.streams import read_key, write_json
from hexauth.errors import VaultError
from hexauth.login.api_key import keep_key
from hexauth.login.once import log_in_once, meant
from hexauth.login.tokens import Tokens
from hexauth.model import Login, Token
from hexauth.servers.accounts import accounts
from hexauth.servers.directory import Server
from hexauth.vault.home import Home


@click.command()
@click.argument("target", default=hexpm.REPOSITORY)
@account_option()
@click.option("--client-id", metavar="ID", help="The OAuth client to log in as.")
@click.option(
    "--browser/--no-browser", default=None, help="Open a browser at once, or none.  [default: open]"
)
@click.option(
    "--qr/--no-qr",
    default=None,
    help="Show the address as a QR code, too, or don't.  [default: if there is no browser here]",
)
@click.option("--force", is_flag=True, help="Log in again, even if there is a login that works.")
@click.option("--scope", metavar="SCOPES", help="The scopes to ask for, separated by spaces.")
@click.option("--name", metavar="NAME", help="The device's name on the approval page.")
@click.option("--with-token", is_flag=True, help="Keep an API key, read from standard input.")
@json_option()
@vault_option()
@click.pass_obj
def login(
    flags: Flags,
    target: str,
    client_id: str | None,
    browser: bool | None,
    qr: bool | None,
    force: bool,
    scope: str | None,
    name: str | None,
    with_token: bool,
    as_json: bool,
) -> None:
    """Log in to TARGET in a browser, here or on any other device.

    An address and a code are shown; open the address, check the code and approve. At a terminal
    Enter opens it in the browser, and c copies the code, if the terminal lets programs do that.

    If a login that works is there already, nothing happens unless --force or other scopes are
    given. A new login ends the session of the one that it replaces.

    TARGET is hexpm, the API of another Hex server, such as https://hex.example.com/api, or any
    server that knows OAuth's device grant. Such a server is asked where it answers; --client-id
    is what its owner has registered for hexauth.
    """
    home = flags.home(
        scope=scope,
        browser=None if browser is None else "now" if browser else "never",
        qr=None if qr is None else "always" if qr else "never",
    )
    if with_token:
        _, tokens = meant(home, target, client_id)
        owner = keep_key(tokens, read_key())
        if as_json:
            write_json({**Seen.look(tokens).facts, "user": owner})
            return
        home.screen.say(
            f"The API key of {owner or 'an unnamed user'} is stored in {tokens.vault.describe()}."
        )
        return
    logging_in = partial(log_in_once, home, target, client_id, force=force)
    if not as_json:
        logging_in(scope=scope, name=name)
        return
    server, tokens = meant(home, target, client_id)
    before = _there(home, server)
    logging_in(scope=scope, name=name)
    new = [each for each in _there(home, server).items() if each not in before.items()]
    login = max(new, key=lambda each: each[1].issued_at)[0] if new else tokens.login
    write_json(Seen.look(Tokens(home, login)).facts)


def _there(home: Home, server: Server) -> Mapping[Login, Token]:
    """Return the logins at `server`, and their tokens: a new one may be another account's."""
    found = {}
    for login in accounts(home, server).values():
        with suppress(VaultError):
            if (token := Tokens(home, login).load()) is not None:
                found[login] = token
    return found
