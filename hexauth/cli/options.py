"""The options that commands share, and what was said by them."""

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from hexauth.hot import Front
from hexauth.machine import trace
from hexauth.machine.terminal import on
from hexauth.vault.home import Home
from hexauth.world.values import VAULTS, is_shared

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Flags:
    """What a command was told by the options that it shares with others."""

    def __init__(self, front: Front | None = None) -> None:
        self.front = front or Front()
        self.ask: bool | None = None
        """`--login/--no-login`: whether a person may be asked to log in."""
        self.settings: dict[str, object] = {}
        """Settings by their names."""

    def home(self, **settings: object) -> Home:
        """Return the home as these flags make it, and more `settings`. Raises `UsageError`."""
        return Home.open(self.front, **self.settings, **settings)


def _setting(*words: str, **how: Any) -> Decorator:  # noqa: ANN401  (as Click takes them)
    """Return an option that is a setting: the command finds it in its `Flags`."""

    def keep(context: click.Context, option: click.Parameter, value: object) -> None:
        context.ensure_object(Flags).settings[str(option.name)] = value

    return click.option(*words, expose_value=False, callback=keep, **how)


class VaultName(click.Choice[str]):
    """The name of a vault, or the address of a database."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it, if it is either."""
        return value if is_shared(value) else super().convert(value, param, ctx)


def vault_option() -> Decorator:
    """Return the option `--vault`."""
    return _setting(
        "--vault",
        type=VaultName(VAULTS[:-1]),
        metavar="VAULT",
        help="Where secrets rest: keyring (the operating system's), file, or the address of a "
        "database that hosts share (postgresql://...).  [default: auto]",
    )


def min_ttl_option() -> Decorator:
    """Return the option `--min-ttl`."""
    return _setting(
        "--min-ttl",
        type=click.IntRange(min=0),
        metavar="SECONDS",
        help="Refresh a token that has less life left than this.  [default: 300]",
    )


def account_option() -> Decorator:
    """Return the option `--account`."""
    return _setting(
        "--account",
        metavar="NAME",
        help="The account to use, where there are several at one server.",
    )


def json_option(what: str = "object") -> Decorator:
    """Return the option `--json`, by which a command prints one object, or `what` it is."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print one JSON {what}.")


def verbose_option() -> click.Option:
    """Return the option `--verbose`, which every command has."""

    def begin(context: click.Context, option: click.Parameter, value: bool) -> None:
        if value:
            trace.begin()

    return click.Option(
        ["-v", "--verbose"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=begin,
        help="Tell on standard error what is done, and how long it takes.",
    )


def login_option() -> Decorator:
    """Return the option `--login/--no-login`."""

    def keep(context: click.Context, option: click.Parameter, value: bool | None) -> None:
        context.ensure_object(Flags).ask = value

    return click.option(
        "--login/--no-login",
        default=None,
        expose_value=False,
        callback=keep,
        help="Ask for a login if one is needed, or never ask.  [default: ask if somebody is there]",
    )


def show_usage(context: click.Context) -> NoReturn:
    """Show how a group is used, and end; what Click does by itself differs between versions."""
    on(sys.stderr).say(*context.get_help().split("\n"))
    context.exit(2)
