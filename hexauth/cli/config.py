"""`hexauth config`: the settings in force, and where each comes from."""

import json
import os
from collections.abc import Mapping
from typing import Any

import click

from hexauth.cli.streams import write_json, write_lines
from hexauth.vault.home import Home
from hexauth.world.settings import SETTINGS, Setting

MASK = "********"


@click.command(short_help="Show every setting, and where it comes from.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def config(as_json: bool) -> None:
    """Show every setting: its value, where that comes from, and what it means.

    A setting comes from an option, a variable, config.toml or its default, in this order. Secrets
    are masked.
    """
    home = Home.open()
    rows = [_row(home, setting) for setting in SETTINGS]
    if as_json:
        write_json(rows)
        return
    moved = (
        f"$HEXAUTH_HOME={os.environ['HEXAUTH_HOME']}, " if os.environ.get("HEXAUTH_HOME") else ""
    )
    lines = [f"# {moved}{home.places.config}"]
    for row in rows:
        places = [*row["variables"], *([row["flag"]] if row["flag"] else [])]
        lines += [
            "",
            f"# {row['meaning']}",
            *([f"# Set by {', '.join(places)}."] if places else []),
            f"{row['name']} = {json.dumps(row['value'])}  # {row['source']}",
        ]
    write_lines(lines)


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
