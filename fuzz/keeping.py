"""Targets: what hexauth itself has kept, in whatever state it comes back."""

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from fuzz.inputs import SECRET, Target, outcome
from fuzz.places import environ, folder, home
from hexauth import hot
from hexauth.credentials.short import Note
from hexauth.errors import HexauthError, VaultError
from hexauth.login.record import Record, parse_record
from hexauth.memory import kept
from hexauth.memory.answers import Answers, Reach
from hexauth.memory.folder import is_unsaved, unsaved_name
from hexauth.memory.unsaved import Unsaved
from hexauth.model import Kind, Login, Token
from hexauth.model import Target as Place
from hexauth.protocols import git
from hexauth.vault import drawers, logins, parts, quick
from hexauth.vault.file import FileVault
from hexauth.vault.sealed import Seal
from hexauth.vault.turns import Alone

ENTRIES = {"drawer/https://x": "[]", "login/x/refresh": SECRET}

VAULT = (
    json.dumps({"version": 1, "entries": ENTRIES}, indent=2).encode(),
    b'{"version": 1, "entries": {}}',
    b'{"version": 2, "entries": {"a": "\\ud800"}}',
    b'{"version": 1, "entries": {"a": "b"}, "cipher": "x"}',
)


class Shelf(Alone):
    """A vault that holds what a file does, and takes what is written."""

    name = "file"

    def __init__(self, entries: dict[str, str]) -> None:
        self.entries = entries

    def read(self, entry: str) -> str | None:
        return self.entries.get(entry)

    def write(self, entry: str, value: str) -> None:
        self.entries[entry] = value

    def delete(self, entry: str) -> None:
        self.entries.pop(entry, None)

    def check(self) -> None:
        pass

    def settle(self, seconds: float) -> None:
        pass

    def describe(self) -> str:
        return "a shelf"


def put(name: str, data: bytes) -> Path:
    """Write a private file, and return where."""
    path = folder() / name
    path.parent.mkdir(0o700, exist_ok=True, parents=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return path


def test_vault(data: bytes) -> None:
    """The long way and the quick one read the same from a file, or the quick one leaves it."""
    path = put("vault/vault.json", data)
    names = [*ENTRIES, "a"]
    vault = FileVault(path.parent)
    usual = outcome(lambda: [vault.read(name) for name in names], VaultError)
    fast = outcome(lambda: quick.from_file(str(path), names), quick.Unusual)
    assert fast in (None, usual)
    vault.describe()


CHEAP = {"name": "scrypt", "n": 2, "r": 1, "p": 1, "salt": "c2FsdHNhbHQ="}
MOST_WORK = 1 << 12
PASSPHRASE = b"correct horse"


def sealed(content: bytes) -> bytes:
    """Return an encrypted file that holds `content`."""
    seal = Seal(lambda: PASSPHRASE)
    seal._kdf = dict(CHEAP)  # a key that is made in no time
    return json.dumps(seal.close(content, 1)).encode()


SEALED = (sealed(VAULT[0]), sealed(b"{}"), json.dumps({"cipher": "x", "version": 1}).encode())


def test_sealed(data: bytes) -> None:
    """An encrypted file, and what is in one, is read or refused."""
    if _work(data) <= MOST_WORK:
        path = put("sealed/vault.json", data)
        vault = FileVault(path.parent, passphrase=lambda: PASSPHRASE)
        outcome(lambda: vault.read("login/x/refresh"), VaultError)
    path = put("sealed/vault.json", sealed(data))
    vault = FileVault(path.parent, passphrase=lambda: PASSPHRASE)
    outcome(lambda: vault.read("login/x/refresh"), VaultError)
    without = FileVault(path.parent)
    outcome(lambda: without.read("login/x/refresh"), VaultError)


def _work(data: bytes) -> int:
    """Return how much scrypt would have to do for a file; what asks for much takes its time."""
    with suppress(ValueError, RecursionError, KeyError, TypeError):
        kdf = json.loads(data)["kdf"]
        return int(str(kdf["n"])) * int(str(kdf["r"])) * int(str(kdf["p"]))
    return 0


LOGIN = Login("https://hex.pm/api", "id")
TOKEN = Token(SECRET, SECRET, 1790000000, "api", 1780000000)


def _entries() -> tuple[bytes, ...]:
    shelf = Shelf({})
    logins.save_login(shelf, LOGIN, TOKEN)
    stored = [
        drawers.Stored("a", "me", SECRET, "Bearer", 1790000000, SECRET),
        drawers.Stored(None, None, SECRET),
    ]
    for each in stored:
        drawers.put(shelf, Place("https", "x"), each)
    access = shelf.entries[f"{logins.name(LOGIN)}/access"].encode()
    return (
        access,
        shelf.entries["drawer/https://x"].encode(),
        b"hexauth-parts:a:2:00",
        b'[{"path": 1, "secret": []}]',
    )


def test_entries(data: bytes) -> None:
    """An entry is a login, a drawer or the head of parts, or is refused as none of hexauth's."""
    text = data.decode("latin-1")
    shelf = Shelf({f"{logins.name(LOGIN)}/{end}": text for end in ("access", "refresh")})
    shelf.entries[f"{logins.name(LOGIN)}/refresh"] = SECRET
    token = outcome(lambda: logins.load_login(shelf, LOGIN), VaultError)
    if token is not None:
        token.is_fresh(1780000000.5, 300)
        logins.save_login(shelf, LOGIN, token)
        assert logins.load_login(shelf, LOGIN) == token
    place = Place("https", "x")
    shelf = Shelf({drawers.name(place): text})
    stored = outcome(lambda: drawers.find(shelf, place, 1780000000.5), VaultError)
    if stored is not None:
        outcome(lambda: git.render(drawers.credential(stored, place)), HexauthError)
        drawers.put(shelf, place, stored)
        assert drawers.find(shelf, place, 1780000000.5) == stored
    outcome(lambda: parts.read(_Parts(text), "x"), VaultError)


class _Parts:
    """Something that holds one text as the head and as each part."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get(self, entry: str, part: str) -> str | None:
        return self.text if len(part) < 3 else None

    def put(self, entry: str, part: str, value: str) -> None:
        pass

    def remove(self, entry: str, part: str) -> None:
        pass


INDEX = (
    b'{"auto": {"vault": "file"}, "drawer/https://x": {"vault": "keyring", "host": "x"}}',
    b'{"login/x": {"server": "https://hex.pm/api", "client_id": "x", "account": "work"}}',
    b'{"login/x": {"server": "https://hex.pm/\\ud800", "client_id": "x"}}',
)


def test_index(data: bytes) -> None:
    """An index is what it says, or holds nothing."""
    found = quick.entries(data)
    for name in found:
        where = quick.noted(found, name)
        assert where is None or where[0] in quick.NAMES
    put("state/index.json", data)
    here = home()
    for login, _ in here.vaults.logins():
        assert isinstance(login.name, str)


RECORD = (
    json.dumps(
        asdict(
            Record(
                "waiting", 3, 17, "", "mix deps.get", "1", "ABCD", "https://x", "", SECRET, 5.0, 1e9
            )
        )
    ).encode(),
    b'{"state": "Unreachable", "attempt": 4, "message": "The server is down."}',
)


def test_record(data: bytes) -> None:
    """A record is what it says, or idle; written again it is the same."""
    found = parse_record(data)
    assert SECRET not in repr(found) or SECRET in str((found.state, found.message, found.user_code))
    assert isinstance(found.ended, int)
    assert parse_record(json.dumps(asdict(found)).encode()) == found
    assert found.deadline < float("inf")


ANSWERS = (
    b"hexauth 1\n%CONFIG%\n%CONFIG-STAMP%\n%MUTEX%\nhttps://hex.pm\noauth2\n"
    b"%STAMP%\n0\n9999999999\n"
    b"git username=oauth2\0password=x\0\ntoken x\0\nfacts 1780000000\x009999999999\0api\0bearer",
    b"hexauth 1\n%CONFIG%\n%CONFIG-STAMP%\n%CHANGES%\n\n\n%CHANGES-STAMP%\n0\n9999999999\n"
    b"drawer []",
    b'hexauth 1\n%MUTEX%\n%STAMP%\n{"access": "x", "refresh": "y", "kind": "bearer", '
    b'"expires_at": 1790000000, "scope": "", "issued_at": 1780000000}',
    b"hexauth 1\n%CONFIG%\n%CONFIG-STAMP%\ncache on\nfile\nfile\n20\n/x/vault.json\nn\n/x\n/y\n"
    b"300\n0\n",
)


def test_answers(data: bytes) -> None:
    """What comes back from memory is what was kept, or is as good as absent."""
    here, state = home(), folder() / "state"
    mutex = put("state/x.token.lock", b"")
    changes = put(f"state/kept/{hot.quoted('drawer/https://x')}", b"")
    config = os.fsencode(here.places.config)
    for mark, place in ((b"MUTEX", mutex), (b"CHANGES", changes)):
        data = data.replace(b"%" + mark + b"%", os.fsencode(place))
        data = data.replace(b"%" + mark + b"-STAMP%", hot.stamp(os.fsencode(place)))
    data = data.replace(b"%STAMP%", hot.stamp(os.fsencode(mutex)))
    data = data.replace(b"%CONFIG%", config).replace(b"%CONFIG-STAMP%", hot.stamp(config))
    name = str(hot.file_name(dict(environ())))
    path = put(f"hexauth/{name}", data)
    put(f"hexauth/{name},{hot.quoted('drawer/https://x')}", data)
    put(f"hexauth/{unsaved_name(mutex)}", data)
    reach = Reach("", "", ("https://hex.pm",), "oauth2")
    for token in (Answers(here, mutex, reach).read(), Unsaved(environ(), mutex).read()):
        assert token is None or isinstance(token.kind, Kind)
        assert token is None or token.is_fresh(1780000000.5, 300) in (True, False)
    keeper = kept.Kept(name, "drawer/https://x", 9, str(here.places.config), str(state), environ())
    assert isinstance(keeper.read(), str | None)
    is_unsaved(str(folder() / "hexauth" / unsaved_name(mutex)))
    lines = hot.read(str(path))
    outcome(lambda: hot.find(lines, (b"https://hex.pm", b"git")), ValueError)
    outcome(lambda: Note(b"", [os.fsdecode(line) for line in lines[3:]]), ValueError)


TARGETS = (
    Target("vault", test_vault, VAULT),
    Target("sealed", test_sealed, (*SEALED, *VAULT)),
    Target("entries", test_entries, _entries()),
    Target("index", test_index, INDEX),
    Target("record", test_record, RECORD),
    Target("answers", test_answers, ANSWERS),
)
