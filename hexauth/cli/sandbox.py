"""`hexauth sandbox`: a Hex server for trying and testing."""

import click


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Listen on this port; 0 is a free one."
)
@click.option(
    "--approve-after",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="Approve every login by itself, this long after it began.",
)
@click.option(
    "--deny-after",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="Deny every login by itself, this long after it began.",
)
@click.option(
    "--expires-in",
    type=click.FloatRange(0, min_open=True),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long a person has for answering a login.",
)
@click.option(
    "--interval",
    type=click.FloatRange(0),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="How long clients shall wait between two questions whether the person has answered.",
)
@click.option(
    "--token-ttl",
    type=click.FloatRange(0, min_open=True),
    default=1800,
    show_default=True,
    metavar="SECONDS",
    help="How long an access token works.",
)
@click.option(
    "--otp",
    metavar="CODE",
    help="Ask for this one-time password when something is written; without it the user has no "
    "two-factor authentication.",
)
@click.option(
    "--rate-limit",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    metavar="REQUESTS",
    help="How many API requests a minute are answered; 0 answers them all.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND[=N]",
    help="Let the next N requests (1) go wrong; may be given several times. KIND is an HTTP status "
    "such as 503, or drop, drop-after, slow[:SECONDS], hang, html, empty, half-json, cut-off, "
    "endless, not-object, redirect, slow-down, token-expired, invalid-token, bad-uri or "
    "control-code. KIND@REQUEST waits for one kind of request, as in 503@refresh=2.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.pass_context
def sandbox(
    context: click.Context,
    *,
    port: int,
    approve_after: float | None,
    deny_after: float | None,
    expires_in: float,
    interval: float,
    token_ttl: float,
    otp: str | None,
    rate_limit: int,
    faults: tuple[str, ...],
    command: tuple[str, ...],
) -> None:
    """Start a Hex server on this machine, for trying and testing.

    It keeps everything in memory, and behaves like hex.pm: the device login with a page to
    approve it, tokens that rotate, five sessions, one-time passwords. Your own login is not
    touched.

    With a COMMAND, it is run against that server, with an empty folder for its logins; the exit
    code is the command's. Without one, the server runs until Ctrl-C, and the exit code is 0.

    GET /sandbox/log lists the requests it has seen, GET /sandbox/counts counts them.
    """
    require_extra()
    from hexauth.sandbox import run
    from hexauth.sandbox.options import Options
    from hexauth.sandbox.serve import Sandbox

    options = Options(
        port=port,
        approve_after=approve_after,
        deny_after=deny_after,
        expires_in=expires_in,
        interval=interval,
        token_ttl=token_ttl,
        otp=otp,
        faults=faults,
        rate_limit=rate_limit or None,
    )
    if not command:
        with Sandbox(options) as server:
            click.echo(
                f"The Hex sandbox is at {server.url} (Ctrl-C ends it). To use it, elsewhere:"
            )
            click.echo(f"  export HEX_API_URL={server.api_url}")
            click.echo('  export HEXAUTH_HOME="$(mktemp -d)"   # keeps your own login out of it')
            run.wait_for_end()
        return
    import os

    with Sandbox(options) as server, run.temporary_home() as home:
        code = run.run(command, run.environment(os.environ, server.api_url, home))
    context.exit(code)


def require_extra() -> None:
    """Raise `HexauthError` if the packages of the extra `sandbox` are not installed."""
    from importlib.util import find_spec

    from hexauth.errors import HexauthError

    missing = [name for name in ("flask", "erlang", "joserfc") if find_spec(name) is None]
    if missing:
        raise HexauthError(
            f"The sandbox needs packages that are not installed: {', '.join(missing)}.",
            hint="Run: pip install 'hexauth[sandbox]'",
        )
