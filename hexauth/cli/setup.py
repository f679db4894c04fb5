"""`hexauth setup`: put hexauth into the configuration of another tool, or take it out again."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from hexauth.cli.options import json_option
from hexauth.cli.streams import width, write_json, write_laid_out, write_lines
from hexauth.errors import UsageError
from hexauth.machine.programs import find_program
from hexauth.machine.terminal import Screen, on
from hexauth.screen.layout import columns, table, wrapped
from hexauth.servers.targets import hex_origins
from hexauth.tools.catalog import TOOLS, Tool, every_place, is_configured
from hexauth.tools.clients import shim_folder
from hexauth.tools.edits import Edit, Place, plan
from hexauth.tools.places import SHELLS, Surroundings, own_programs
from hexauth.vault.home import Home


@click.command(short_help="Put hexauth into another tool, or take it out.")
@click.argument("tool", required=False, metavar="[TOOL]", type=click.Choice(list(TOOLS)))
@click.option("--undo", is_flag=True, help="Take hexauth out again.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--host", "hosts", metavar="HOST", multiple=True, help="Be there for this server, too."
)
@click.option("--all-hosts", is_flag=True, help="Be there for all other servers, too.")
@click.option("--shim", is_flag=True, help="Make a program, not a function.")
@click.option("--shell", type=click.Choice(SHELLS), help="The shell to change.  [default: $SHELL]")
@json_option()
def setup(
    tool: str | None,
    undo: bool,
    dry_run: bool,
    hosts: tuple[str, ...],
    all_hosts: bool,
    shim: bool,
    shell: str | None,
    as_json: bool,
) -> None:
    """Put hexauth into the configuration of TOOL, or list the tools.

    TOOL is git, docker, bazel, mix, rebar3, gleam, curl, or shell, which is completion.

    As little as possible is changed, by way of a temporary file; comments, order and modes stay.
    --undo leaves each file as it was, unless something else has changed it. Without a TOOL it takes
    hexauth out of all of them, as before `pip uninstall hexauth`.

    For mix, rebar3 and gleam there is a function of your shell, or with --shim a program of that
    name, in a folder that is to come first in PATH: editors, Makefiles and cron find that one.
    """
    home = Home.open()
    here = _surroundings(home, hosts, shell or "", everywhere=all_hosts)
    if tool is None and undo and not shim:
        _take_out_everything(here, dry_run=dry_run, as_json=as_json)
        return
    if tool is None:
        if undo or dry_run or shim:
            raise UsageError("No tool is named.", hint=f"Name one of {', '.join(TOOLS)}.")
        found = [_facts(home, here, *each) for each in TOOLS.items()]
        if as_json:
            write_json(found)
        else:
            write_laid_out(_listed(found))
        return
    edits = plan(_places(tool, here, shim=shim), undo=undo)
    screen = on(None if as_json else sys.stderr)
    if not edits:
        done = "not there" if undo else "there already"
        screen.say(f"Nothing is to be changed: hexauth is {done}.")
    for edit in edits if not dry_run else ():
        _carry_out(edit, screen)
    advice: list[str] = []
    if (edits or shim) and not dry_run and not undo:
        advice = list(_shim_advice(tool, here) if shim else _advice(tool, here))
    if as_json:
        write_json(_outcome(tool, edits, advice, undo=undo, dry_run=dry_run))
        return
    if dry_run:
        write_lines(line.expandtabs(8) for edit in edits for line in edit.shown())
    size = columns(sys.stderr, here.environ)
    for line in advice:
        screen.say(*([line] if line.startswith(COMMANDS) else wrapped(line, size)))


COMMANDS = ("export ", "set ")
"""What a line begins with that is to be copied as it is."""


def _surroundings(
    home: Home, hosts: tuple[str, ...], shell: str, *, everywhere: bool
) -> Surroundings:
    """Return what the places depend on. Raises `UsageError` for what is no host."""
    for host in hosts:
        if not re.fullmatch(r"[A-Za-z0-9._:/\[\]-]+", host):
            raise UsageError(f"{host!r} is no host.", hint="Write it as registry.example.com:5000.")
    return Surroundings(
        environ=home.environ,
        programs=own_programs(),
        origins=hex_origins(home.settings),
        shell=shell,
        hosts=hosts,
        everywhere=everywhere,
    )


def _outcome(
    tool: str | None, edits: list[Edit], advice: list[str], *, undo: bool, dry_run: bool
) -> dict[str, object]:
    """Return for programs what was done, or would be; what the files hold may be secret."""
    return {
        "tool": tool,
        "undo": undo,
        "dry_run": dry_run,
        "changes": [{"path": str(edit.path), "change": _change(edit)} for edit in edits],
        "advice": advice,
    }


def _change(edit: Edit) -> str:
    """Return what is done to a file."""
    return "removed" if edit.after is None else "created" if edit.before is None else "changed"


WORDS = {"removed": "Removed", "created": "Wrote", "changed": "Changed"}
"""How a person is told so."""


def _carry_out(edit: Edit, screen: Screen) -> None:
    """Change a file, and say so."""
    edit.carry_out()
    screen.say(f"{WORDS[_change(edit)]} {edit.path}")


def _take_out_everything(here: Surroundings, *, dry_run: bool, as_json: bool) -> None:
    """Take hexauth out of every tool, and say what is left. Raises `UsageError`, OSError."""
    done, screen = list[Edit](), on(None if as_json else sys.stderr)
    for place in every_place(here):
        for edit in plan([place], undo=True):
            if edit in done:
                continue
            done.append(edit)
            if not dry_run:
                _carry_out(edit, screen)
            elif not as_json:
                write_lines(line.expandtabs(8) for line in edit.shown())
    if not done:
        screen.say("Nothing is to be changed: hexauth is not there.")
    screen.say("Logins and keys stay: `hexauth logout` and `hexauth key remove` take them out.")
    if as_json:
        write_json(_outcome(None, done, [], undo=True, dry_run=dry_run))


def _places(tool: str, here: Surroundings, *, shim: bool) -> list[Place]:
    """Return where hexauth is put for a tool. Raises `UsageError` if there is no such shim."""
    if not shim:
        return TOOLS[tool].places(here)
    if (places := TOOLS[tool].shim) is None:
        names = ", ".join(name for name, each in TOOLS.items() if each.shim)
        raise UsageError(
            f"There is no shim for {tool}.",
            hint=f"Leave --shim out; there is one for {names}.",
        )
    return places(here)


def _shim_advice(tool: str, here: Surroundings) -> Iterator[str]:
    """Yield what remains to be done for a shim to be found."""
    folder = shim_folder(here)
    if Path(find_program(tool, here.environ) or "") == folder / tool:
        yield f"It is the first {tool} in PATH already."
        return
    name = shlex.quote(str(folder))
    is_fish = (here.shell or Path(here.environ.get("SHELL", "")).name) == "fish"
    yield "Put this line at the end of your shell's startup file:"
    yield f"set -gx PATH {name} $PATH" if is_fish else f"export PATH={name}:$PATH"


def _advice(tool: str, here: Surroundings) -> Iterator[str]:
    """Yield what remains to be done."""
    if tool in ("mix", "rebar3", "gleam", "curl", "shell"):
        yield "It works in every shell that you open from now on."
    if tool == "docker" and not find_program("docker-credential-hexauth", here.environ):
        yield f"Docker looks for its helper in PATH: put {here.programs} there."


def _facts(home: Home, here: Surroundings, name: str, tool: Tool) -> dict[str, object]:
    """Return what there is of a tool: whether it is installed, and whether hexauth is in it."""
    found = any(find_program(each, home.environ) for each in tool.programs)
    try:
        is_there: bool | None = is_configured(tool, here)
    except (UsageError, OSError):
        is_there = None
    return {
        "tool": name,
        "installed": found,
        "configured": is_there,
        "about": tool.about,
        "places": _paths(here, tool),
    }


def _paths(here: Surroundings, tool: Tool) -> list[str]:
    """Return the files in which a tool is told; none if that depends on what is said."""
    try:
        return [str(place.path) for place in tool.places(here)]
    except UsageError:
        return []


STATES = {True: "configured", False: "not configured", None: "unknown"}


def _listed(found: list[dict[str, object]]) -> Iterator[str]:
    """Yield the tools for people, laid out."""
    heading = ("tool", "program", "hexauth", "what setup does")
    rows = [
        (
            str(each["tool"]),
            "installed" if each["installed"] else "not installed",
            STATES[each["configured"]],  # type: ignore[index]
            str(each["about"]),
        )
        for each in found
    ]
    yield from table(rows, width(), heading)
