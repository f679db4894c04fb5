"""`hexauth sandbox`: a Hex server for trying and testing."""

from pathlib import Path
from typing import Any

import click

from hexauth.cli.options import Decorator
from hexauth.cli.streams import write_lines


def _seconds(
    name: str, meaning: str, default: float | None = None, positive: bool = False
) -> Decorator:
    """Return an option that takes seconds; a `positive` one more than none."""
    return click.option(
        name,
        type=click.FloatRange(0, min_open=positive),
        default=default,
        show_default=default is not None,
        metavar="SECONDS",
        help=meaning,
    )


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Listen on this port; 0 is a free one."
)
@_seconds("--approve-after", "Approve every login by itself, this long after it began.")
@_seconds("--deny-after", "Deny every login by itself, this long after it began.")
@_seconds("--expires-in", "How long a person has for answering a login.", 600, positive=True)
@_seconds(
    "--interval",
    "How long clients shall wait between two questions whether the person has answered.",
    5,
)
@_seconds("--token-ttl", "How long an access token works.", 1800, positive=True)
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
@click.option(
    "--registry",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Serve the Hex repository in this folder, below /repo. What lies in its repos/ORG is "
    "for members of the organization ORG alone. `mix hex.registry build` makes such folders.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.pass_context
def sandbox(
    context: click.Context,
    /,
    *,
    rate_limit: int,
    command: tuple[str, ...],
    **options: Any,  # noqa: ANN401  (as `Options` takes them)
) -> None:
    """Start a Hex server on this machine, for trying and testing.

    It keeps everything in memory, and behaves like hex.pm: the device login with a page to
    approve it, tokens that rotate, five sessions, one-time passwords. Packages can be published,
    retired, and given to other owners: their names are remembered, their contents are not. Your
    own login is not touched.

    With a COMMAND, it is run against that server, with an empty folder for its logins; the exit
    code is the command's. Without one, the server runs until Ctrl-C, and the exit code is 0.

    GET /sandbox/log lists the requests it has seen, GET /sandbox/counts counts them.
    """
    require_extra()
    from hexauth.sandbox import run
    from hexauth.sandbox.options import Options
    from hexauth.sandbox.serve import Sandbox

    told = Options(rate_limit=rate_limit or None, **options)
    if not command:
        with Sandbox(told) as server:
            mirror = server.repository_url
            write_lines(
                [
                    f"The Hex sandbox is at {server.url} (Ctrl-C ends it). To use it, elsewhere:",
                    f"  export HEX_API_URL={server.api_url}",
                    *([f"  export HEX_TRUSTED_MIRROR_URL={mirror}"] if mirror else []),
                    '  export HEXAUTH_HOME="$(mktemp -d)"   # keeps your own login out of it',
                ]
            )
            run.wait_for_end()
        return
    import os

    with Sandbox(told) as server, run.temporary_home() as home:
        environ = run.environment(os.environ, server.api_url, home, server.repository_url)
        code = run.run(command, environ)
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
