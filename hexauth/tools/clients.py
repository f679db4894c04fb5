"""Hex's clients: a function of the shell, or a program, that starts them by `hexauth exec`."""

import shlex
from collections.abc import Callable
from pathlib import Path

from hexauth.tools.edits import Place
from hexauth.tools.places import Surroundings, function, own_file

Places = Callable[[Surroundings], list[Place]]

FIND = """\
_rest=$PATH: _path= _program=
while [ -n "$_rest" ]; do
    _folder=${_rest%%:*} _rest=${_rest#*:}
    # What is run cannot come back here: this folder is taken out of its PATH.
    if [ "${_folder:-.}/NAME" -ef "$0" ]; then continue; fi
    _path=$_path:$_folder
    if [ -z "$_program" ] && [ -f "$_folder/NAME" ] && [ -x "$_folder/NAME" ]; then
        case $_folder in /*) _program=$_folder/NAME ;; esac
    fi
done
if [ -z "$_program" ]; then
    echo "NAME: command not found" >&2
    exit 127
fi
PATH=${_path#:}
"""
"""What a shim begins with: finding the next program, which may be the shim of asdf or mise."""

GONE = """\
if [ ! -x HEXAUTH ]; then
    echo "hexauth: it is gone, so NAME runs without a login; remove $0 or install hexauth." >&2
    exec "$_program" "$@"
fi
"""
"""What goes on without hexauth: `pip uninstall` takes no shim away."""

PROXIED = """\
case ${HEX_API_URL-} in
*/"${HEX_API_KEY:-//}"/api) exec "$_program" "$@" ;; # it goes through a proxy already
esac
exec HEXAUTH exec -- "$_program" "$@"
"""

BUT = """\
case ${1-} in
TASKS) exec HEXAUTH exec --direct -- "$_program" "$@" ;;
esac
"""

AROUND = {
    "mix": (
        "# To Elixir, which reads this by `iex -S mix`, all that sh runs is one text.\n"
        '_hexauth=[~S"""\n"\n',
        '"""]\nMix.start()\nMix.CLI.main()\n',
    )
}
"""What has to stand around the script, for a client whose file others read as their own."""


def proxied(name: str, but: tuple[str, ...] = ()) -> Places:
    """Return the places of a client that can be pointed at a proxy: all it does goes there.

    The tasks `but` are given a token, as their addresses cannot be changed.
    """

    def places(here: Surroundings) -> list[Place]:
        run = f"{_hexauth(here)} exec -- {name}"
        if but:
            return [_cases(here, name, but, run)]
        posix = [f"{name}() {{", *_gone(here, name), f'    {run} "$@"', "}"]
        fish = [f"function {name} --wraps {name}", *_gone_in_fish(here, name)]
        fish += [f"    {run} $argv", "end"]
        return [function(here, name, posix, fish)]

    return places


def direct(name: str, tasks: tuple[str, ...]) -> Places:
    """Return the places of a client that cannot: its `tasks` are given a token."""
    return lambda here: [_cases(here, name, tasks, f"command {name}")]


def _cases(here: Surroundings, name: str, tasks: tuple[str, ...], other: str) -> Place:
    """Return the place of a function that gives `tasks` a token, and runs `other` for the rest."""
    run = f"{_hexauth(here)} exec --direct -- {name}"
    posix = [
        f"{name}() {{",
        *_gone(here, name),
        '    case "${1-}" in',
        f'        {" | ".join(tasks)}) {run} "$@" ;;',
        f'        *) {other} "$@" ;;',
        "    esac",
        "}",
    ]
    fish = [
        f"function {name} --wraps {name}",
        *_gone_in_fish(here, name),
        '    switch "$argv[1]"',
        f"        case {' '.join(tasks)}",
        f"            {run} $argv",
        "        case '*'",
        f"            {other} $argv",
        "    end",
        "end",
    ]
    return function(here, name, posix, fish)


def proxied_shim(name: str, but: tuple[str, ...] = ()) -> Places:
    """Return the place of a program that does what the function of `proxied` does."""
    tasks = BUT.replace("TASKS", " | ".join(but)) if but else ""
    return _shim(name, tasks + PROXIED)


def direct_shim(name: str, tasks: tuple[str, ...]) -> Places:
    """Return the place of a program that does what the function of `direct` does."""
    return _shim(name, BUT.replace("TASKS", " | ".join(tasks)) + 'exec "$_program" "$@"\n')


def shim_folder(here: Surroundings) -> Path:
    """Return the folder that is to come first in PATH."""
    return here.folder("XDG_DATA_HOME") / "hexauth/shims"


def _shim(name: str, run: str) -> Places:
    def places(here: Surroundings) -> list[Place]:
        head = "#!/bin/sh\n# A shim of hexauth: it runs the next NAME in PATH, by `hexauth exec`.\n"
        before, after = AROUND.get(name, ("", ""))
        text = f"{head}{before}{FIND}{GONE}{run}{after}".replace("NAME", name)
        text = text.replace("HEXAUTH", _hexauth(here))
        return [own_file(shim_folder(here) / name, text, "A shim of hexauth:", is_program=True)]

    return places


def _gone(here: Surroundings, name: str) -> list[str]:
    """Return what a function begins with, that runs the tool where hexauth is gone."""
    return [
        f"    if [ ! -x {_hexauth(here)} ]; then",
        f'        echo "{_farewell(name)}" >&2',
        f'        command {name} "$@"',
        "        return",
        "    fi",
    ]


def _gone_in_fish(here: Surroundings, name: str) -> list[str]:
    return [
        f"    if not test -x {_hexauth(here)}",
        f'        echo "{_farewell(name)}" >&2',
        f"        command {name} $argv",
        "        return",
        "    end",
    ]


def _farewell(name: str) -> str:
    where = "take its lines out of your shell's startup file"
    return f"hexauth: it is gone, so {name} runs without a login; {where} or install hexauth."


def _hexauth(here: Surroundings) -> str:
    return shlex.quote(here.program("hexauth"))
