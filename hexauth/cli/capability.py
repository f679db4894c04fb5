"""`hexauth capability`: what of git's protocol is understood; git itself asks."""

import click

from hexauth.cli.streams import write_answer
from hexauth.protocols import git


@click.command(hidden=True)
def capability() -> None:
    """Print the capabilities of git's protocol that hexauth understands."""
    write_answer(git.CAPABILITIES)
