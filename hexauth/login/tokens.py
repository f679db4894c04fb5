"""The token of a login, loaded, saved and dropped: in the vault and in memory.

Whoever changes it holds the token mutex.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hexauth.errors import Away, Outrun, VaultError
from hexauth.hex import user_name
from hexauth.login.reach import reach
from hexauth.machine.clock import Deadline
from hexauth.machine.private import private_folder
from hexauth.memory.answers import Answers
from hexauth.memory.unsaved import Unsaved
from hexauth.model import Kind, Login, Target, Token
from hexauth.servers.accounts import login_for
from hexauth.vault import logins as entries
from hexauth.vault.contract import Vault
from hexauth.vault.home import Home
from hexauth.vault.turns import LocalTurn, Turn

TOKEN_SECONDS = 120
"""The longest wait for the token mutex: one request, its save, and a keyring slow to answer."""

SAVE_SECONDS, SAVE_PAUSE = 20, 0.5
"""How long a database that is away is waited for, and between two tries, by who has a token."""

UNSAVED_SECONDS = 60
"""How long a token that its vault has not taken is answered, before the vault is tried again."""


def tokens_for(home: Home, target: Target) -> "Tokens | None":
    """Return the login whose token works at `target`, or None."""
    login = login_for(home, target)
    return None if login is None else Tokens(home, login)


@dataclass(frozen=True)
class Tokens:
    """The token that `login` has now, in the vault and in memory. Methods raise `VaultError`."""

    home: Home
    login: Login

    @property
    def entry(self) -> str:
        """The name that the index knows the login by."""
        return entries.name(self.login)

    @property
    def vault(self) -> Vault:
        """The vault that the login is in, or will be."""
        return self.home.vaults.of(self.entry)

    @cached_property
    def login_turn(self) -> Turn:
        """Where those take turns who would ask a person to log in."""
        return self._turn("login")

    @cached_property
    def token_turn(self) -> Turn:
        """Where those take turns who would change the token."""
        return self._turn("token")

    @cached_property
    def browser_turn(self) -> LocalTurn:
        """Where those take turns who would open the page of a login in a browser, here."""
        return self.local_turn("browser")

    def local_turn(self, what: str) -> LocalTurn:
        """Return the part of a turn that is this machine's; its folder is made if need be."""
        base = private_folder(self.home.places.state) / self.login.name
        files = Path(f"{base}.{what}.lock"), Path(f"{base}.{what}.json")
        return LocalTurn(*files, self.home.front.take)

    def _turn(self, what: str) -> Turn:
        return self.home.vaults.turn(self.entry, what, self.local_turn(what))

    @property
    def _mutex(self) -> Path:
        """The mutex by whose stamp what is in memory is valid."""
        return self.local_turn("token").mutex

    @property
    def answers(self) -> Answers:
        """The answers in memory that are made of the token."""
        return Answers(self.home, self._mutex, reach(self.home, self.login))

    @property
    def _unsaved(self) -> Unsaved:
        return Unsaved(self.home.environ, self._mutex, self.home.settings.cache)

    @contextmanager
    def changing(self, seconds: float = TOKEN_SECONDS) -> Iterator[None]:
        """Hold the token mutex, which this process may have waited for already.

        It is kept until late writes have ended. Raises `Expired` if it is not to be had in time.
        """
        with self.token_turn.held(seconds), self.home.vaults.settled():
            yield

    @contextmanager
    def here(self, seconds: float = TOKEN_SECONDS) -> Iterator[None]:
        """Hold this machine's part of the token turn. Raises as `changing` does."""
        with self.token_turn.here(seconds), self.home.vaults.settled():
            yield

    @property
    def is_shared(self) -> bool:
        """Whether other machines may change the token."""
        return self.vault.is_shared

    def load(self) -> Token | None:
        """Return the token: the one that is still to be saved, or the vault's."""
        unsaved = self._unsaved.read()
        if unsaved is None or not self.is_shared:
            return unsaved or entries.load_login(self.vault, self.login)
        try:
            found = entries.load_login(self.vault, self.login)
        except VaultError:
            return unsaved
        on_file = entries.fingerprint(None if found is None else found.refresh)
        return unsaved if on_file == self._unsaved.spent else found

    def is_unsaved(self) -> bool:
        """Tell whether the token is in memory alone."""
        return self._unsaved.read() is not None

    def answer(self, token: Token) -> None:
        """Let `token`, which was loaded, be answered from memory; the token mutex is held.

        While it is still to be saved, the way to the vault is tried again soon.
        """
        self.answers.write(token, *([UNSAVED_SECONDS] if self.is_unsaved() else []))

    def save(self, token: Token, spent: str | None = None) -> None:
        """Save `token`, and note in the index where.

        If it cannot be saved, or this process dies, it is kept in memory, where there is some:
        `load` finds it there, and `recover` saves it when the vault is in order again. `spent` is
        the fingerprint of the refresh token that it takes the place of, if it is known; a newer one
        that another host may have saved stays. Raises `Outrun` then, and `VaultError`.
        """
        answers, unsaved, is_kept = self.answers, self._unsaved, False
        try:
            try:  # a key can be had again
                answers.outdate()
            finally:  # a disk that breaks just now takes no token that cannot be had again
                is_kept = token.kind is Kind.BEARER and unsaved.write(token, spent)
            self._put(token, spent)
        except Outrun:
            unsaved.drop()
            raise
        except VaultError as error:
            if not is_kept:
                raise
            raise VaultError(
                f"The login cannot be saved: {error}",
                hint="Until this machine restarts it is kept in memory: when the vault is in order "
                "again, `hexauth get` saves it.",
            ) from None
        unsaved.drop()
        answers.write(token)
        self._note(token)

    def close(self) -> None:
        """Close the connection to a vault that has one; the next call opens another."""
        self.home.vaults.close()

    def _put(self, token: Token, spent: str | None) -> None:
        """Put `token` into the vault; a database that is away is waited for a while."""
        end = Deadline(SAVE_SECONDS if self.is_shared else 0, self.home.monotonic)
        while True:
            is_last = end.is_over()  # even if this machine has stood still, it is tried once more
            try:
                entries.save_login(self.vault, self.login, token, spent=spent)
                return
            except Away:
                if is_last:
                    raise
            self.home.sleep(SAVE_PAUSE)

    def _note(self, token: Token) -> None:
        login, vaults = self.login, self.home.vaults
        facts = {"server": login.server, "client_id": login.client_id}
        facts |= {"account": login.account} if login.account else {}
        facts |= {"exchange": login.exchange} if login.exchange else {}
        user = user_name(token)
        if user and "user" not in vaults.facts(self.entry):
            facts["user"] = user  # a login from before there were accounts
        vaults.note(self.entry, **facts)

    def recover(self, *, is_told: bool = True) -> None:
        """Save what is in memory alone; if the vault still does not take it, only say so."""
        token = self._unsaved.read()
        if token is None:
            return
        try:
            self.save(token, self._unsaved.spent)
        except Outrun:  # whoever has saved that one knew what this one was for
            return
        except VaultError as error:
            if is_told:
                self.home.screen.say(f"hexauth: {error}", f"hexauth: {error.hint}")

    def drop(self, given_up: str = "") -> None:
        """Remove every trace of the token.

        `given_up` is the fingerprint of its refresh token, if the server did not take that: whoever
        has got a newer one for it may still save that.
        """
        self.answers.outdate()
        self._unsaved.drop()
        entries.drop_login(self.vault, self.login, given_up)

    def forget(self) -> None:
        """Drop the token, and the login from the index."""
        self.drop()
        self.home.vaults.forget(self.entry)
