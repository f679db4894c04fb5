"""The command group: it knows the commands by name, and imports only the one that is asked for."""

from importlib import import_module

import click

from hexauth import __version__
from hexauth.cli.options import Flags, show_usage, verbose_option
from hexauth.hot import Front

COMMANDS = (
    "get",
    "exec",
    "proxy",
    "api",
    "setup",
    "import",
    "key",
    "switch",
    "store",
    "erase",
    "login",
    "logout",
    "status",
    "doctor",
    "config",
    "sandbox",
    "capability",
)
"""In the order in which the help lists them; each is a module here with a function of its name."""

TAKEN = ("exec", "import")
"""Names that Python uses otherwise: their modules and functions have an underscore behind them."""


class Commands(click.Group):
    """A group whose commands are imported when they are used: start-up time is the product."""

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
    """Give `command`, and those below it, the option that all have."""
    if not any(each.name == "verbose" for each in command.params):
        command.params.append(verbose_option())
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _told(each)
    return command


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
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
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
