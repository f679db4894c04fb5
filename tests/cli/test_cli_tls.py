"""Real TLS: who is trusted, who is not, and in which words that is said."""

import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests.authorities import HOUR, Signed, sign, weakened
from tests.conftest import Machine

Make = Callable[[Sandbox], Machine]

HOSTS = ("127.0.0.1", "localhost")
LOGIN = ("login", "--no-browser", "--force")
COMMANDS = (LOGIN, ("get", "hexpm", "--no-login"), ("api", "users/me"))


class Server:
    """What a server shakes hands with; it can be another for every connection."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = sign("Test Root", is_authority=True)
        self.bundle = folder / "root.pem"
        self.bundle.write_bytes(self.root.pem)
        self.context: Any = None

    def wrap_socket(self, connection: socket.socket, **options: Any) -> socket.socket:
        if self.context is None:
            return connection
        wrapped: socket.socket = self.context.wrap_socket(connection, **options)
        return wrapped

    def be(self, signed: Signed, *chain: Signed, **attributes: Any) -> None:
        """Show this certificate from now on, even if it is too weak."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_ciphers("ALL:@SECLEVEL=0")
        self.context.load_cert_chain(signed.write(self.folder / "server.pem", *chain))
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # TLS 1.1
            for name, value in attributes.items():
                setattr(self.context, name, value)

    def good(self, **changes: Any) -> Signed:
        """Return a certificate that is all right, but for `changes`."""
        return sign("server", **{"by": self.root, "hosts": HOSTS, **changes})


def sign_as(server: Server, **changes: Any) -> Signed:
    """Return an authority, which is all right but for `changes`."""
    return sign("Test Authority", **{"by": server.root, "is_authority": True, **changes})


def broken(connection: socket.socket, **options: Any) -> socket.socket:
    """Shake hands as a server does that gives up at once."""
    connection.recv(1)
    raise ConnectionError


class Broken:
    wrap_socket = staticmethod(broken)


def expired(it: Server) -> None:
    it.be(it.good(begins=-2 * HOUR, ends=-HOUR))


def early(it: Server) -> None:
    it.be(it.good(begins=HOUR, ends=2 * HOUR))


def for_another_name(it: Server) -> None:
    it.be(it.good(hosts=("hex.test",)))


def for_another_address(it: Server) -> None:
    it.be(it.good(hosts=("127.0.0.2",)))


def for_nobody(it: Server) -> None:
    it.be(it.good(hosts=()))


def by_itself(it: Server) -> None:
    it.be(it.good(by=None))


def by_a_stranger(it: Server) -> None:
    """Be signed by one that has the name of the authority that is trusted."""
    stranger = sign("Test Root", is_authority=True)
    it.be(it.good(by=stranger), stranger)


def with_a_gap(it: Server) -> None:
    it.be(it.good(by=sign_as(it)))


def by_no_authority(it: Server) -> None:
    server = it.good()
    it.be(it.good(by=server), server)


def by_an_expired_authority(it: Server) -> None:
    between = sign_as(it, begins=-2 * HOUR, ends=-HOUR)
    it.be(it.good(by=between), between)


def by_an_authority_for_others(it: Server) -> None:
    between = sign_as(it, only_for="hex.test")
    it.be(it.good(by=between), between)


def with_a_short_key(it: Server) -> None:
    it.be(it.good(key=rsa.generate_private_key(65537, 1024)))  # noqa: S505  (it is to be refused)


def with_an_old_signature(it: Server, digest: hashes.HashAlgorithm) -> None:
    between = sign_as(it, key=rsa.generate_private_key(65537, 2048))
    it.be(weakened(it.good(by=between), between, digest), between)


def with_sha1(it: Server) -> None:
    with_an_old_signature(it, hashes.SHA1())  # noqa: S303  (it is to be refused)


def with_md5(it: Server) -> None:
    with_an_old_signature(it, hashes.MD5())  # noqa: S303  (the same)


def of_tls_1_0(it: Server) -> None:
    version = ssl.TLSVersion.TLSv1
    it.be(it.good(), minimum_version=version, maximum_version=version)


def of_tls_1_1(it: Server) -> None:
    version = ssl.TLSVersion.TLSv1_1
    it.be(it.good(), minimum_version=version, maximum_version=version)


def without_tls(it: Server) -> None:
    it.context = None


def that_gives_up(it: Server) -> None:
    it.context = Broken


def that_wants_a_certificate(it: Server) -> None:
    """Be of TLS 1.2: from 1.3 on, whoever calls may learn it before the alert or after."""
    version = ssl.TLSVersion.TLSv1_2
    it.be(it.good(), verify_mode=ssl.CERT_REQUIRED, maximum_version=version)


def by_a_painter(it: Server) -> None:
    """Be signed by one whose name would repaint the terminal."""
    it.be(it.good(by=sign("\x1b[2J\u202egnp", is_authority=True)))


MACHINE = b"its certificate is signed by nobody this machine trusts."
HOST = b"its certificate is for another host."
MAY_NOT = b"its certificate is signed by one that may not sign it."
WEAK = b"its certificate has a short key or an old signature, which anybody can forge."
OLD = b"it speaks versions of TLS alone that are too old to be safe."
EXPIRED = b"its certificate has expired."

EVERYWHERE = (
    (expired, EXPIRED, b"clock"),
    (for_another_name, HOST, b"Check the address"),
    (by_itself, b"its certificate is signed by nobody but itself.", b"HEX_CACERTS_PATH"),
    (by_a_stranger, MACHINE, b"HEX_CACERTS_PATH"),
    (without_tls, b"it does not speak TLS.", b"whether it is https"),
)
"""What every command meets: the server, what is said of it, and what is advised."""

ONCE = (
    (early, b"its certificate is not valid yet.", b"clock"),
    (for_another_address, HOST, b"Check the address"),
    (for_nobody, HOST, b"Check the address"),
    (with_a_gap, MACHINE, b"HEX_CACERTS_PATH"),
    (by_a_painter, MACHINE, b"HEX_CACERTS_PATH"),
    (by_no_authority, MAY_NOT, b"Whoever runs the server"),
    (by_an_expired_authority, EXPIRED, b"clock"),
    (by_an_authority_for_others, MAY_NOT, b"Whoever runs the server"),
    (with_a_short_key, WEAK, b"Whoever runs the server"),
    (with_sha1, WEAK, b"Whoever runs the server"),
    (with_md5, WEAK, b"Whoever runs the server"),
    (of_tls_1_0, OLD, b"Whoever runs the server"),
    (of_tls_1_1, OLD, b"Whoever runs the server"),
    (that_gives_up, b"the encrypted connection broke off.", b"Try again"),
    (that_wants_a_certificate, b"no encryption is agreed on.", b"wants a certificate"),
)

CASES = [
    pytest.param(*case, command, id=f"{case[0].__name__}-{command[0]}")
    for cases, commands in ((EVERYWHERE, COMMANDS), (ONCE, COMMANDS[:1]))
    for case in cases
    for command in commands
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Return what the server of this module shakes hands with."""
    return Server(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def sandbox(server: Server) -> Iterator[Sandbox]:
    """Start the server, which approves every login at once."""
    options = Options(interval=0.1, rate_limit=None, approve_after=0)
    with Sandbox(options, tls=server) as started:  # type: ignore[arg-type]
        yield started


@pytest.fixture(scope="module")
def here(server: Server, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Return a machine that trusts the root, and whose token the server has rejected."""
    made = Machine(tmp_path_factory.mktemp("home"), sandbox.api_url)
    made.environ["HEX_CACERTS_PATH"] = str(server.bundle)
    server.be(server.good())
    assert made.hexauth(*LOGIN).returncode == 0
    made.reject_token(sandbox)
    return made


@pytest.mark.parametrize(("become", "why", "advice", "command"), CASES)
def test_server_is_not_spoken_to(
    become: Callable[[Server], None],
    why: bytes,
    advice: bytes,
    command: tuple[str, ...],
    server: Server,
    sandbox: Sandbox,
    here: Machine,
) -> None:
    become(server)
    before = sandbox.journal.counts()

    done = here.hexauth(*command)

    what, _, hint = done.stderr.partition(b"\n")
    assert (done.returncode, done.stdout) == (6, b"")
    assert what.startswith(f"hexauth: {sandbox.url} cannot be reached: ".encode() + why)
    assert (hint[:9], advice in hint, hint.count(b"\n")) == (b"hexauth: ", True, 1)
    assert sandbox.journal.counts() == before


def by_the_root(it: Server) -> None:
    it.be(it.good())


def by_one_between(it: Server) -> None:
    between = sign_as(it)
    it.be(it.good(by=between), between)


def of_tls_1_2(it: Server) -> None:
    it.be(it.good(), maximum_version=ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize(
    ("become", "host"),
    [
        (by_the_root, HOSTS[0]),
        (by_the_root, HOSTS[1]),
        (by_one_between, HOSTS[0]),
        (of_tls_1_2, HOSTS[0]),
    ],
)
def test_server_is_trusted_by_its_address_and_by_its_name(
    become: Callable[[Server], None], host: str, server: Server, sandbox: Sandbox, here: Machine
) -> None:
    become(server)

    done = here.hexauth(*LOGIN, environ={"HEX_API_URL": sandbox.api_url.replace("127.0.0.1", host)})

    assert (done.returncode, done.stderr.count(b"certificate")) == (0, 0), done.stderr
