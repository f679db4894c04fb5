"""The vaults of one user: which one an entry is in, and the index of what is in them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING

from hexauth.machine import trace
from hexauth.machine.folders import Places
from hexauth.machine.private import private_folder
from hexauth.model import Login
from hexauth.vault.choice import Choice, choose
from hexauth.vault.contract import Vault
from hexauth.vault.index import Index
from hexauth.vault.passphrase import passphrase_source
from hexauth.vault.quick import AUTO, NAMES, POSTGRES
from hexauth.vault.seen import Seen
from hexauth.vault.turns import LocalTurn, Turn
from hexauth.world.settings import Settings
from hexauth.world.values import is_shared

if TYPE_CHECKING:
    from hexauth.vault.postgres import PostgresVault
    from hexauth.vault.shared_index import SharedIndex

CHANGE_SECONDS = 60
"""The longest wait for another process that changes the same entry."""

LATE_WRITES = 3
"""How many times its time limit a write that has outlived it is waited for, in each vault."""


class Vaults:
    """The vaults that `settings` allow, and the index of what they hold.

    A guest, who is to leave no file behind, goes without the keyring's mutex if it is not there.
    """

    def __init__(
        self,
        settings: Settings,
        places: Places,
        environ: Mapping[str, str],
        *,
        is_guest: bool = False,
    ) -> None:
        self._settings, self._places, self._environ = settings, places, environ
        self._is_guest = is_guest
        self._index = Index(places.state)
        self._opened: dict[str, Vault] = {}
        self._choices: dict[str, Choice] = {}
        self._shared: PostgresVault | None = None

    def choice(self, entry: str) -> Choice:
        """Return which vault `entry` is in, or will be, and why; found out when first needed."""
        if entry not in self._choices:
            found = choose(self._settings, self._environ, self.entries(), entry)
            trace.tell(f"vault {found.name} for {entry}: {found.why}")
            self._choices[entry] = found
        return self._choices[entry]

    def of(self, entry: str) -> Vault:
        """Return the vault that `entry` is in, or will be."""
        return self._open(self.choice(entry).name)

    @cached_property
    def shared(self) -> "SharedIndex | None":
        """The index that other machines share, if they do."""
        if not is_shared(self._settings.vault):
            return None
        from hexauth.vault.shared_index import SharedIndex

        state, address = self._places.state, self._settings.vault
        return SharedIndex(self._index, self.database(), state, address)

    def turn(self, entry: str, what: str, local: LocalTurn) -> Turn:
        """Return where those take turns who would do `what` with the login `entry`."""
        return self.of(entry).turn(f"{entry}/{what}", local)

    def check(self, entry: str) -> None:
        """Prove that `entry` can be put into its vault, and noted in the index, leaving nothing.

        Whoever asks a person, or gives up something for a new secret, does this first. Raises
        `VaultError`.
        """
        self.of(entry).check()
        self._index.check()

    def before(self, entry: str) -> Vault | None:
        """Return the vault that the index names for `entry`, if it is not the one in use now."""
        noted = self.facts(entry).get("vault", "")
        return self._open(noted) if noted in NAMES and noted != self.choice(entry).name else None

    def _open(self, name: str) -> Vault:
        """Return the vault called `name`; each is made once, as it may have a call under way."""
        if name not in self._opened:
            makers = {"file": self._file, POSTGRES: self.database}
            vault = makers.get(name, self._keyring)()
            self._opened[name] = _told(vault) if trace.is_on() else vault
        return self._opened[name]

    def _file(self) -> Vault:
        from hexauth.vault.file import FileVault

        passphrase = passphrase_source(self._settings, self._environ)
        return FileVault(self._places.vault, passphrase=passphrase)

    def database(self) -> "PostgresVault":
        """Return the vault in the database that the settings name; nothing is opened yet."""
        if self._shared is None:
            from hexauth.memory.keys import RememberedKeys
            from hexauth.vault.database import Database
            from hexauth.vault.postgres import PostgresVault
            from hexauth.vault.slots import slot

            settings, state = self._settings, self._places.state
            self._shared = PostgresVault(
                Database(
                    settings.vault,
                    seconds=settings.vault_timeout,
                    environ=self._environ,
                    slot=nullcontext if self._is_guest else partial(slot, state),
                ),
                passphrase_source(settings, self._environ),
                RememberedKeys(self._environ, state, is_wanted=settings.cache),
                lambda vault: Seen(state, vault),
            )
        return self._shared

    def _keyring(self) -> Vault:
        from hexauth.vault.keyring import KeyringVault

        mutex = self._places.state / "keyring.lock"
        return KeyringVault(
            self._places.namespace,
            seconds=self._settings.vault_timeout,
            mutex=None if self._is_guest and not mutex.exists() else mutex,
            environ=self._environ,
        )

    def entries(self) -> Mapping[str, Mapping[str, str]]:
        """Return what the index knows of each entry."""
        if self.shared is not None:
            self.shared.look()
        return self._index.entries()

    def facts(self, entry: str) -> Mapping[str, str]:
        """Return what the index knows of `entry`; nothing if it is not there."""
        return self.entries().get(entry, {})

    def logins(self) -> Iterator[tuple[Login, Mapping[str, str]]]:
        """Yield the logins that the index knows, and what it knows of each."""
        for facts in self.entries().values():
            if "server" in facts and "client_id" in facts:
                more = (facts.get("account", ""), facts.get("exchange", ""))
                yield Login(facts["server"], facts["client_id"], *more), facts

    def note(self, entry: str, **facts: str) -> None:
        """Note in the index that `entry` is in its vault, with `facts` beside what was noted.

        Raises `VaultError`.
        """
        vault = self.choice(entry).name
        known = {**self.facts(entry), "vault": vault, **facts}
        if self.shared is not None and known != self.facts(entry):
            self.shared.put(entry, known)
        self._index.put(entry, known)
        if self._settings.vault == AUTO and AUTO not in self.entries():
            self._index.put(AUTO, {"vault": vault})

    def forget(self, entry: str) -> None:
        """Note that `entry` is gone from its vault; after the last one `auto` chooses anew.

        One that was put into another vault is still there, and stays noted. Raises `VaultError`.
        """
        if self.facts(entry).get("vault") == self.choice(entry).name:
            if self.shared is not None:
                self.shared.drop(entry)
            self._index.drop(entry)
        if set(self.entries()) == {AUTO}:
            self._index.drop(AUTO)

    @contextmanager
    def changing(self, entry: str, kind: str) -> Iterator[None]:
        """Hold the mutex of `entry`, which holds things of that `kind`; a login has its own.

        It is kept until late writes have ended. Raises `Expired` if it is not to be had in time,
        and `VaultError`.
        """
        name = Login(entry, kind).name
        path = private_folder(self._places.state) / f"{name}.lock"
        turn = self.turn(entry, kind, LocalTurn(path, path.with_suffix(".json")))
        with turn.held(CHANGE_SECONDS), self.settled():
            yield

    def close(self) -> None:
        """Close this thread's connection to a database, if it has one."""
        if self._shared is not None:
            self._shared.close()

    def hand_over(self) -> None:
        """Leave this thread's connection to the process that this one has been doubled into."""
        if self._shared is not None:
            self._shared.database.hand_over()

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Keep whoever is inside, and the mutex it holds, until late writes have ended."""
        try:
            yield
        finally:
            for vault in self._opened.values():
                vault.settle(LATE_WRITES * self._settings.vault_timeout)


def _told(vault: Vault) -> Vault:
    from hexauth.vault.told import Told

    return Told(vault)
