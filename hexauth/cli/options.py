"""What the commands share: their options, and the world they look at."""

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from hexauth.config import load
from hexauth.hot import Front
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


def open_world(front: Front | None = None, **flags: object) -> World:
    """Return the world as this process sees it; `flags` are settings given as options.

    `front` is what was learned before the command was known.

    Raises `UsageError` if a setting makes no sense.
    """
    found = places(os.environ)
    settings = load(os.environ, found.config, flags)
    seen = screen(sys.stderr)
    return World(os.environ, settings, found, seen, front=front or Front())


def read_request(front: Front | None) -> bytes:
    """Return what standard input holds, if it has not been read before."""
    if front is not None and front.request is not None:
        return front.request
    return sys.stdin.buffer.read()


def write_answer(answer: bytes) -> None:
    """Write `answer` to standard output, whole and as bytes."""
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
