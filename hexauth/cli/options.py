"""The options that commands share."""

from collections.abc import Callable
from typing import Any, NoReturn

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def vault_option() -> Decorator:
    """Return the option `--vault`."""
    return click.option(
        "--vault",
        type=click.Choice(["auto", "keyring", "file"]),
        help="Where secrets rest: the operating system's keyring, or a file.  [default: auto]",
    )


def login_option() -> Decorator:
    """Return the option `--login/--no-login`."""
    return click.option(
        "--login/--no-login",
        default=None,
        help="Ask for a login if one is needed, or never ask.  [default: ask if somebody is there]",
    )


def min_ttl_option() -> Decorator:
    """Return the option `--min-ttl`."""
    return click.option(
        "--min-ttl",
        type=click.IntRange(min=0),
        metavar="SECONDS",
        help="Refresh a token that has less life left than this.  [default: 300]",
    )


def account_option() -> Decorator:
    """Return the option `--account`."""
    return click.option(
        "--account",
        metavar="NAME",
        help="The account to use, where there are several at one server.",
    )


def repo_option() -> Decorator:
    """Return the option `--repo`."""
    return click.option(
        "--repo", "repository", metavar="NAME", help="The repository, such as hexpm:acme."
    )


def show_usage(context: click.Context) -> NoReturn:
    """Show how a group is used, and end; what Click does by itself differs between versions."""
    click.echo(context.get_help(), err=True)
    context.exit(2)
