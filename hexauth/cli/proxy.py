"""`hexauth proxy`: serve programs that fetch, in this shell, an editor or a container."""

import os
import shlex
from collections.abc import Iterator
from contextlib import suppress

import click

from hexauth.cli.options import Flags, account_option, login_option, min_ttl_option, vault_option
from hexauth.cli.streams import write_answer, write_json
from hexauth.errors import HexauthError
from hexauth.machine.programs import SECRETS
from hexauth.machine.signals import let_finish
from hexauth.proxy import launch

FORMATS = ("env", "json")


@click.command(short_help="Serve programs that fetch, until it is stopped.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="env",
    show_default=True,
    help="How to print the variables that point programs at it.",
)
@click.option(
    "--background",
    is_flag=True,
    help="Serve in the background, until the shell that runs this has ended.",
)
@click.option(
    "--address",
    type=click.Choice(launch.LOOPBACKS),
    default=launch.LOOPBACKS[0],
    show_default=True,
    help="Listen on this address of the machine itself.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Listen on this port; 0 is a free one."
)
@account_option()
@login_option()
@min_ttl_option()
@vault_option()
@click.pass_obj
def proxy(flags: Flags, form: str, background: bool, address: str, port: int) -> None:
    """Start a proxy that adds your credentials to what Hex clients fetch, and print how to use it.

    Programs find it by HEX_API_URL and HEX_TRUSTED_MIRROR_URL, which mix reads, and HEX_CDN, which
    rebar3 reads; whoever knows these addresses can use it. It runs until Ctrl-C, and then the exit
    code is 0. With --background it ends with the shell, which takes the variables by

    `eval "$(hexauth proxy --background)"`

    `hexauth exec` starts one for a single command.
    """
    flags.home()  # settings that make no sense are told before anything is started
    secret = launch.new_secret()
    try:
        listener = launch.listen(address, port)
    except OSError as error:
        raise HexauthError(
            f"Nothing can listen at {address}, port {port}: {error.strerror}.",
            hint="Name another one with --port, or none.",
        ) from None
    base = launch.base(listener, secret)
    if background:
        launch.beside(listener, launch.server(base, flags.settings, flags.ask), launch.owner())
    _print({**launch.variables(base, secret), **launch.straight(os.environ)}, form)
    if not background:
        with suppress(KeyboardInterrupt):
            launch.server(base, flags.settings, flags.ask)(listener)
        let_finish()


def _print(variables: dict[str, str], form: str) -> None:
    if form == "json":
        write_json(variables)
    else:
        write_answer("".join(f"{line}\n" for line in _lines(variables)).encode())


def _lines(variables: dict[str, str]) -> Iterator[str]:
    """Yield what a POSIX shell makes of the variables; names that come before them go."""
    yield f"unset {' '.join((*launch.MIRRORS, *SECRETS[1:]))}"
    for name, value in variables.items():
        yield f"export {name}={shlex.quote(value)}"
    for name, value in launch.PATIENCE.items():
        yield f'export {name}="${{{name}:-{value}}}"'
