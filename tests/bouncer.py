"""A real PgBouncer before a PostgreSQL: many clients on few connections."""

import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, urlencode

from tests.as_postgres import SUPERUSER, environ, identity, own, own_folder
from tests.postgres import Postgres
from tests.processes import free_port
from tests.waiting import until

PLACES = "/usr/sbin:/usr/bin:/usr/local/bin"
"""Where it may be: Debian has it in a folder that is not on everyone's PATH."""

PoolMode = Literal["transaction", "session", "statement"]

SETTINGS = """\
[databases]
* = host={server.folder} port={server.port} auth_user={superuser}
[pgbouncer]
unix_socket_dir = {folder}
listen_addr = {address}
listen_port = {port}
pool_mode = {pool_mode}
default_pool_size = {pool_size}
max_client_conn = 1000
auth_type = trust
auth_file = {folder}/users
admin_users = {superuser}
logfile = {folder}/log
"""


class Bouncer:
    """A PgBouncer on a Unix socket, and with `tcp` on a free port of loopback or of an address.

    Whoever connects is trusted, under each role that the server has. In the pool mode
    `transaction` a client has a connection of the server's while a transaction lasts, in
    `session` as long as it stays; there are `pool_size` of them for each role and database.
    """

    def __init__(
        self,
        server: Postgres,
        pool_mode: PoolMode = "transaction",
        *,
        pool_size: int = 20,
        tcp: bool | str = False,
    ) -> None:
        self.address = tcp if isinstance(tcp, str) else "127.0.0.1" if tcp else ""
        self.folder = Path()
        self.port = 6432
        self._server, self._pool_mode, self._pool_size = server, pool_mode, pool_size
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder = own_folder("hx-pb-")
        try:
            if self.address:
                self.port = free_port(self.address)
            self._write()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder)

    def _write(self) -> None:
        settings = SETTINGS.format(
            server=self._server,
            superuser=SUPERUSER,
            folder=self.folder,
            address=self.address,
            port=self.port,
            pool_mode=self._pool_mode,
            pool_size=self._pool_size,
        )
        for name, text in (("settings", settings), ("users", f'"{SUPERUSER}" ""\n')):
            path = self.folder / name
            path.write_text(text)
            own(path)

    def url(
        self,
        *,
        role: str = SUPERUSER,
        database: str = "postgres",
        tcp: bool = False,
        **options: str,
    ) -> str:
        """Return its address for libpq, of its socket or of TCP; `options` are libpq's.

        The database `pgbouncer` is its console, which does not know the extended protocol.
        """
        if tcp:
            where = f"{quote(role)}@{self.address}:{self.port}"
        else:
            where = ""
            options = {"host": str(self.folder), "port": str(self.port), "user": role, **options}
        query = urlencode(options, safe="/", quote_via=quote)
        return f"postgresql://{where}/{quote(database)}" + (f"?{query}" if query else "")

    def start(self) -> None:
        """Start it, and wait until it answers; raises AssertionError with its log if it ends."""
        name = shutil.which("pgbouncer", path=PLACES)
        if name is None:
            raise FileNotFoundError("pgbouncer is missing: install the package `pgbouncer`.")
        self._process = process = subprocess.Popen(
            [name, "-q", self.folder / "settings"],
            cwd=self.folder,
            env=environ(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            **identity(),
        )
        until(lambda: self._answers() or process.poll() is not None)
        if process.returncode is not None:
            self._process = None
            raise AssertionError((self.folder / "log").read_text())

    def _answers(self) -> bool:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as tried:
            tried.connect(str(self.folder / f".s.PGSQL.{self.port}"))
            return True
        return False

    def kill(self) -> None:
        """Kill it: every connection through it ends."""
        assert self._process is not None, "it does not run"
        self._process.kill()
        self._process.wait(60)
        self._process = None
        (self.folder / f".s.PGSQL.{self.port}").unlink(missing_ok=True)
