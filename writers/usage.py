"""What the manual says of each command besides its help: examples, exit codes, surroundings."""

from collections.abc import Mapping
from dataclasses import dataclass

Examples = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Usage:
    """What is said of one command."""

    examples: Examples = ()
    """What each is for, and what is typed: lines of a shell."""
    codes: tuple[int, ...] = (0, 1, 2)
    """The exit codes that it can give, besides 130 for Ctrl-C."""
    variables: tuple[str, ...] = ()
    """The variables that matter to it, besides those of every command."""
    files: tuple[str, ...] = ()
    """The keys in `FILES` that matter to it."""
    more: str = ""
    """What else is to be said of its exit codes."""


EVERY = ("HEXAUTH_HOME", "HEXAUTH_VAULT", "HEXAUTH_VERBOSE")
"""Variables that matter to every command."""

FILES = {
    "config": (
        "~/.config/hexauth/config.toml",
        "Settings, see hexauth-config(5).",
    ),
    "state": (
        "~/.local/state/hexauth/",
        "Locks, records of logins under way, and the index of what is in the vault.",
    ),
    "vault": (
        "~/.local/state/hexauth/vault/vault.json",
        "The file vault, where no keyring is used.",
    ),
    "memory": (
        "/run/user/UID/hexauth/",
        "Answers in memory; elsewhere below `$XDG_RUNTIME_DIR` or /dev/shm.",
    ),
}
"""The files of hexauth on Linux; with HEXAUTH_HOME, all but the last are below that."""

NETWORK = (0, 1, 2, 3, 4, 5, 6, 7)
LOGIN = ("HEXAUTH_NO_LOGIN", "CI", "HEXAUTH_ACCOUNT")
SERVER = ("HEX_API_URL", "HEX_HTTP_TIMEOUT", "HEX_OFFLINE", "HEX_CACERTS_PATH", "HTTPS_PROXY")
KEPT = ("state", "vault", "memory")
PASSPHRASE = (
    "HEXAUTH_PASSPHRASE",
    "HEXAUTH_PASSPHRASE_FILE",
    "HEXAUTH_PASSPHRASE_COMMAND",
    "HEXAUTH_VAULT_TIMEOUT",
)
LIBPQ = ("PGPASSFILE", "PGSERVICE", "PGSERVICEFILE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY")

USAGES: Mapping[str, Usage] = {
    "hexauth": Usage(
        (
            ("Log in, once:", "hexauth login"),
            ("Tell git and mix of it:", "hexauth setup git\nhexauth setup mix"),
            ("Ask the API who you are:", "hexauth api users/me"),
            ("See what is there, and what may be wrong:", "hexauth status\nhexauth doctor"),
        ),
        NETWORK,
    ),
    "hexauth get": Usage(
        (
            ("Print the token of your login:", "hexauth get hexpm --format token"),
            (
                "Send it with curl, which reads a configuration from standard input:",
                "hexauth get hexpm --format curl | curl -K - https://hex.pm/api/users/me",
            ),
            ("The credential of an organization's packages:", "hexauth get hexpm:acme"),
            ("See where it comes from:", "hexauth get --explain hexpm --format json"),
            (
                "Fail with exit code 3 rather than ask somebody:",
                "hexauth get --no-login hexpm --format header",
            ),
        ),
        NETWORK,
        ("HEX_API_KEY", "HEX_REPOS_KEY", "HEXAUTH_MIN_TTL", "HEXAUTH_CACHE", *LOGIN, *SERVER),
        ("config", *KEPT),
    ),
    "hexauth exec": Usage(
        (
            ("Publish a package:", "hexauth exec -- mix hex.publish"),
            ("With a one-time password, asked for:", "hexauth exec hexpm --otp -- mix hex.publish"),
            (
                "Hand the token itself to a program, for half an hour:",
                "hexauth exec --direct -- gleam publish",
            ),
            (
                "The credential of another server, in a variable:",
                "hexauth exec --env TOKEN=token https://git.example.com -- make",
            ),
        ),
        NETWORK,
        ("HEX_API_KEY", "HEX_REPOS_KEY", "HEX_OTP", *LOGIN, *SERVER),
        KEPT,
        "Otherwise it is that of COMMAND.",
    ),
    "hexauth proxy": Usage(
        (
            ("In a shell, until it ends:", 'eval "$(hexauth proxy --background)"'),
            ("For an editor, until Ctrl-C:", "hexauth proxy --format json --port 4040"),
        ),
        NETWORK,
        ("HEX_OTP", *LOGIN, *SERVER),
        KEPT,
    ),
    "hexauth api": Usage(
        (
            ("Who am I?", "hexauth api users/me"),
            ("All of my keys:", "hexauth api --paginate keys"),
            ("Search for packages:", "hexauth api packages -X GET -f search=plug"),
            ("Make a key, from a file of JSON:", "hexauth api keys --input key.json"),
        ),
        NETWORK,
        ("HEX_API_KEY", "HEX_OTP", *LOGIN, *SERVER),
        KEPT,
    ),
    "hexauth setup": Usage(
        (
            ("See which tools there are:", "hexauth setup"),
            ("Make hexauth git's credential helper:", "hexauth setup git"),
            ("See first what would change:", "hexauth setup --dry-run docker --all-hosts"),
            ("Put a mix that asks hexauth first in PATH:", "hexauth setup mix --shim"),
            ("Complete commands in your shell:", "hexauth setup shell"),
            ("Leave everything as it was:", "hexauth setup --undo git"),
        ),
        (0, 1, 2, 7),
        ("HEX_API_URL", "HEX_TRUSTED_MIRROR_URL"),
    ),
    "hexauth import": Usage(
        (
            ("See what lies about in plain text:", "hexauth import"),
            ("Copy it into the vault, and remove it there:", "hexauth import --yes --remove"),
        ),
        (0, 1, 2, 6, 7),
        ("HEX_HOME", "HEX_API_URL"),
        KEPT,
    ),
    "hexauth key": Usage(
        (("Keep the key of an organization:", "hexauth key add hexpm:acme < key.txt"),),
        (0, 1, 2, 4, 6, 7),
        SERVER,
        KEPT,
    ),
    "hexauth key add": Usage(
        (
            ("Keep the key of an organization, which is asked for:", "hexauth key add hexpm:acme"),
            (
                "Keep one for the API of a repository that config.toml names:",
                "hexauth key add --kind api_key mine < key.txt",
            ),
        ),
        (0, 1, 2, 4, 6, 7),
        SERVER,
        KEPT,
    ),
    "hexauth key list": Usage(
        (
            ("See which there are:", "hexauth key list"),
            ("The same for a program:", "hexauth key list --json"),
        ),
        (0, 2, 7),
        (),
        KEPT,
    ),
    "hexauth key remove": Usage(
        (
            ("Forget all keys of an organization:", "hexauth key remove hexpm:acme"),
            ("Or one of them:", "hexauth key remove hexpm:acme --kind repo_key"),
        ),
        (0, 1, 2, 7),
        ("HEX_API_URL",),
        KEPT,
    ),
    "hexauth switch": Usage(
        (
            ("Use the account of the company from now on:", "hexauth switch work"),
            ("At another server:", "hexauth switch work https://hex.example.com/api"),
        ),
        (0, 1, 2, 7),
        ("HEXAUTH_ACCOUNT", "HEX_API_URL"),
        ("config", "state"),
    ),
    "hexauth store": Usage(
        (
            (
                "Keep a password as git would:",
                "hexauth store <<END\nprotocol=https\nhost=git.example.com\nusername=me\n"
                "password=$(pass show git)\n\nEND",
            ),
        ),
        (0, 1, 2, 7),
        ("HEXAUTH_CACHE_STORED",),
        KEPT,
    ),
    "hexauth erase": Usage(
        (
            (
                "Forget what is stored for a host:",
                "hexauth erase <<END\nprotocol=https\nhost=git.example.com\n\nEND",
            ),
        ),
        (0, 1, 2, 7),
        (),
        KEPT,
    ),
    "hexauth login": Usage(
        (
            ("Log in to Hex:", "hexauth login"),
            ("Over ssh, with a browser elsewhere:", "hexauth login --no-browser"),
            ("As somebody else, too:", "hexauth login --account work"),
            (
                "To another server that knows OAuth's device grant:",
                "hexauth login https://git.example.com --client-id 0123456789",
            ),
            ("Keep an API key in place of a login:", "hexauth login --with-token < key.txt"),
        ),
        (0, 1, 2, 4, 5, 6, 7),
        ("HEXAUTH_CLIENT_ID", "HEXAUTH_SCOPE", "HEXAUTH_ACCOUNT", *SERVER),
        ("config", *KEPT),
    ),
    "hexauth logout": Usage(
        (
            ("End the session at Hex, and forget its tokens:", "hexauth logout"),
            ("That of one account:", "hexauth logout --account work"),
        ),
        (0, 1, 2, 6, 7),
        ("HEXAUTH_ACCOUNT", *SERVER),
        KEPT,
    ),
    "hexauth status": Usage(
        (
            ("See who is logged in, and until when:", "hexauth status"),
            ("The same for a program:", "hexauth status --json"),
        ),
        (0, 1, 2, 3, 6, 7),
        SERVER,
        KEPT,
    ),
    "hexauth doctor": Usage(
        (
            ("See what may be wrong:", "hexauth doctor"),
            ("Without a network, for a bug report:", "hexauth doctor --offline --json"),
        ),
        (0, 1, 2),
        SERVER,
        ("config", *KEPT),
        "It is 1 if there is a problem; a warning is none.",
    ),
    "hexauth config": Usage(
        (
            ("See every setting, and where it comes from:", "hexauth config"),
            ("The same for a program:", "hexauth config --json"),
        ),
        (0, 1, 2),
        (),
        ("config",),
    ),
    "hexauth config list": Usage(
        (("See every setting, and where it comes from:", "hexauth config list"),),
        (0, 1, 2),
        (),
        ("config",),
    ),
    "hexauth config get": Usage((("See one setting:", "hexauth config get vault"),), (0, 1, 2)),
    "hexauth config set": Usage((("Change one:", "hexauth config set min_ttl 600"),), (0, 1, 2)),
    "hexauth config unset": Usage((("Leave it out:", "hexauth config unset min_ttl"),), (0, 1, 2)),
    "hexauth vault": Usage(
        (
            (
                "Make a vault that hosts share, and log in once for all of them:",
                "hexauth vault init postgresql://owner@db.example.com/hexauth\nhexauth login",
            ),
        ),
        (0, 1, 2, 7),
        (*PASSPHRASE, *LIBPQ),
        ("config", "state", "memory"),
    ),
    "hexauth vault init": Usage(
        (
            (
                "Make it, as a role that may make schemas and roles:",
                "hexauth vault init postgresql://owner@db.example.com/hexauth",
            ),
            (
                "Let whoever looks after the database do it:",
                "hexauth vault init --print | psql postgresql://owner@db.example.com/hexauth",
            ),
        ),
        (0, 1, 2, 7),
        (*PASSPHRASE, *LIBPQ),
        ("config", "state", "memory"),
    ),
    "hexauth vault rekey": Usage(
        (
            (
                "Let a new passphrase open the vault, too; it is asked for, twice:",
                "hexauth vault rekey",
            ),
            ("The same from a file:", "hexauth vault rekey --new-passphrase-file new.txt"),
            ("When every host has the new one:", "hexauth vault rekey --finish"),
        ),
        (0, 1, 2, 7),
        (*PASSPHRASE, *LIBPQ),
        ("config", "state", "memory"),
    ),
    "hexauth help": Usage(
        (
            ("Read about a command:", "hexauth help key add"),
            ("About config.toml:", "hexauth help config.toml"),
            ("About an error:", "hexauth help diagnostics"),
        ),
        (0, 2),
        ("MANPAGER", "PAGER", "COLUMNS"),
    ),
    "hexauth sandbox": Usage(
        (
            ("Try a login without any consequence:", "hexauth sandbox -- hexauth login"),
            (
                "Test a script, with its login approved:",
                "hexauth sandbox --approve-after 0 -- ./script",
            ),
            (
                "See what a program makes of two refreshes that fail:",
                "hexauth sandbox --fault 503@refresh=2 -- ./script",
            ),
        ),
        (0, 1, 2, 126, 127),
        ("TMPDIR",),
        (),
        "Otherwise it is that of COMMAND, or 128 and the number of the signal that ended it.",
    ),
}
"""By the command as it is typed. A command that is not here has no examples."""

OTHER_VARIABLES = {
    "HEXAUTH_HOME": "One folder below which everything is kept.",
    "MANPAGER": "The program that shows long pages, if man does.",
    "PAGER": "The program that shows long pages; `less` if it is not set.",
    "COLUMNS": "The width to lay pages out for.",
    "PGPASSFILE": "The file of passwords for databases; libpq wants it to be of mode 0600.",
    "PGSERVICE": "The service of the file of services that is meant if the address names none.",
    "PGSERVICEFILE": "The file of services, which are addresses of databases by name.",
    "PGSSLROOTCERT": "The authority of the database's certificate: a file, or `system`.",
    "PGSSLCERT": "The certificate that says which role this host has at the database.",
    "PGSSLKEY": "The key of that certificate.",
    "TMPDIR": "Where the folder for the logins of COMMAND is made, if not in memory.",
}
"""Variables that are no settings."""
