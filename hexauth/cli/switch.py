"""`hexauth switch`: choose the account that is used if none is named."""

import click

from hexauth import hex as hexpm
from hexauth.cli.options import json_option
from hexauth.cli.streams import write_json
from hexauth.errors import NotFound, did_you_mean
from hexauth.servers.accounts import accounts
from hexauth.servers.directory import server_for
from hexauth.servers.targets import parse_target
from hexauth.vault.home import Home
from hexauth.world import settings_file


@click.command(short_help="Choose the account that is used if none is named.")
@click.argument("name")
@click.argument("target", default=hexpm.REPOSITORY)
@json_option()
def switch(name: str, target: str, as_json: bool) -> None:
    """Use the account NAME at TARGET from now on, if none is named.

    It is written into config.toml, in the table `accounts`.
    """
    home = Home.open()
    server = server_for(home, parse_target(target, home.settings))
    known = accounts(home, server) if server is not None else {}
    if server is None or name not in known:
        names = ", ".join(each for each in known if each) or "none"
        raise NotFound(
            f"There is no account {name} at {target}.",
            hint=f"{did_you_mean(name, known)}Known are: {names}. "
            f"Log in with `hexauth login --account {name}`.",
        )
    wanted = settings_file.Name(settings_file.find("accounts").setting, server.url)
    settings_file.put(home.places, wanted, name)
    hidden = home.settings.sources["account"]
    hidden = hidden if hidden.startswith("$") else ""
    if as_json:
        write_json({"server": server.url, "account": name, "hidden_by": hidden or None})
        return
    home.screen.say(f"{name} is used at {server.url} from now on.")
    if hidden:
        home.screen.say(f"{hidden} comes before that, and is set.")
