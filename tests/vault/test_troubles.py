"""What is asked of a database's address, and what its troubles are called."""

from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from hexauth.errors import Away, UsageError, VaultError
from hexauth.vault.troubles import demanded, explain, is_here, where
from hexauth.world.values import vault

ELSEWHERE = "postgresql://builder@db.example.com/team"


def service(folder: Path, monkeypatch: pytest.MonkeyPatch, **said: str) -> None:
    """Write a service file with one service, `team`, and let libpq know of it."""
    lines = [f"{name}={value}" for name, value in said.items()]
    (folder / "services").write_text("\n".join(["[team]", *lines, ""]))
    monkeypatch.setenv("PGSERVICEFILE", str(folder / "services"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///team?host=/run/postgresql",
        "postgresql://builder@localhost/team",
        "postgresql://127.0.0.1:5433,localhost/team",
        "postgresql://[::1]/team?sslmode=disable",
        "postgresql:///team",
    ],
)
def test_what_stays_on_this_machine_needs_no_tls(url: str) -> None:
    assert demanded(url, {}) == {}


@pytest.mark.parametrize(
    "url",
    [
        ELSEWHERE,
        f"{ELSEWHERE}?sslmode=verify-full",
        f"{ELSEWHERE}?sslmode=verify-full&sslrootcert=system",
        f"{ELSEWHERE}?sslmode=prefer",
        "postgresql:///team?host=db.example.com",
        "postgresql:///team?hostaddr=192.0.2.1",
        "postgresql://localhost,db.example.com/team",
    ],
)
def test_what_leaves_this_machine_has_tls_with_names_checked(url: str) -> None:
    assert demanded(url, {}) == {"sslmode": "verify-full"}


@pytest.mark.parametrize("mode", ["disable", "allow", "require", "verify-ca"])
@pytest.mark.parametrize(
    "url", [ELSEWHERE, "postgresql://localhost,db.example.com/team", "postgresql:///?host=10.0.0.1"]
)
def test_less_than_that_is_refused(url: str, mode: str) -> None:
    with pytest.raises(UsageError, match=f"sslmode={mode}") as caught:
        demanded(f"{url}{'&' if '?' in url else '?'}sslmode={mode}", {})

    assert "verify-full" in caught.value.hint


def test_mode_that_the_environment_names_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "require")

    with pytest.raises(UsageError, match="sslmode=require"):
        demanded(ELSEWHERE, {})


def test_host_that_the_environment_names_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")

    assert demanded("postgresql:///team", {}) == {"sslmode": "verify-full"}


@pytest.mark.parametrize(
    ("url", "environ"),
    [("postgresql://?service=team", {}), ("postgresql://", {"PGSERVICE": "team"})],
)
def test_what_a_service_names_counts(
    url: str, environ: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service(tmp_path, monkeypatch, host="db.example.com", sslmode="require")

    with pytest.raises(UsageError, match="sslmode=require"):
        demanded(url, environ)

    service(tmp_path, monkeypatch, host="db.example.com")
    assert demanded(url, environ) == {"sslmode": "verify-full"}

    service(tmp_path, monkeypatch, host="/run/postgresql")
    assert demanded(url, environ) == {}


def test_address_that_libpq_does_not_understand_is_refused_without_being_shown() -> None:
    with pytest.raises(UsageError) as caught:
        demanded("postgresql://host/db?s3cr3t=1", {})

    assert "s3cr3t" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://builder:s3cr3t@host/db",
        "postgres://builder:s3cr3t@host",
        "postgresql://host/db?password=s3cr3t",
        "postgresql:///db?host=/run&password=s3cr3t",
        "postgresql://host/db?pass%77ord=s3cr3t",
        "postgresql://host/db?sslpassword=s3cr3t",
        "postgresql://bui%40lder:s3cr3t@host/db",
        "postgresql://one:1,two:2/db:x?user=a&password=s3cr3t",
    ],
)
def test_address_with_a_password_is_refused(url: str) -> None:
    """It would be in the list of processes and in the shell's history."""
    with pytest.raises(ValueError, match="without a password, which PGPASSFILE or a service"):
        vault(url)


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("postgres://host/db", "postgresql://host/db"),
        ("postgresql://host:5433/db?sslmode=verify-full", None),
        ("postgresql://one:1,two:2/db", None),
        ("postgresql://[::1]:5432/db", None),
        ("postgresql:///db?host=/run/postgresql&user=a", None),
        ("postgresql://?service=team", None),
    ],
)
def test_other_addresses_are_taken(url: str, same: str | None) -> None:
    assert vault(url) == (same or url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://builder@host:5433/db?sslmode=verify-full", "postgresql://host:5433/db"),
        ("postgresql:///db?host=/run/pg&user=a", "postgresql:///run/pg/db"),
        ("postgresql://?service=team", "postgresql:///team"),
        ("postgresql://a:b@one,two/db", "postgresql://one,two/db"),
    ],
)
def test_place_is_told_without_users_and_options(url: str, said: str) -> None:
    assert where(url) == said


@pytest.mark.parametrize(
    "host", ["/run", "@abstract", "localhost", "::1", "127.0.0.1", "127.9.9.9"]
)
def test_socket_and_loopback_are_here(host: str) -> None:
    assert is_here(host)


@pytest.mark.parametrize(
    "host", ["db", "localhost.example.com", "10.0.0.1", "127.evil.example", "127.0.0.1.nip.io"]
)
def test_names_that_look_like_loopback_are_elsewhere(host: str) -> None:
    assert not is_here(host)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (psycopg.errors.DiskFull("s3cr3t"), VaultError, "is full"),
        (psycopg.errors.ReadOnlySqlTransaction("s3cr3t"), VaultError, "can only be read"),
        (psycopg.errors.AdminShutdown("s3cr3t"), Away, "is being restarted"),
        (psycopg.errors.TooManyConnections("s3cr3t"), Away, "has not enough"),
        (psycopg.errors.QueryCanceled("s3cr3t"), VaultError, "did not answer in time"),
        (psycopg.errors.DataCorrupted("s3cr3t"), VaultError, "is damaged"),
        (psycopg.errors.UndefinedColumn("s3cr3t"), VaultError, "SQLSTATE 42703"),
        (psycopg.OperationalError("connection refused: s3cr3t"), Away, "nobody answers"),
        (psycopg.OperationalError("s3cr3t"), Away, "the connection broke"),
        (psycopg.OperationalError("certificate verify failed s3cr3t"), VaultError, "certificate"),
        (psycopg.OperationalError("the database system is starting up s3cr3t"), Away, "restarted"),
    ],
)
def test_trouble_is_told_in_words_of_our_own(
    error: psycopg.Error, kind: type[VaultError], said: str
) -> None:
    """What a database says of a row may hold some of it."""
    found = explain(error, "postgresql://host/db")

    assert type(found) is kind
    assert said in str(found)
    assert "s3cr3t" not in f"{found} {found.hint}"
