"""`hexauth login`: log in, once."""

import click

from hexauth import hex as hexpm
from hexauth.cli.options import Flags, account_option, vault_option
from hexauth.cli.streams import read_key
from hexauth.login.api_key import keep_key
from hexauth.login.once import log_in_once, meant


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
        owner = keep_key(tokens, read_key()) or "an unnamed user"
        home.screen.say(f"The API key of {owner} is stored in {tokens.vault.describe()}.")
        return
    log_in_once(home, target, client_id, force=force, scope=scope, name=name)
