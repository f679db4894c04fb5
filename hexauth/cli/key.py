"""`hexauth key`: the keys of repositories."""

import json

import click

from hexauth import keys, oauth
from hexauth.cli.options import show_usage, vault_option
from hexauth.cli.streams import read_key, write_answer
from hexauth.errors import NotFound, Refused, UsageError
from hexauth.keys import KeyKind
from hexauth.repositories import Repository, site
from hexauth.servers import endpoints_for
from hexauth.system import printable
from hexauth.targets import parse_target
from hexauth.world import World, open_world


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
def add(target: str, kind: str | None, no_verify: bool, vault: str | None) -> None:
    """Keep the key for TARGET that standard input holds, or that is asked for.

    TARGET is a repository, such as hexpm:acme, or the URL of one or of an API. The server is asked
    whether it takes the key.
    """
    world = open_world(vault=vault)
    repository, usual = _place(world, target)
    chosen = KeyKind(kind) if kind else usual
    secret = read_key()
    if not no_verify:
        _verify(world, repository, chosen, secret)
    keys.add(world, repository, chosen, secret)
    where = world.vault(keys.entry(repository)).describe()
    world.screen.say(f"The {chosen} of {repository.name} is stored in {where}.")


@key.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_(as_json: bool) -> None:
    """List which repositories have keys; the keys themselves are not shown."""
    world = open_world()
    found = [
        {
            "repository": facts["repository"],
            "kind": kind,
            "server": facts["at"],
            "vault": facts["vault"],
        }
        for facts in keys.listed(world)
        for kind in facts["kinds"].split()
    ]
    if as_json:
        write_answer((json.dumps(found, indent=2) + "\n").encode())
        return
    lines = [
        f"{each['repository']:<20} {each['kind']:<9} {each['server']} ({each['vault']})"
        for each in found
    ]
    write_answer("".join(f"{printable(line)}\n" for line in lines or ["No key is kept."]).encode())


@key.command()
@click.argument("target")
@KIND
@vault_option()
def remove(target: str, kind: str | None, vault: str | None) -> None:
    """Forget the keys for TARGET, or the one of that kind; at the server they work on."""
    world = open_world(vault=vault)
    repository, _ = _place(world, target)
    if not keys.remove(world, repository, KeyKind(kind) if kind else None):
        raise NotFound(
            f"No {kind or 'key'} of {repository.name} is kept.", hint="See `hexauth key list`."
        )
    world.screen.say(f"The {kind or 'keys'} of {repository.name} is gone from this machine.")


def _place(world: World, target: str) -> tuple[Repository, KeyKind]:
    """Return the repository that `target` names, and the kind of key that is usual for it."""
    named = parse_target(target, world.settings)
    place = site(named, world.settings)
    if place.repository is None:
        raise UsageError(
            f"{printable(target)} is no part of a repository that hexauth knows.",
            hint="Name it in config.toml, in a table repositories.NAME with its url.",
        )
    is_api = place.is_api and "://" in target
    return place.repository, KeyKind.API if is_api else KeyKind.AUTH


def _verify(world: World, repository: Repository, kind: KeyKind, secret: str) -> None:
    """Ask the server whether it takes the key. Raises `Refused` or `Unreachable`."""
    try:
        if kind is KeyKind.API:
            oauth.current_user(world.http, f"{repository.api_url}/users/me", secret)
        elif kind is KeyKind.AUTH and repository.oauth_exchange:
            login = keys.exchanged(repository, kind)
            oauth.exchange(
                world.http,
                endpoints_for(world, login),
                login.client_id,
                secret,
                scope=keys.SCOPES[kind],
                now=world.now(),
            )
        elif not oauth.accepts(world.http, f"{repository.url}/names", secret):
            raise Refused("invalid_client", f"{repository.name} does not take this key.")
    except Refused as refusal:
        raise Refused(
            refusal.code,
            f"{repository.name} does not take this key: {refusal.code}.",
            hint="Nothing was stored. Check the key and its permissions, or add --no-verify.",
        ) from None
