"""What provokes each error in reality: words, surroundings, and the message of the manual."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

SEALED = json.dumps(
    {
        "version": 1,
        "cipher": "AES-256-GCM",
        "kdf": {"name": "scrypt", "n": 16, "r": 8, "p": 1, "salt": "AAAAAAAAAAAAAAAAAAAAAA=="},
        "nonce": "AAAAAAAAAAAAAAAA",
        "content": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    }
)
VAULT = "hexauth/vault/vault.json"
CONFIG = "hexauth/config.toml"
GIVEN = {"HEXAUTH_PASSPHRASE": "S3CRET"}
NOTHING_HERE = "http://127.0.0.1:1/api"


@dataclass(frozen=True)
class Row:
    """One error; `{home}` in any text is the home folder, `{port}` a port that is taken."""

    message: str
    """As the manual has it."""
    words: tuple[str, ...]
    code: int = 2
    files: Mapping[str, str] = field(default_factory=dict)
    """Files below the home, all of mode 0600."""
    environ: Mapping[str, str] = field(default_factory=dict)
    give: bytes = b""
    door: str = "hexauth"
    closed: bool = False


def _row(message: str, *words: str, **more: object) -> Row:
    return Row(message, words, **more)  # type: ignore[arg-type]


TYPED = (
    _row("There is no command NAME.", "stauts"),
    _row("There is no command NAME.", "key", "ad"),
    _row("`COMMAND` has no option NAME.", "get", "--fromat", "json"),
    _row("NAME cannot be VALUE.", "get", "--format", "jsn"),
    _row("NAME cannot be VALUE.", "get", "--min-ttl", "soon"),
    _row("NAME cannot be VALUE.", "sandbox", "--port", "70000"),
    _row("NAME cannot be VALUE.", "setup", "gti"),
    _row("OPTION takes no value.", "login", "--force=yes"),
    _row("OPTION wants a value.", "login", "--scope"),
    _row("NAME is missing.", "key", "add"),
    _row("There are more words than `COMMAND` takes.", "get", "hexpm", "b"),
    _row("The manual has no page about TOPIC.", "help", "doctr"),
    _row("There is no command to run.", "exec", "hexpm"),
    _row("WORD is no one-time password.", "exec", "--otp=abc", "hexpm", "--", "true"),
    _row("WORD names no variable and format.", "exec", "--env", "X=tokn", "hexpm", "--", "true"),
    _row(
        "No program is known to read a credential of TARGET from its environment.",
        "exec", "https://git.example.com", "--", "true",
    ),
    _row(
        "Nobody is there to be asked for a one-time password.",
        "exec", "hexpm", "--otp", "--", "true",
    ),
    _row("There is no program NAME.", "exec", "--", "no-such-program", code=1),
    _row("There are two bodies.", "api", "--input", "-", "-f", "a=b", "p"),
    _row(
        "The header Authorization is what hexauth itself sends.",
        "api", "-H", "Authorization: Bearer x", "p",
    ),
    _row("--paginate is for GET alone, not for METHOD.", "api", "--paginate", "-X", "POST", "p"),
    _row("WORD makes no sense.", "api", "-f", "nonsense", "p"),
    _row("PATH is no part of SERVER.", "api", "https://elsewhere.example/p"),
    _row("SOURCE cannot be read: WHY.", "api", "--input", "/nonexistent", "p"),
    _row("--remove needs --yes: only what was copied is removed.", "import", "--remove"),
    _row("No tool is named.", "setup", "--dry-run"),
    _row("No registry is named.", "setup", "docker"),
    _row("There is no shim for TOOL.", "setup", "git", "--shim"),
    _row("HOST is no host.", "setup", "docker", "--host", "a b"),
    _row(
        "There are no functions for the shell NAME.",
        "setup", "shell", environ={"SHELL": "/bin/tcsh"},
    ),
    _row("Git itself says for which server it wants a credential.", "get", "hexpm", door="git"),
    _row("No KIND of REPOSITORY is kept.", "key", "remove", "hexpm:acme", code=1),
    _row(
        "TARGET is no part of a repository that hexauth knows.",
        "key", "add", "https://elsewhere.example",
    ),
    _row("Standard input holds no API key.", "key", "add", "hexpm:acme"),
    _row(
        "The URL holds a password, which other users of this machine can see.",
        "get", "https://me:S3CRET@hex.pm/",
    ),
    _row("There is no repository called NAME.", "get", "hexmp"),
    _row("TARGET is no http(s) URL.", "get", "ftp://hex.pm"),
    _row(
        "SERVER is not encrypted, so a token sent there could be read by others.",
        "get", "http://hex.example/",
    ),
    _row("hexauth has no login for TARGET.", "logout", "https://git.example.com"),
    _row("There is no account NAME at TARGET.", "switch", "bob", code=1),
    _row("Standard output is closed.", "config", closed=True, code=1),
)  # fmt: skip

NO_LOGIN = "There is no login[ as ACCOUNT] at SERVER[, and nobody was asked: WHY]."

ASKED = (
    _row(NO_LOGIN, "get", "hexpm", code=3),
    _row(NO_LOGIN, "get", "hexpm", code=3, environ={"HEXAUTH_NO_LOGIN": "1", "CI": ""}),
    _row(NO_LOGIN, "get", "hexpm", "--no-login", "--account", "bob", code=3),
    _row(
        "Nothing is stored for TARGET, and hexauth has no login for it.",
        "get", "https://git.example.com", code=3,
    ),
    _row("Nothing may be sent to any server.", "login", code=6, environ={"HEX_OFFLINE": "1"}),
    _row("SERVER cannot be reached: WHY.", "login", code=6),
    _row("There are no certificates at PLACE.", "login", environ={"HEX_CACERTS_PATH": "/nothing"}),
    _row(
        "hexauth cannot log in to TARGET: it does not know as which OAuth client.",
        "login", "https://h.example",
    ),
)  # fmt: skip

SET = (
    _row("SETTING must be WHAT IS ALLOWED.", "config", environ={"HEXAUTH_VAULT": "flie"}),
    _row("SETTING must be WHAT IS ALLOWED.", "config", files={CONFIG: "min_ttl = 'soon'"}),
    _row("SETTING must be WHAT IS ALLOWED.", "config", files={CONFIG: "[servers.'http://h']\nx=1"}),
    _row("FILE has a key that hexauth does not know: KEY.", "config", files={CONFIG: "valt = 1"}),
    _row("FILE cannot be read: WHY.", "config", files={CONFIG: "vault ="}),
    _row("FILE is a link to nothing.", "config", files={CONFIG: "-> nothing"}),
    _row("FILE is not trusted: WHY.", "config", files={CONFIG: "open"}),
    _row(
        "config.toml does not say where the repository NAME is.",
        "get", "mine", files={CONFIG: "[repositories.mine]\ntrusted = true"},
    ),
    _row(
        "config.toml gives one of the endpoints of SERVER, and not the other.",
        "login", "https://h.example",
        files={CONFIG: "[servers.'https://h.example']\nclient_id='x'\ntoken_endpoint='https://h.example/t'"},
    ),
    _row(
        "$HEXAUTH_HOME names the home of nobody here.",
        "config", environ={"HEXAUTH_HOME": "~nobody-of-that-name/x"},
    ),
)  # fmt: skip

STORED = ("get", "hexpm", "--no-login")

VAULTS = (
    _row(
        "FILE is damaged: it does not hold what hexauth writes.",
        *STORED, code=7, files={VAULT: "x"},
    ),
    _row("FILE was written by another version of hexauth.", *STORED, code=7, files={VAULT: "{}"}),
    _row("FILE is a symbolic link.", *STORED, code=7, files={VAULT: "-> elsewhere"}),
    _row("FILE is not a regular file.", *STORED, code=7, files={f"{VAULT}/a": "x"}),
    _row("FILE is open to other users, or belongs to one.", *STORED, code=7, files={VAULT: "open"}),
    _row("FILE is encrypted, and no passphrase was given.", *STORED, code=7, files={VAULT: SEALED}),
    _row(
        "The passphrase does not open FILE, or the file was changed.",
        *STORED, code=7, files={VAULT: SEALED}, environ=GIVEN,
    ),
    _row(
        "FILE is damaged: its header makes no sense.",
        *STORED, code=7, files={VAULT: SEALED.replace("AES", "DES")}, environ=GIVEN,
    ),
    _row(
        "The passphrase file FILE cannot be read: WHY.",
        *STORED, code=7, files={VAULT: SEALED}, environ={"HEXAUTH_PASSPHRASE_FILE": "/nothing"},
    ),
    _row(
        "THE FILE OR COMMAND gives an empty passphrase.",
        *STORED, code=7, files={VAULT: SEALED, "empty": "\n"},
        environ={"HEXAUTH_PASSPHRASE_FILE": "{home}/empty"},
    ),
    _row(
        "The passphrase command is not there.",
        *STORED, code=7, files={VAULT: SEALED},
        environ={"HEXAUTH_PASSPHRASE_COMMAND": "no-such-program"},
    ),
    _row(
        "The passphrase command failed.",
        *STORED, code=7, files={VAULT: SEALED}, environ={"HEXAUTH_PASSPHRASE_COMMAND": "false"},
    ),
    _row(
        "The file FILE cannot be read or written: WHY.",
        *STORED, code=7, files={"hexauth/state": "x"},
    ),
    _row("FILE cannot be used: WHY.", *STORED, code=7, files={"hexauth/vault": "x"}),
    _row(
        "The lock file FILE cannot be opened: WHY.",
        "login", code=7, files={"hexauth/state/index.lock/x": ""},
    ),
    _row(
        "No keyring answers here: WHY.",
        *STORED, code=7,
        environ={"HEXAUTH_VAULT": "keyring", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nothing"},
    ),
    _row(
        "SOURCE names keyring's KIND backend, which keeps nothing.",
        *STORED, code=7,
        environ={
            "HEXAUTH_VAULT": "keyring",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        },
    ),
    _row(
        "THE KEYRING cannot be used here (WHY).",
        *STORED, code=7,
        environ={"HEXAUTH_VAULT": "keyring", "PYTHON_KEYRING_BACKEND": "no.such.Backend"},
    ),
)  # fmt: skip

SHARED = (
    _row("No database is named.", "vault", "init"),
    _row(
        "SETTING must be WHAT IS ALLOWED.",
        "config", environ={"HEXAUTH_VAULT": "postgresql://builders:S3CRET@db.example/hexauth"},
    ),
    _row(
        "The address of the vault is none that libpq understands.",
        "vault", "init", "postgresql:///hexauth?nonsense=1", environ=GIVEN,
    ),
    _row(
        "The vault's database is elsewhere, and would be spoken to with sslmode=MODE.",
        "vault", "init", "postgresql://db.example/hexauth?sslmode=require", environ=GIVEN,
    ),
    _row(
        "A vault in a database needs a passphrase, and none is set.",
        "vault", "init", "postgresql:///hexauth?host={home}", code=7,
    ),
    _row(
        "The database PLACE cannot be reached: WHY.",
        "vault", "init", "postgresql:///hexauth?host={home}", code=7, environ=GIVEN,
    ),
)  # fmt: skip

REQUESTS = (
    _row("A line of the request has no `=`.", "get", give=b"nonsense\n\n"),
    _row("A line of the request holds a CR or NUL character.", "get", give=b"host=a\0b\n\n"),
    _row("A line of the request is too long.", "get", give=b"host=" + b"a" * 70_000 + b"\n\n"),
    _row("The request's URL names no protocol.", "get", give=b"url=hex.pm\n\n"),
    _row("The request's URL holds an encoded line feed.", "get", give=b"url=https://a%0ab\n\n"),
    _row("The request is not JSON.", "get", give=b"x", door="bazel", code=1),
    _row("The request names no URI.", "get", give=b"{}", door="bazel", code=1),
    _row(
        "Usage: docker-credential-hexauth get | store | erase | list | version",
        "sing", door="docker", code=1,
    ),
    _row(
        "credentials not found in native keychain",
        "get", give=b"r.example", door="docker", code=1,
    ),
    _row("no credentials (server URL | username)", "get", door="docker", code=1),
    _row("the request is not JSON", "store", give=b"x", door="docker", code=1),
    _row("the request is no JSON object", "store", give=b"[]", door="docker", code=1),
    _row("the request is not UTF-8", "store", give=b"\xff", door="docker", code=1),
    _row(
        "a field of the request is no text",
        "store", give=b'{"ServerURL":1,"Username":"a","Secret":"b"}', door="docker", code=1,
    ),
)  # fmt: skip

OTHERS = (
    _row(
        "Docker's config.json is not as docker writes it.",
        "setup", "docker", "--all-hosts", files={".docker/config.json": "[]"},
    ),
    _row(
        "Docker already uses the helper VALUE for PLACE.",
        "setup", "docker", "--all-hosts", files={".docker/config.json": '{"credsStore": "pass"}'},
    ),
    _row("Git cannot read its configuration file.", "setup", "git", files={".gitconfig": "[a\n"}),
    _row(
        "The lines of hexauth for NAME have no end.",
        "setup", "curl", "--shell", "bash", files={".bashrc": "# >>> hexauth curl >>>\n"},
    ),
    _row(
        "FILE is there already, and is not hexauth's.",
        "setup", "mix", "--shim", files={".local/share/hexauth/shims/mix": "#!/bin/sh\n"},
    ),
    _row("Nothing can listen at ADDRESS, port PORT: WHY.", "proxy", "--port", "{port}", code=1),
    _row("Port PORT cannot be used: WHY.", "sandbox", "--port", "{port}", code=1),
    _row("WORD is no fault.", "sandbox", "--fault", "!"),
    _row("There is no fault KIND.", "sandbox", "--fault", "hagn"),
    _row("There is no request REQUEST to spoil.", "sandbox", "--fault", "503@refrsh"),
    _row("The registry FOLDER is no folder.", "sandbox", "--registry", "/nothing"),
    _row("NAME must be a number of seconds, 0 or more.", "sandbox", "--interval", "inf"),
    _row("NAME must be a number of seconds, more than 0.", "sandbox", "--token-ttl", "inf"),
    _row("The command NAME is not there.", "sandbox", "--", "no-such-program", code=127),
    _row(
        "NAME cannot be executed.",
        "sandbox", "--", "{home}/plain", files={"plain": ""}, code=126,
    ),
)  # fmt: skip

ROWS = (*TYPED, *ASKED, *SET, *VAULTS, *SHARED, *REQUESTS, *OTHERS)
"""What goes wrong on this machine, without any server."""

KEY = b"0123456789abcdef0123456789abcdef"

SERVED = (
    _row("The login was denied.", "login", "--no-browser", code=4),
    _row("SERVER refused with WHY.", "login", code=4, environ={"HEXAUTH_CLIENT_ID": "nobody"}),
    _row("SERVER does not accept this key.", "login", "--with-token", give=KEY, code=4),
    _row("REPOSITORY does not take this key: WHY.", "key", "add", "hexpm:acme", give=KEY, code=4),
    _row(
        "SERVER answered STATUS[: MESSAGE]",
        "api", "users/me", code=1, environ={"HEX_API_KEY": KEY.decode()},
    ),
)  # fmt: skip
"""What a server has to say that denies every login."""
