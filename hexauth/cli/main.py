"""The command group: it knows the commands by name, and imports only the one that is asked for."""

from collections.abc import Mapping
from functools import partial
from importlib import import_module

import click

from hexauth import __version__
from hexauth.cli.options import Flags, show_usage, verbose_option
from hexauth.hot import Front

GROUPS = (
    ("Log in", ("login", "logout", "switch", "status")),
    ("Hand out", ("get", "exec", "proxy", "api")),
    ("Other tools", ("setup", "import", "key", "store", "erase")),
    ("Look and try", ("doctor", "config", "vault", "sandbox", "help")),
    ("Asked by git itself", ("capability",)),
)
"""The commands as the help lists them; each is a module here with a function of its name."""

COMMANDS = tuple(name for _, names in GROUPS for name in names)

TAKEN = ("exec", "help", "import")
"""Names that Python uses otherwise: their modules and functions have an underscore behind them."""


class Context(click.Context):
    """A command's context, whose help breaks no word."""

    def make_formatter(self) -> click.HelpFormatter:
        """Return what help is written with."""
        from hexauth.cli.layout import Formatter

        return Formatter()


class Commands(click.Group):
    """A group whose commands are imported when they are used: start-up time is the product."""

    context_class = Context

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in their groups."""
        from hexauth.cli.layout import write_commands

        for title, names in GROUPS:
            write_commands(formatter, title, {name: self.get_command(ctx, name) for name in names})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command called `cmd_name`, or None."""
        if cmd_name not in COMMANDS:
            return None
        name = f"{cmd_name}_" if cmd_name in TAKEN else cmd_name
        command = getattr(import_module(f"hexauth.cli.{name}"), name)
        return _told(command) if isinstance(command, click.Command) else None


def _told(command: click.Command) -> click.Command:
    """Give `command`, and those below it, the option and the help that all have."""
    command.context_class = Context
    if not any(each.name == "verbose" for each in command.params):
        command.params.append(verbose_option())
    if isinstance(command, click.Group):
        command.format_commands = partial(_list, command.commands)  # type: ignore[method-assign]
        for each in command.commands.values():
            _told(each)
    return command


def _list(
    commands: Mapping[str, click.Command], _context: click.Context, formatter: click.HelpFormatter
) -> None:
    from hexauth.cli.layout import write_commands

    write_commands(formatter, "Commands", commands)


def invoke(arguments: list[str], front: Front) -> int:
    """Run the command that `arguments` name; return its exit code. Raises its errors."""
    try:
        code = main.main(arguments, prog_name="hexauth", standalone_mode=False, obj=Flags(front))
    except click.UsageError as error:
        from hexauth.cli.usage import told

        raise told(error) from None
    except click.Abort:
        raise KeyboardInterrupt from None
    return code if isinstance(code, int) else 0


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "--version", message="hexauth %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """One login for everything that talks to Hex.

    Log in once with `hexauth login`; from then on `hexauth get` gives every script and tool a
    working token, kept in the operating system's keyring and refreshed by itself.
    """
    if context.invoked_subcommand is None:
        show_usage(context)


main.params.append(verbose_option())
