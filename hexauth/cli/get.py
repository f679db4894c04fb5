"""`hexauth get`: hand out a credential."""

import click

from hexauth.cli.answer import answer
from hexauth.cli.options import (
    account_option,
    login_option,
    min_ttl_option,
    repo_option,
    vault_option,
)
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
@repo_option()
@account_option()
@click.option("--explain", is_flag=True, help="Say which sources were asked, and why not taken.")
@login_option()
@min_ttl_option()
@vault_option()
@click.pass_obj
def get(
    front: Front | None,
    target: str | None,
    form: str,
    repository: str | None,
    account: str | None,
    explain: bool,
    login: bool | None,
    min_ttl: int | None,
    vault: str | None,
) -> None:
    """Print a working credential for TARGET, refreshed if need be.

    TARGET is hexpm, which is its API, another repository, such as hexpm:ORGANIZATION, or an URL.
    --repo names a repository rather than its API; with an URL of an API, the one for whose sake
    that is called. With a target, standard input is not read. Without one, a description of the
    credential is read from standard input, as git sends it; at a terminal, TARGET is hexpm.

    If nobody is logged in, the person is asked to log in, once, however many programs wait.
    """
    answer(
        front,
        target,
        form,
        login,
        repository=repository or "",
        explain=explain,
        account=account,
        min_ttl=min_ttl,
        vault=vault,
    )
