"""`hexauth switch`: choose the account that is used if none is named."""

import click

from hexauth import hex as hexpm
from hexauth.errors import NotFound, UsageError, did_you_mean
from hexauth.servers.accounts import accounts
from hexauth.servers.directory import server_for
from hexauth.servers.targets import parse_target
from hexauth.tools.edits import Edit, read
from hexauth.vault.home import Home
from hexauth.world.settings import load


@click.command(short_help="Choose the account that is used if none is named.")
@click.argument("name")
@click.argument("target", default=hexpm.REPOSITORY)
def switch(name: str, target: str) -> None:
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
    _write(home, server.url, name)
    home.screen.say(f"{name} is used at {server.url} from now on.")
    if home.settings.sources["account"].startswith("$"):
        home.screen.say(f"{home.settings.sources['account']} comes before that, and is set.")


def _write(home: Home, url: str, name: str) -> None:
    """Put the account into config.toml; comments and order stay."""
    import tomlkit

    path = home.places.config
    before = read(path)
    document = tomlkit.parse((before or b"").decode())  # `load` has read it: it is TOML
    table = document.setdefault("accounts", tomlkit.table())
    table[url] = name
    Edit(path, before, tomlkit.dumps(document).encode()).carry_out()
    if load({}, path).accounts.get(url) != name:
        raise UsageError(
            f"{path} cannot be changed.", hint=f'Write "{url}" = "{name}" into its table accounts.'
        )
