"""What fits at each place of a command line, read from the commands themselves."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import click

from hexauth.cli.main import main
from hexauth.protocols import shell
from hexauth.sandbox.faults import MEANINGS as FAULTS
from hexauth.world.settings import SETTINGS

Commands = Mapping[str, click.Command]
"""By their names: `get`, `key`, `key add`."""


@dataclass(frozen=True)
class Place:
    """What can stand at a place: one of `words`, or of what this machine knows, or a file."""

    words: Sequence[str] = ()
    known: str = ""
    """The kind, as `hexauth complete` takes it."""
    files: str = ""
    """`file`, or `folder`."""
    after: bool = False
    """Whether the words stand behind a name and an equals sign."""


KNOWN = {
    "account": "accounts",
    "hosts": "hosts",
    "repository": "repositories",
    "target": "targets",
}
"""For a parameter's name, what can stand there."""

OF_COMMANDS = {
    ("key add", "target"): Place(known="repositories"),
    ("key remove", "target"): Place(known="keys"),
    ("login", "target"): Place(known="servers"),
    ("logout", "target"): Place(known="servers"),
    ("switch", "target"): Place(known="servers"),
    ("switch", "name"): Place(known="accounts"),
    ("api", "method"): Place(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")),
    ("api", "source"): Place(files="file"),
    ("exec", "variables"): Place(tuple(shell.VALUES), after=True),
    ("sandbox", "faults"): Place(tuple(FAULTS)),
}
"""For a command and a parameter's name, where that is not the same everywhere."""


def place(path: str, parameter: click.Parameter) -> Place:
    """Return what can stand as the value of `parameter`, of the command called `path`."""
    kind, name = parameter.type, parameter.name or ""
    if isinstance(kind, click.Choice):
        return Place(tuple(map(str, kind.choices)))
    if (path, name) in OF_COMMANDS:
        return OF_COMMANDS[path, name]
    if isinstance(kind, click.Path) or parameter.metavar in ("FILE", "DIR"):
        is_folder = parameter.metavar == "DIR" or not getattr(kind, "file_okay", True)
        return Place(files="folder" if is_folder else "file")
    if path.startswith("config ") and isinstance(parameter, click.Argument) and name != "value":
        every = path == "config get"
        return Place(tuple(each.name for each in SETTINGS if each.in_file or every))
    return Place(known=KNOWN.get(name, ""))


def arguments(path: str, command: click.Command, commands: Commands) -> list[Place]:
    """Return what can stand at each of the places behind `command`, called `path`."""
    if below := subcommands(path, commands):
        return [Place(tuple(below))]
    return [
        place(path, each)
        for each in command.params
        if isinstance(each, click.Argument) and each.nargs == 1
    ]


def subcommands(path: str, commands: Commands) -> list[str]:
    """Return the names of the commands below the one called `path`; `main` has an empty one."""
    return [name.rpartition(" ")[2] for name in commands if name.rpartition(" ")[0] == path]


def options(command: click.Command) -> list[click.Option]:
    """Return the options of `command`."""
    group = click.Context(main, **main.context_settings)
    parameters = command.get_params(click.Context(command, group))
    return [each for each in parameters if isinstance(each, click.Option) and not each.hidden]


def names(option: click.Option) -> Sequence[str]:
    """Return how `option` is written."""
    return [*option.opts, *option.secondary_opts]


def flags(command: click.Command) -> str:
    """Return the options of `command`, as words."""
    return " ".join(name for option in options(command) for name in names(option))


def takes_value(option: click.Option) -> bool:
    """Tell whether a word follows `option` that belongs to it."""
    return not (option.is_flag or option.count)


def with_values(commands: Commands) -> Iterator[tuple[str, click.Option, Place]]:
    """Yield each option that takes a value, the command that it is of, and what fits there."""
    for path, command in commands.items():
        for option in filter(takes_value, options(command)):
            yield path, option, place(path, option)


def runs_commands(command: click.Command) -> bool:
    """Tell whether the words behind `--` are another program's."""
    return any(isinstance(each, click.Argument) and each.nargs == -1 for each in command.params)


def about(command: click.Command) -> str:
    """Return in a few words what `command` does."""
    return summary(command.get_short_help_str(200))


def summary(text: str | None) -> str:
    """Return the first sentence of `text`, without its period."""
    words = " ".join((text or "").replace("`", "").split())
    return re.split(r"[.;] |\.$", words)[0]
