"""A real PostgreSQL, in a folder of its own, that can be stopped, killed, copied and filled."""

import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode

from tests.as_postgres import SUPERUSER, environ, identity, own, own_folder, program, run, template
from tests.authorities import Signed, sign
from tests.processes import children, ended, free_port, send
from tests.waiting import until

SETTINGS = {
    "shared_buffers": "8MB",
    "max_connections": "200",
    "wal_keep_size": "64MB",  # a replica that was away for a while can go on
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %a ",
}

FAST = {"fsync": "off", "full_page_writes": "off"}

HBA = "local all all trust\nlocal replication all trust\n{kind} all all {network} trust\n"

Mode = Literal["smart", "fast", "immediate"]

STOP: dict[Mode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
"""What tells the server to stop, and how (postgres(1))."""


class Postgres:
    """A server on a Unix socket, and with `tcp` on a free port of loopback or of an address.

    Whoever connects is trusted. With `fast` it forgets what it has committed when the machine
    (not the server) crashes. With `tls`, an authority, TCP is for TLS alone; the server's
    certificate is for localhost and its address, and `root` is the authority's file. It can be
    used when its `with` block begins; at its end everything of it is gone.
    """

    def __init__(
        self,
        *,
        fast: bool = False,
        tcp: bool | str = False,
        tls: Signed | None = None,
        settings: dict[str, str] | None = None,
        source: "Postgres | None" = None,
    ) -> None:
        self.address = tcp if isinstance(tcp, str) else "127.0.0.1" if tcp else ""
        self.folder = self.data = self.root = Path()
        self.port = 5432
        self._settings = {**SETTINGS, **(FAST if fast else {}), **(settings or {})}
        self._authority = tls
        self._source = source
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder = own_folder("hx-pg-")
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.resume()
            self.stop("immediate")
        self._forget_memory()
        shutil.rmtree(self.folder)

    def _prepare(self) -> None:
        """Make the data: new, or a copy of the source's."""
        self.data, self.root = self.folder / "data", self.folder / "root.pem"
        if self._source is None:
            run("cp", "-r", template(), self.data, folder=self.folder)
        else:
            words: list[str | Path] = [
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "--no-sync",
                "-D",
                self.data,
            ]
            run(program("pg_basebackup"), *words, "-d", self._source.url(), folder=self.folder)
        if self.address:
            self.port = free_port(self.address)
        if self._authority is not None:
            self._certify(self._authority)
        kind = "host" if self._authority is None else "hostssl"
        network = "0.0.0.0/0" if self.address else "127.0.0.1/32"
        (self.data / "pg_hba.conf").write_text(HBA.format(kind=kind, network=network))

    def _certify(self, authority: Signed) -> None:
        hosts = dict.fromkeys(["localhost", "127.0.0.1", self.address or "127.0.0.1"])
        path = self.folder / "server.pem"
        path.touch(0o600)
        sign("localhost", by=authority, hosts=[*hosts]).write(path)
        own(path)
        self.root.write_bytes(authority.pem)
        self._settings |= {"ssl": "on", "ssl_cert_file": str(path), "ssl_key_file": str(path)}

    def url(
        self,
        *,
        role: str = SUPERUSER,
        database: str = "postgres",
        tcp: bool = False,
        host: str = "",
        **options: str,
    ) -> str:
        """Return the server's address for libpq: of its socket, or of TCP by its own name.

        `host` is another name for TCP, such as localhost; `options` are libpq's parameters.
        """
        if tcp or host:
            where = f"{quote(role)}@{host or self.address}:{self.port}"
        else:
            where = ""
            options = {"host": str(self.folder), "port": str(self.port), "user": role, **options}
        query = urlencode(options, safe="/")
        return f"postgresql://{where}/{quote(database)}" + (f"?{query}" if query else "")

    def sql(
        self, text: str, database: str = "postgres", values: Sequence[object] | None = None
    ) -> list[tuple[Any, ...]]:
        """Return the rows that a statement brings, as the superuser; it commits by itself.

        There may be several statements, and the last one's rows, where there are no `values`.
        """
        import psycopg

        url = self.url(database=database, connect_timeout="10")
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(text.encode(), values)
            while found.nextset():
                pass
            return found.fetchall() if found.description else []

    def create_database(self, name: str) -> None:
        """Make an empty database."""
        self.sql(f"create database {quoted(name)}")

    def role(self, name: str, *, login: bool = True) -> None:
        """Make a role, which may do nothing yet."""
        self.sql(f"create role {quoted(name)} {'login' if login else 'nologin'}")

    def connections(self, application: str | None = None) -> int:
        """Return how many clients are connected, or those of one application_name; not this one."""
        counted = (
            "select count(*) from pg_stat_activity where backend_type = 'client backend'"
            " and pid <> pg_backend_pid() and application_name = coalesce(%s, application_name)"
        )
        [(count,)] = self.sql(counted, values=[application])
        return int(count)

    def start(self) -> None:
        """Start it, and wait until it answers; raises AssertionError with its log if it ends."""
        settings = self._settings | {
            "port": str(self.port),
            "listen_addresses": self.address,
            "unix_socket_directories": str(self.folder),
        }
        words = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
        log = self.folder / "log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [program("postgres"), "-D", self.data, *words],
                cwd=self.folder,
                env=environ(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                **identity(),
            )
        until(lambda: self._ready() or self._running().poll() is not None)
        if self._running().returncode is not None:
            self._process = None
            raise AssertionError(log.read_text())

    def _ready(self) -> bool:
        """Tell whether the server has written that it answers, as pg_ctl looks for it."""
        with suppress(OSError, IndexError):  # it is made, and then written
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return lines[0] == str(self._running().pid) and lines[7:] == ["ready   "]
        return False

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server does not run"
        return self._process

    def stop(self, mode: Mode = "fast") -> None:
        """Stop it: when clients have gone, at once, or without writing down what is in memory."""
        self._running().send_signal(STOP[mode])
        self._running().wait(60)
        self._process = None

    def restart(self, mode: Mode = "immediate") -> None:
        """Stop it, and start it on the same port; without a checkpoint, unless told otherwise."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """Kill all its processes at once: nothing more is written or said to clients."""
        send(signal.SIGSTOP, self._pids()[:1])  # it starts no others
        pids = self._pids()
        send(signal.SIGKILL, pids)
        self._running().wait(60)
        self._process = None
        until(lambda: ended(pids))

    def pause(self) -> None:
        """Let it and its connections stand still: nothing is closed, nothing answers."""
        send(signal.SIGSTOP, self._pids()[:1])
        send(signal.SIGSTOP, self._pids())

    def resume(self) -> None:
        """Let it go on."""
        send(signal.SIGCONT, reversed(self._pids()))

    def _pids(self) -> list[int]:
        """Return the ids of its processes; the first has started the others."""
        pid = self._running().pid
        return [pid, *children(pid)]

    def _forget_memory(self) -> None:
        """Remove the shared memory that a killed server leaves until it is started again."""
        with suppress(FileNotFoundError, IndexError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            subprocess.run(["ipcrm", "-m", lines[6].split()[1]], capture_output=True, check=False)

    def replica(self, *, tcp: bool | str = False) -> "Postgres":
        """Return another server, made in its `with` block, that follows this and can be read."""
        return Postgres(tcp=tcp, tls=self._authority, settings=self._settings, source=self)

    def catch_up(self) -> None:
        """Wait until a replica has all that its source has written."""
        source = self._source
        assert source is not None, "only a replica follows another server"
        [(end,)] = source.sql("select pg_current_wal_flush_lsn()")
        replayed = f"select pg_last_wal_replay_lsn() >= '{end}'"
        until(lambda: self.sql(replayed) == [(True,)])

    def pause_replay(self) -> None:
        """Let a replica take what its source writes, but show it only when it goes on.

        It is shown, too, once the replica is promoted; what `disconnect` misses never is.
        """
        self.sql("select pg_wal_replay_pause()")
        until(lambda: self.sql("select pg_get_wal_replay_pause_state()") == [("paused",)])

    def resume_replay(self) -> None:
        """Let a replica show what it has."""
        self.sql("select pg_wal_replay_resume()")

    def disconnect(self) -> None:
        """Let a replica follow nobody: when it is promoted, later commits are lost."""
        self.sql("alter system set primary_conninfo = ''")
        self.sql("select pg_reload_conf()")
        until(lambda: self.sql("select pid from pg_stat_wal_receiver") == [])

    def promote(self) -> None:
        """Make a replica a server of its own, and wait until it can be written."""
        assert self.sql("select pg_promote(true, 60)") == [(True,)]


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'
