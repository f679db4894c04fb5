"""`hexauth get`: hand out a credential."""

import click

from hexauth.cli.answer import answer
from hexauth.cli.options import login_option, min_ttl_option, vault_option
from hexauth.hot import Front
from hexauth.protocols import shell


@click.command()
@click.argument("target", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["git", *shell.FORMATS]),
    default="git",
    show_default=True,
    help="How to print the credential.",
)
@login_option()
@min_ttl_option()
@vault_option()
@click.pass_obj
def get(
    front: Front | None,
    target: str | None,
    form: str,
    login: bool | None,
    min_ttl: int | None,
    vault: str | None,
) -> None:
    """Print a working credential for TARGET, refreshed if need be.

    TARGET is hexpm, hexpm:ORGANIZATION, or an URL. With it, standard input is not read. Without
    it, a description of the credential is read from standard input, as git sends it; at a
    terminal, TARGET is hexpm.

    If nobody is logged in, the person is asked to log in, once, however many programs wait.
    """
    answer(front, target, form, login, min_ttl=min_ttl, vault=vault)
