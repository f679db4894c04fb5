"""What the commands share: their options, and the world they look at."""

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from hexauth.config import load
from hexauth.system import places, screen
from hexauth.world import World

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


def open_world(**flags: object) -> World:
    """Return the world as this process sees it; `flags` are settings given as options.

    Raises `UsageError` if a setting makes no sense.
    """
    found = places(os.environ)
    settings = load(os.environ, found.config, flags)
    return World(os.environ, settings, found, screen(sys.stderr))


def write_answer(answer: bytes) -> None:
    """Write `answer` to standard output, whole and as bytes."""
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
