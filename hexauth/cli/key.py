"""`hexauth key`: the keys of repositories."""

import click

from hexauth.cli.options import Flags, json_option, show_usage, vault_option
from hexauth.cli.streams import read_key, width, write_json, write_laid_out
from hexauth.credentials import keys
from hexauth.credentials.keys import KeyKind
from hexauth.errors import NotFound, UsageError
from hexauth.screen.layout import table
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
@json_option()
@vault_option()
@click.pass_obj
def add(flags: Flags, target: str, kind: str | None, no_verify: bool, as_json: bool) -> None:
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
    name = keys.entry(repository)
    if as_json:
        vault = home.vaults.choice(name).name
        write_json({**_facts(repository, chosen, vault), "verified": not no_verify})
        return
    where = home.vaults.of(name).describe()
    home.screen.say(f"The {chosen} of {repository.name} is stored in {where}.")


@key.command(name="list")
@json_option("array")
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
    rows = [tuple(each.values()) for each in found]
    heading = ("repository", "kind", "server", "vault")
    write_laid_out(table(rows, width(), heading) if rows else ["No key is kept."])


@key.command()
@click.argument("target")
@KIND
@json_option()
@vault_option()
@click.pass_obj
def remove(flags: Flags, target: str, kind: str | None, as_json: bool) -> None:
    """Forget the keys for TARGET, or the one of that kind; at the server they work on."""
    home = flags.home()
    repository, _ = _place(home, target)
    if not keys.remove(home, repository, KeyKind(kind) if kind else None):
        raise NotFound(
            f"No {kind or 'key'} of {repository.name} is kept.",
            hint="`hexauth key list` lists those that are.",
        )
    if as_json:
        write_json({"repository": repository.name, "kind": kind, "server": keys.at(repository)})
        return
    home.screen.say(f"The {kind or 'keys'} of {repository.name} is gone from this machine.")


def _facts(repository: Repository, kind: KeyKind, vault: str) -> dict[str, str | bool]:
    """Return what is told of a key: what `key list` tells of each."""
    return {
        "repository": repository.name,
        "kind": str(kind),
        "server": keys.at(repository),
        "vault": vault,
    }


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
