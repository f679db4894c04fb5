"""`hexauth key`: the keys of repositories."""

import click

from hexauth.cli.options import Flags, show_usage, vault_option
from hexauth.cli.streams import read_key, write_json, write_lines
from hexauth.credentials import keys
from hexauth.credentials.keys import KeyKind
from hexauth.errors import NotFound, UsageError
from hexauth.servers.repositories import Repository, site
from hexauth.servers.targets import parse_target
from hexauth.vault.home import Home


@click.group(short_help="Keep the keys of repositories.", invoke_without_command=True)
@click.pass_context
def key(context: click.Context) -> None:
    """Keep the keys of repositories, for machines where nobody logs in."""
    if context.invoked_subcommand is None:
        show_usage(context)


KIND = click.option(
    "--kind",
    type=click.Choice([str(kind) for kind in KeyKind]),
    help="What it is for: auth_key, a trusted repository; repo_key, that repository as it is, "
    "trusted or not; api_key, the API.",
)


@key.command()
@click.argument("target")
@KIND
@click.option("--no-verify", is_flag=True, help="Keep it without asking the server.")
@vault_option()
@click.pass_obj
def add(flags: Flags, target: str, kind: str | None, no_verify: bool) -> None:
    """Keep the key for TARGET that standard input holds, or that is asked for.

    TARGET is a repository, such as hexpm:acme, or the URL of one or of an API. The server is asked
    whether it takes the key.
    """
    home = flags.home()
    repository, usual = _place(home, target)
    chosen = KeyKind(kind) if kind else usual
    secret = read_key()
    if not no_verify:
        keys.verify(home, repository, chosen, secret)
    keys.add(home, repository, chosen, secret)
    where = home.vaults.of(keys.entry(repository)).describe()
    home.screen.say(f"The {chosen} of {repository.name} is stored in {where}.")


@key.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_(as_json: bool) -> None:
    """List which repositories have keys; the keys themselves are not shown."""
    home = Home.open()
    found = [
        {
            "repository": facts["repository"],
            "kind": kind,
            "server": facts["at"],
            "vault": facts["vault"],
        }
        for facts in keys.listed(home)
        for kind in facts["kinds"].split()
    ]
    if as_json:
        write_json(found)
        return
    row = "{repository:<20} {kind:<9} {server} ({vault})"
    write_lines([row.format(**each) for each in found] or ["No key is kept."])


@key.command()
@click.argument("target")
@KIND
@vault_option()
@click.pass_obj
def remove(flags: Flags, target: str, kind: str | None) -> None:
    """Forget the keys for TARGET, or the one of that kind; at the server they work on."""
    home = flags.home()
    repository, _ = _place(home, target)
    if not keys.remove(home, repository, KeyKind(kind) if kind else None):
        raise NotFound(
            f"No {kind or 'key'} of {repository.name} is kept.",
            hint="`hexauth key list` lists those that are.",
        )
    home.screen.say(f"The {kind or 'keys'} of {repository.name} is gone from this machine.")


def _place(home: Home, target: str) -> tuple[Repository, KeyKind]:
    """Return the repository that `target` names, and the kind of key that is usual for it."""
    named = parse_target(target, home.settings)
    place = site(named, home.settings)
    if place.repository is None:
        raise UsageError(
            f"{target} is no part of a repository that hexauth knows.",
            hint="Name it in config.toml, in a table repositories.NAME with its url.",
        )
    is_api = place.is_api and "://" in target
    return place.repository, KeyKind.API if is_api else KeyKind.AUTH
