"""Hosts that share one login: a database, a Hex server that they all reach, and what it has heard.

Each host has a role of its own in the database, so that its connections can be told apart.
"""

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bench.host import Host
from bench.hosts import Hosts
from hexauth import hot
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests.postgres import Postgres, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hexauth.sandbox.records import Issued

ROOT = Path(__file__).parent.parent

GET = ("get", "hexpm", "--format", "token")

BY_ROLE = """\
SELECT usename, count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND application_name = 'hexauth' GROUP BY usename"""

AT_ONCE = 4
"""How many hosts are prepared at the same time."""

LOOK_SECONDS = 0.1
"""Between two looks at the database's connections."""


class Heard(Sandbox):
    """A Hex server that knows every refresh token that was sent to it, and when it answered."""

    def __init__(self, options: Options, address: str) -> None:
        super().__init__(options, address=address)
        self.sent = Counter[str]()
        """How many times each refresh token was sent, by its digest."""
        self.newest = ""
        """The last access token that was given for one."""
        self.delay: threading.Event | None = None
        """What the next refresh token waits for on its way."""
        self._refresh = self.hexpm.refresh
        self.hexpm.refresh = self._heard  # type: ignore[method-assign]

    def _heard(self, client_id: str, refresh_token: str, scope: str = "") -> "Issued":
        delay, self.delay = self.delay, None
        if delay is not None:
            delay.wait()
        self.sent[hashlib.sha256(refresh_token.encode()).hexdigest()] += 1
        issued = self._refresh(client_id, refresh_token, scope)
        self.newest = issued.access
        return issued

    @property
    def twice(self) -> int:
        """How many times a refresh token was sent that had been sent before."""
        return self.sent.total() - len(self.sent)

    @property
    def codes(self) -> int:
        """How many codes it has given to be approved."""
        return self.journal.counts()["prompts"]

    def approve(self) -> None:
        """Answer the last code as the person does."""
        self.hexpm.answer(self.hexpm.grants()[-1], approve=True)


class Fleet:
    """As many hosts as wanted, with one vault in a database; nobody is logged in.

    `scripts` is the folder of the programs. Everything is gone after its `with` block.
    """

    def __init__(
        self,
        count: int,
        options: Options | None = None,
        *,
        scripts: Path | None = None,
        separate: bool = True,
        fast: bool = False,
    ) -> None:
        self.hosts = Hosts(count, separate=separate)
        self.postgres = Postgres(fast=fast)
        self.program = str((scripts or Path(sys.executable).parent) / "hexauth")
        self._options = options or Options(interval=0.1, rate_limit=None)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.postgres)
            stack.enter_context(self.hosts)
            self.sandbox = stack.enter_context(Heard(self._options, self.hosts.address))
            self._open()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *of_the_block: object) -> None:
        for host in self.hosts:
            self.forget(host)
        self._stack.close()

    def _open(self) -> None:
        """Make the vault, and let every host in."""
        for host in self.hosts:
            self.postgres.role(host.name)
            host.environ |= self._settings(host)
        made = {"HEXAUTH_VAULT": self.postgres.url()}
        done = self.hosts[0].run([self.program, "vault", "init"], env=made)
        if done.returncode != 0:
            raise SystemExit(done.stderr.decode())
        roles = ", ".join(quoted(host.name) for host in self.hosts)
        self.postgres.sql(f"GRANT hexauth_host TO {roles}")

    def _settings(self, host: Host) -> Mapping[str, str]:
        return {
            "HEXAUTH_VAULT": self.postgres.url(role=host.name),
            "HEXAUTH_PASSPHRASE": "correct horse battery staple",
            "HEXAUTH_ALLOW_HTTP": self.sandbox.url,
            "HEX_API_URL": self.sandbox.api_url,
            "NO_PROXY": self.hosts.address,
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        }

    def start(self, host: Host, *words: str, **options: Any) -> "subprocess.Popen[Any]":  # noqa: ANN401  (subprocess.Popen's)
        """Start hexauth on a host."""
        return host.start([self.program, *words], **options)

    def run(self, host: Host, *words: str, give: bytes = b"") -> str:
        """Return what hexauth prints on a host; raises SystemExit unless it ends well."""
        done = host.run([self.program, *words], give, seconds=300)
        if done.returncode != 0:
            raise SystemExit(f"{host.name}, hexauth {' '.join(words)}: {done.stderr.decode()}")
        return done.stdout.decode().strip()

    def log_in(self) -> str:
        """Log in on the first host, for all of them; return the token."""
        before = self.sandbox.codes
        with self.start(self.hosts[0], "login", "--no-browser", stderr=subprocess.DEVNULL) as login:
            while self.sandbox.codes == before and login.poll() is None:
                time.sleep(0.01)
            self.sandbox.approve()
        return self.run(self.hosts[0], *GET)

    def log_out(self) -> None:
        """End the login, on all hosts."""
        self.run(self.hosts[0], "logout")

    def reject(self, token: str) -> None:
        """Let the server reject the token, every host be told, and nothing be in memory."""
        self.sandbox.hexpm.reject_access_tokens()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(lambda host: self.erase(host, token), self.hosts):
                pass
        for host in self.hosts:
            self.forget(host)

    def erase(self, host: Host, token: str) -> None:
        """Tell hexauth on a host that the server has rejected `token`, as git does."""
        place = self.sandbox.url.removeprefix("http://")
        told = f"protocol=http\nhost={place}\nusername=oauth2\npassword={token}\n\n"
        self.run(host, "erase", give=told.encode())

    def forget(self, host: Host) -> None:
        """Remove the answers that a host has in memory."""
        name, environ = str(hot.file_name(host.environ)), host.environ
        if host.init is not None:
            folders = [f"/proc/{host.init}/root{each}" for each in hot.folders(environ)]
        else:
            folders = hot.folders(environ)
        for folder in folders:
            with suppress(OSError):
                Path(folder, name).unlink()

    def saved_at(self) -> float:
        """Return when the login was saved last, in unix seconds."""
        saved = (
            "SELECT extract(epoch FROM max(saved_at))::float8 FROM hexauth.entry"
            " WHERE starts_with(name, 'login/') AND sealed IS NOT NULL"
        )
        [(when,)] = self.postgres.sql(saved)
        return float(when)

    def connections(self) -> Counter[str]:
        """Return how many connections each host has to the database, by its name."""
        return Counter(dict(self.postgres.sql(BY_ROLE)))

    @contextmanager
    def watched(self) -> "Iterator[Counter[str]]":
        """Hand out the most connections that each host has had at once, during a `with` block."""
        import psycopg

        most, over = Counter[str](), threading.Event()

        def watch() -> None:
            with psycopg.connect(self.postgres.url(), autocommit=True) as connection:
                while not over.wait(LOOK_SECONDS):
                    most.__ior__(Counter(dict(connection.execute(BY_ROLE).fetchall())))

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield most
        finally:
            over.set()
            thread.join()
