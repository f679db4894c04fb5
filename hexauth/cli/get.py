"""`hexauth get`: hand out a credential."""

import click

from hexauth import hex as hexpm
from hexauth.cli.answer import Asked, answer, explain_on_screen
from hexauth.cli.options import (
    Flags,
    account_option,
    login_option,
    min_ttl_option,
    vault_option,
)
from hexauth.credentials.sources import explain_nothing
from hexauth.errors import UsageError
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
@click.option("--repo", "repository", metavar="NAME", help="The repository, such as hexpm:acme.")
@account_option()
@click.option("--explain", is_flag=True, help="Say which sources were asked, and why not taken.")
@login_option()
@min_ttl_option()
@vault_option()
@click.pass_obj
def get(flags: Flags, target: str | None, form: str, repository: str | None, explain: bool) -> None:
    """Print a working credential for TARGET, refreshed if need be.

    TARGET is hexpm, which is its API, another repository, such as hexpm:ORGANIZATION, or an URL.
    --repo names a repository rather than its API; with an URL of an API, the one for whose sake
    that is called. With a target, standard input is not read. Without one, a description of the
    credential is read from standard input, as git sends it; at a terminal, TARGET is hexpm.

    If nobody is logged in, the person is asked to log in, once, however many programs wait.
    """
    if flags.front.door == "git" and (target is not None or repository):
        raise UsageError(
            "Git itself says for which server it wants a credential.",
            hint="In credential.helper, leave the target out.",
        )
    named = hexpm.REPOSITORY if target == "" else target  # as of a variable that is not set
    told = explain_on_screen if explain else explain_nothing
    asked = Asked(named, form, repository or "", told, flags.ask, flags.settings)
    answer(asked, flags.front)
