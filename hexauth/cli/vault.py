"""`hexauth vault`: the vault that hosts share in a database: made, and given a passphrase."""

import click

from hexauth.cli.options import Flags, json_option, show_usage, vault_option
from hexauth.cli.streams import write_answer, write_json
from hexauth.errors import UsageError
from hexauth.machine.terminal import ask_terminal
from hexauth.vault.home import Home
from hexauth.vault.passphrase import from_file
from hexauth.vault.postgres import PostgresVault
from hexauth.vault.schema import LAYOUT, SQL
from hexauth.world.values import is_shared


@click.group(
    short_help="Make a vault that hosts share, or change its passphrase.",
    invoke_without_command=True,
)
@click.pass_context
def vault(context: click.Context) -> None:
    """Look after a vault that hosts share in a PostgreSQL database."""
    if context.invoked_subcommand is None:
        show_usage(context)


@vault.command()
@click.argument("url", required=False)
@click.option("--print", "as_sql", is_flag=True, help="Print the SQL, and change nothing.")
@json_option()
@vault_option()
@click.pass_obj
def init(flags: Flags, url: str | None, as_sql: bool, as_json: bool) -> None:
    """Make the vault in the database at URL, or at the address that is set.

    It takes a role that may make schemas and roles there; what is there already stays. The
    passphrase must be set: it is what the hosts will need. With --print, the SQL is printed for
    whoever looks after the database.
    """
    if as_sql:
        write_answer(SQL.encode())
        return
    home, shared = _shared(flags, url)
    try:
        shared.envelope.demand_passphrase()
        is_new = shared.database.make(SQL)
        shared.check()
        facts = {"vault": shared.database.where, "layout": LAYOUT, "made": is_new}
    finally:
        home.close()
    if as_json:
        write_json(facts)
        return
    what = "is made" if is_new else "was there already, and is in order"
    home.screen.say(
        f"The vault in {shared.database.where} {what}.",
        "Let each host in by a role of its own: CREATE ROLE builders LOGIN PASSWORD '...' IN ROLE "
        "hexauth_host.",
    )


@vault.command()
@click.argument("url", required=False)
@click.option(
    "--new-passphrase-file",
    "file",
    metavar="FILE",
    help="The file whose first line is the new passphrase.  [default: ask for it]",
)
@click.option(
    "--finish", is_flag=True, help="Let no passphrase but the one that is set open it any more."
)
@json_option()
@vault_option()
@click.pass_obj
def rekey(flags: Flags, url: str | None, file: str | None, finish: bool, as_json: bool) -> None:
    """Change the passphrase of the vault at URL, or at the address that is set.

    No host stops. At first the new passphrase opens the vault beside the old one, which has to be
    set. Give the new one to every host, one after the other. Then, with the new one set, --finish
    seals everything by another key, which the old one does not open.
    """
    if finish and file:
        raise click.UsageError("--finish takes no new passphrase: it keeps the one that is set.")
    home, shared = _shared(flags, url)
    from hexauth.vault import rekey as change

    try:
        shared.envelope.demand_passphrase()
        if finish:
            gone = change.finish(shared)
        else:
            shared.current_key()  # before anybody is asked: the old one must open it
            change.admit(shared, from_file(file) if file else _asked())
    finally:
        home.close()
    if as_json:
        facts = {"vault": shared.database.where, "finished": finish}
        write_json({**facts, "slots_removed": gone} if finish else facts)
    elif finish:
        home.screen.say("Only the passphrase that is set opens the vault from now on.")
    else:
        home.screen.say(
            "The new passphrase opens the vault, and so does the old one.",
            "Give every host the new one; then run `hexauth vault rekey --finish` with it.",
        )


def _asked() -> bytes:
    """Return a new passphrase that a person types twice. Raises `UsageError`."""
    first = ask_terminal("New passphrase of the vault: ")
    if first is None:
        raise UsageError(
            "Nobody can be asked for the new passphrase.",
            hint="Write it into a file's first line, and name that: --new-passphrase-file FILE.",
        )
    if not first:
        raise UsageError("An empty passphrase protects nothing.", hint="Type another one.")
    if ask_terminal("The same again: ") != first:
        raise UsageError("That was another one.", hint="Nothing was changed: try again.")
    return first.encode()


def _shared(flags: Flags, url: str | None) -> tuple[Home, PostgresVault]:
    """Return the shared vault at `url`, or at the address that is set. Raises `UsageError`."""
    if url is not None:
        flags.settings["vault"] = url
    home = flags.home()
    if not is_shared(home.settings.vault):
        raise UsageError(
            "No database is named.",
            hint="Name one: postgresql://USER@HOST/DATABASE, here or in the setting `vault`.",
        )
    return home, home.vaults.database()
