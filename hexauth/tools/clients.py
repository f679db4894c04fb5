"""Hex's clients: a function of the shell that starts them by `hexauth exec`."""

import shlex
from collections.abc import Callable

from hexauth.tools.edits import Place
from hexauth.tools.places import Surroundings, function

Places = Callable[[Surroundings], list[Place]]


def proxied(name: str) -> Places:
    """Return the places of a client that can be pointed at a proxy: all it does goes there."""

    def places(here: Surroundings) -> list[Place]:
        run = f"{_hexauth(here)} exec -- {name}"
        posix = [f"{name}() {{", f'    {run} "$@"', "}"]
        fish = [f"function {name} --wraps {name}", f"    {run} $argv", "end"]
        return [function(here, name, posix, fish)]

    return places


def direct(name: str, tasks: tuple[str, ...]) -> Places:
    """Return the places of a client that cannot: its `tasks` are given a token."""

    def places(here: Surroundings) -> list[Place]:
        run = f"{_hexauth(here)} exec --direct -- {name}"
        posix = [
            f"{name}() {{",
            '    case "${1-}" in',
            f'        {" | ".join(tasks)}) {run} "$@" ;;',
            f'        *) command {name} "$@" ;;',
            "    esac",
            "}",
        ]
        fish = [
            f"function {name} --wraps {name}",
            '    switch "$argv[1]"',
            f"        case {' '.join(tasks)}",
            f"            {run} $argv",
            "        case '*'",
            f"            command {name} $argv",
            "    end",
            "end",
        ]
        return [function(here, name, posix, fish)]

    return places


def _hexauth(here: Surroundings) -> str:
    return shlex.quote(here.program("hexauth"))
