"""`hexauth setup`: put hexauth into the configuration of another tool, or take it out again."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from hexauth.cli.streams import write_lines
from hexauth.errors import UsageError
from hexauth.machine.programs import find_program
from hexauth.machine.terminal import on
from hexauth.servers.targets import hex_origins
from hexauth.tools.catalog import TOOLS, is_configured
from hexauth.tools.clients import shim_folder
from hexauth.tools.edits import Place, plan
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
def setup(
    tool: str | None,
    undo: bool,
    dry_run: bool,
    hosts: tuple[str, ...],
    all_hosts: bool,
    shim: bool,
    shell: str | None,
) -> None:
    """Put hexauth into the configuration of TOOL, or list the tools.

    TOOL is git, docker, bazel, mix, rebar3, gleam, curl, or shell, which is completion.

    As little as possible is changed, by way of a temporary file; comments, order and modes stay.
    --undo leaves each file as it was, unless something else has changed it.

    For mix, rebar3 and gleam there is a function of your shell, or with --shim a program of that
    name, in a folder that is to come first in PATH: editors, Makefiles and cron find that one.
    """
    for host in hosts:
        if not re.fullmatch(r"[A-Za-z0-9._:/\[\]-]+", host):
            raise UsageError(f"{host!r} is no host.", hint="Write it as registry.example.com:5000.")
    home = Home.open()
    here = Surroundings(
        environ=home.environ,
        programs=own_programs(),
        origins=hex_origins(home.settings),
        shell=shell or "",
        hosts=hosts,
        everywhere=all_hosts,
    )
    if tool is None:
        if undo or dry_run or shim:
            raise UsageError("No tool is named.", hint=f"Name one of {', '.join(TOOLS)}.")
        write_lines(_listed(home, here))
        return
    screen = on(sys.stderr)
    edits = plan(_places(tool, here, shim=shim), undo=undo)
    if not edits:
        done = "not there" if undo else "there already"
        screen.say(f"Nothing is to be changed: hexauth is {done}.")
    for edit in edits:
        if dry_run:
            write_lines(line.expandtabs(8) for line in edit.shown())
            continue
        edit.carry_out()
        what = "Removed" if edit.after is None else "Wrote" if edit.before is None else "Changed"
        screen.say(f"{what} {edit.path}")
    if (edits or shim) and not dry_run and not undo:
        screen.say(*(_shim_advice(tool, here) if shim else _advice(tool, here)))


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


def _listed(home: Home, here: Surroundings) -> Iterator[str]:
    yield f"{'tool':<8} {'installed':<10} {'hexauth':<15} what setup does"
    for name, tool in TOOLS.items():
        found = any(find_program(each, home.environ) for each in tool.programs)
        try:
            state = "configured" if is_configured(tool, here) else "not configured"
        except (UsageError, OSError):
            state = "unknown"
        yield f"{name:<8} {'yes' if found else 'no':<10} {state:<15} {tool.about}"
