"""`hexauth config`: the settings in force, where each comes from, and config.toml changed."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click

from hexauth.cli.options import json_option
from hexauth.cli.streams import width, write_answer, write_json, write_laid_out, write_lines
from hexauth.errors import UsageError
from hexauth.machine.folders import Places, places
from hexauth.machine.terminal import on, shown
from hexauth.screen.layout import cells, wrapped
from hexauth.vault.home import Home
from hexauth.world import settings_file
from hexauth.world.settings import SETTINGS, Setting, Settings, load
from hexauth.world.settings_file import Name

MASK = "********"


@click.group(short_help="Show every setting, or change one.", invoke_without_command=True)
@json_option("array")
@click.pass_context
def config(context: click.Context, as_json: bool) -> None:
    """Show every setting: its value, where that comes from, and what it means.

    A setting comes from an option, a variable, config.toml or its default, in this order. Secrets
    are masked. `set` and `unset` change config.toml.
    """
    if context.invoked_subcommand is None:
        _list(as_json=as_json)
    elif as_json:
        raise click.UsageError(f"--json comes after {context.invoked_subcommand}.")


@config.command(name="list")
@json_option("array")
def list_(as_json: bool) -> None:
    """Show every setting, as `hexauth config` does."""
    _list(as_json=as_json)


@config.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def get(name: str, as_json: bool) -> None:
    """Print the value of the setting NAME, and nothing else; that of a secret is masked.

    A list has a line for each item. NAME may lead into a table: repositories.acme.url. The exit
    code is 1 if nothing is said of that.
    """
    home = Home.open()
    wanted = settings_file.find(name)
    value = wanted.value(home.settings)
    if wanted.setting.secret and value:
        value = MASK
    if as_json:
        write_json(value)
        return
    lines = _texts(value)
    if sys.stdout is not None and sys.stdout.isatty():
        write_lines(lines)
    else:  # whole, for programs
        write_answer("".join(f"{line}\n" for line in lines).encode("utf-8"))


@config.command(name="set")
@click.argument("name")
@click.argument("value")
@json_option()
def set_(name: str, value: str, as_json: bool) -> None:
    """Write the setting NAME into config.toml, with this VALUE; comments and order stay.

    The items of a list are separated by commas. What is in a table is named by it and its own
    name: accounts.https://hex.pm/api, servers.https://HOST.client_id, repositories.NAME.url. What
    hexauth could not read is not written.
    """
    here, wanted = places(os.environ), settings_file.find(name)
    _report(here, wanted, settings_file.put(here, wanted, wanted.parsed(value)), as_json=as_json)


@config.command()
@click.argument("name")
@json_option()
def unset(name: str, as_json: bool) -> None:
    """Take the setting NAME out of config.toml, so that its default counts again.

    The exit code is 1 if it is not there.
    """
    here, wanted = places(os.environ), settings_file.find(name)
    _report(here, wanted, settings_file.take(here, wanted), as_json=as_json)


def _report(here: Places, name: Name, written: Settings, *, as_json: bool) -> None:
    """Say what config.toml says now, and what comes before it."""
    try:
        source = load(os.environ, here.config).sources[name.setting.name]
    except UsageError:  # a variable makes no sense, which is for those who need it to say
        source = ""
    hidden = source if source.startswith("$") else None
    if as_json:
        is_there = written.sources[name.setting.name] != ""
        write_json(
            {"name": str(name), "file": str(here.config), "set": is_there, "hidden_by": hidden}
        )
        return
    screen = on(sys.stderr)
    screen.say(f"Wrote {here.config}")
    if hidden:
        screen.say(f"{hidden} comes before that, and is set.")


def _list(*, as_json: bool) -> None:
    home = Home.open()
    rows = [_row(home, setting) for setting in SETTINGS]
    if as_json:
        write_json(rows)
    else:
        write_laid_out(_lines(home, rows))


def _row(home: Home, setting: Setting) -> Mapping[str, Any]:
    value = getattr(home.settings, setting.name)
    return {
        "name": setting.name,
        "value": MASK if setting.secret and value else value,
        "source": home.settings.sources[setting.name] or "default",
        "variables": list(setting.variables),
        "flag": setting.flag,
        "in_file": setting.in_file,
        "meaning": setting.meaning,
    }


def _lines(home: Home, rows: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield all settings for people, laid out."""
    size = width()
    yield shown(f"# {home.places.config}")
    if moved := os.environ.get("HEXAUTH_HOME"):
        yield shown(f"# $HEXAUTH_HOME={moved}")
    for row in rows:
        yield ""
        yield from wrapped(row["meaning"], size, "# ", "# ")
        by = [*row["variables"], *([row["flag"]] if row["flag"] else [])]
        if by:
            yield from wrapped(f"Set by {', '.join(by)}.", size, "# ", "# ")
        for text in _assignments((row["name"],), row["value"]):
            yield from _assigned(text, f"# {row['source']}", size)


def _assigned(text: str, source: str, size: int) -> Iterator[str]:
    """Yield a setting as config.toml would have it, and where it comes from, in as few lines."""
    line = f"{shown(text)}  {shown(source)}"
    if cells(line) <= size:
        yield line
        return
    yield from wrapped(re.sub("(?<= ) ", r"\\u0020", text), size, "", "  ")  # no blank is lost
    yield from wrapped(source, size, "  ")


def _assignments(path: tuple[str, ...], value: object) -> Iterator[str]:
    """Yield a line for what is said of a setting, or several for what is in a table."""
    if isinstance(value, Mapping) and value:
        for name, each in value.items():
            yield from _assignments((*path, name), each)
    else:
        keys = (name if re.fullmatch("[A-Za-z0-9_-]+", name) else json.dumps(name) for name in path)
        yield f"{'.'.join(keys)} = {json.dumps(value)}"


def _texts(value: object) -> Iterator[str]:
    """Yield the lines that a value is, without its name; in a table, with those of the items."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _assignments((name,), each)
    elif isinstance(value, tuple):
        yield from value
    else:
        yield json.dumps(value) if isinstance(value, bool | int) else str(value)
