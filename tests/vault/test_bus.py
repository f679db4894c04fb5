"""The short way to the Secret Service: the same secrets as the usual way, or none."""

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator

import pytest
import secretstorage
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

from hexauth.vault.backends import BUS, announce_bus
from hexauth.vault.bus import Unusual, secrets
from hexauth.vault.secret_service import SecretService
from tests.conftest import need
from tests.secret_service import Start, lock

USER = "user"
PATIENCE = 20

Answer = list[str | None] | type[Unusual]


def asked(path: str, *services: str, seconds: float = PATIENCE) -> Answer:
    """Return the secrets of `services`, or `Unusual` if that was raised; both in time."""
    end = time.monotonic() + seconds + PATIENCE
    try:
        return secrets(path, services or ("service",), USER, seconds)
    except Unusual:
        return Unusual
    finally:
        assert time.monotonic() < end


def socket_of(environ: dict[str, str]) -> str:
    """Return the path of a bus's socket."""
    return environ[BUS].removeprefix("unix:path=")


# The real service


@pytest.fixture
def usual(unlocked: dict[str, str]) -> Iterator[SecretService]:
    """Hand out the usual way to an unlocked Secret Service."""
    announce_bus(unlocked, "linux")
    service = SecretService()
    yield service
    service._hang_up()


@pytest.fixture
def collection(unlocked: dict[str, str]) -> Iterator[secretstorage.Collection]:
    """Hand out the default collection, for items that other programs may have put there."""
    with open_dbus_connection(unlocked[BUS]) as connection:
        yield secretstorage.get_default_collection(connection)


VALUES = {"empty": "", "long": "x" * 100_000, "no ASCII": "grüße 🔑", "lines": "a\nb\0c"}


@pytest.mark.parametrize("service", VALUES)
def test_what_keyring_has_written_is_read(
    unlocked: dict[str, str], usual: SecretService, service: str
) -> None:
    usual.set_password(service, USER, VALUES[service])

    assert asked(socket_of(unlocked), service) == [usual.get_password(service, USER)]


def test_what_libsecret_has_written_is_read(unlocked: dict[str, str], usual: SecretService) -> None:
    tool = need("secret-tool", "libsecret-tools")
    words = [tool, "store", "--label=label", "service", "libsecret", "username", USER]
    subprocess.run(words, input=b"secret", env=unlocked, check=True)

    assert asked(socket_of(unlocked), "libsecret") == [usual.get_password("libsecret", USER)]


@pytest.mark.parametrize(
    "services",
    [(), ("absent",), ("one", "two"), ("two", "absent", "one"), ("absent", "gone"), ("one", "one")],
)
def test_each_service_has_its_own_secret_or_none(
    unlocked: dict[str, str], usual: SecretService, services: tuple[str, ...]
) -> None:
    for service in ("one", "two"):
        usual.set_password(service, USER, f"secret of {service}")
    usual.set_password("absent", "another", "secret of another")

    expected = [usual.get_password(service, USER) for service in services]
    assert secrets(socket_of(unlocked), services, USER, PATIENCE) == expected


def test_of_several_items_it_is_the_first(
    unlocked: dict[str, str], usual: SecretService, collection: secretstorage.Collection
) -> None:
    for number in range(5):
        attributes = {"service": "several", "username": USER, "number": str(number)}
        collection.create_item("label", attributes, b"secret %d" % number)

    assert asked(socket_of(unlocked), "several") == [usual.get_password("several", USER)]


def test_an_item_of_another_collection_is_not_found(
    unlocked: dict[str, str], usual: SecretService, collection: secretstorage.Collection
) -> None:
    path = "/org/freedesktop/secrets/collection/session"
    session = secretstorage.Collection(collection.connection, path)
    session.create_item("label", {"service": "elsewhere", "username": USER}, b"secret")

    assert asked(socket_of(unlocked), "elsewhere") == [usual.get_password("elsewhere", USER)]


def test_no_error_tells_what_was_read(
    unlocked: dict[str, str], collection: secretstorage.Collection
) -> None:
    """A secret that is no text is one that no error may quote."""
    attributes = {"service": "bytes", "username": USER}
    item = collection.create_item("label", attributes, b"s3cret\xff")

    with pytest.raises(Unusual) as caught:
        secrets(socket_of(unlocked), ["bytes"], USER, PATIENCE)
    item.delete()  # other tests read all that there is, as text
    assert "s3cret" not in repr(caught.value) + "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_a_locked_collection_is_unusual(secret_service: Start) -> None:
    """There would be no window to unlock it in, and no time."""
    with secret_service("password") as (environ, _):
        announce_bus(environ, "linux")
        SecretService().set_password("service", USER, "secret")
        lock(environ[BUS])

        assert asked(socket_of(environ)) is Unusual


def test_a_service_that_was_never_set_up_is_unusual(secret_service: Start) -> None:
    with secret_service(None) as (environ, _):
        assert asked(socket_of(environ)) is Unusual


def test_a_bus_without_a_service_is_unusual(secret_service: Start) -> None:
    with secret_service("password") as (environ, daemon):
        daemon.kill()
        daemon.wait()

        assert asked(socket_of(environ)) is Unusual


def test_it_imports_next_to_nothing() -> None:
    """Programs that have three milliseconds use it."""
    code = (
        "import sys; old = {*sys.modules}; import hexauth.vault.bus; print(*{*sys.modules} - old)"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, check=True
    )

    own = {"hexauth", "hexauth.vault", "hexauth.vault.bus"}
    assert {*done.stdout.decode().split()} <= own | {"_socket", "os", "time"}
