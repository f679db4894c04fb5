"""`hexauth exec`: run a command that finds a credential in its environment."""

import re
import sys

import click

from hexauth import hex as hexpm
from hexauth.cli.options import Flags, account_option, login_option, min_ttl_option, vault_option
from hexauth.credentials import sources
from hexauth.credentials.request import Request
from hexauth.errors import UsageError, did_you_mean
from hexauth.machine.programs import replace_process, require_program
from hexauth.model import Credential
from hexauth.protocols import shell
from hexauth.proxy.launch import leave_proxy, proxied


class WithCommand(click.Command):
    """A command whose words after the first `--` are another program's, and none before it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep those words out of Click's sight."""
        place = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, args[:place])
        ctx.params["command"] = () if ctx.params["command"] else tuple(args[place + 1 :])
        return rest


@click.command("exec", cls=WithCommand, short_help="Run a command with a credential.")
@click.argument("target", default=hexpm.REPOSITORY)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND [ARGUMENTS]...")
@click.option(
    "--env",
    "variables",
    metavar="NAME=FORMAT",
    multiple=True,
    help="Also set the variable NAME; FORMAT is "
    f"{', '.join(list(shell.VALUES)[:-1])} or {list(shell.VALUES)[-1]}.",
)
@click.option(
    "--otp",
    metavar="[CODE]",
    is_flag=False,
    flag_value="",
    help="Set HEX_OTP to this one-time password, or to one that is asked for.",
)
@click.option(
    "--direct",
    is_flag=True,
    help="Put the credential itself into the environment, and start no proxy.",
)
@account_option()
@login_option()
@min_ttl_option()
@vault_option()
@click.pass_context
def exec_(
    context: click.Context,
    target: str,
    command: tuple[str, ...],
    variables: tuple[str, ...],
    otp: str | None,
    direct: bool,
) -> None:
    """Run COMMAND so that it reaches TARGET with a working credential.

    For a Hex server, COMMAND is pointed at a proxy on this machine, by HEX_API_URL and
    HEX_TRUSTED_MIRROR_URL, which mix reads, and HEX_CDN, which rebar3 reads. The proxy adds the
    credential to each request that needs one, renewed for as long as COMMAND runs; COMMAND itself
    holds none. Somebody is asked to log in only if a request has been refused for want of a login.

    With --direct the credential is in HEX_API_KEY, which mix and rebar3 send to the API alone, and
    HEXPM_READ_API_KEY, which gleam reads. It lives for half an hour, and is not renewed.

    COMMAND takes the place of hexauth: terminal, signals and its exit code are its own.
    """
    if not command:
        raise UsageError(
            "There is no command to run.", hint="Write it after --: hexauth exec -- mix hex.publish"
        )
    wanted = [_wanted(each) for each in variables]
    if otp is not None and not re.fullmatch(r"[0-9]{6,10}|", otp):
        raise UsageError(
            f"{otp!r} is no one-time password.",
            hint="Write --otp=CODE with 6 to 10 digits, or --otp behind TARGET to be asked for it.",
        )
    if direct:
        leave_proxy()
    flags = context.ensure_object(Flags)
    home = flags.home()
    request = Request.named(home, target, ask=flags.ask)
    repository = request.site.repository
    is_hex = repository is not None and repository.is_hexpm
    if not is_hex and not wanted:
        raise UsageError(
            f"No program is known to read a credential of {target} from its environment.",
            hint="Name a variable: --env NAME=token",
        )
    environ, named = dict(home.environ), {}
    if direct or wanted:
        credential = sources.get(request)
        environ |= _of_hex(credential) if direct and is_hex else {}
        named = {name: shell.value(credential, form) for name, form in wanted}
    if otp is not None:
        environ["HEX_OTP"] = otp or _ask_otp()
    home.close()
    if is_hex and not direct:
        require_program(command[0], environ)  # before a proxy is started for nothing
        environ = proxied(environ, flags.settings, flags.ask)
    context.exit(replace_process(command, {**environ, **named}))


def _of_hex(credential: Credential) -> dict[str, str]:
    return dict.fromkeys(hexpm.KEY_VARIABLES, shell.value(credential, "authorization"))


def _wanted(text: str) -> tuple[str, str]:
    name, _, form = text.partition("=")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or form not in shell.VALUES:
        raise UsageError(
            f"{text!r} names no variable and format.",
            hint=f"{did_you_mean(form, shell.VALUES)}Write NAME=FORMAT, with "
            f"{', '.join(shell.VALUES)} as FORMAT.",
        )
    return name, form


def _ask_otp() -> str:
    if not (sys.stdin and sys.stdin.isatty()):
        raise UsageError(
            "Nobody is there to be asked for a one-time password.", hint="Write --otp=CODE."
        )
    return str(click.prompt("One-time password", hide_input=True, err=True))
