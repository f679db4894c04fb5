import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hexauth.errors import HexauthError, UsageError
from hexauth.sandbox.options import CLI_CLIENT_ID, Options
from hexauth.sandbox.serve import Sandbox

Serve = Callable[..., Sandbox]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate for 127.0.0.1 that is its own authority; the key is in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """Return a server's TLS context with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_it_speaks_tls(tls: ssl.SSLContext, certificate: Path) -> None:
    """And says so in the addresses it hands out."""
    with Sandbox(tls=tls) as sandbox:
        grant = requests.post(
            f"{sandbox.api_url}/oauth/device_authorization",
            data={"client_id": CLI_CLIENT_ID},
            timeout=10,
            verify=str(certificate),
        ).json()

    assert grant["verification_uri"] == f"{sandbox.url}/oauth/device"


def test_a_client_that_distrusts_the_certificate_upsets_nobody(
    tls: ssl.SSLContext, certificate: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed, and the next client is served."""
    with Sandbox(tls=tls) as sandbox:
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(sandbox.url, timeout=10)
        status = requests.get(sandbox.url, timeout=10, verify=str(certificate)).status_code

    assert (status, capfd.readouterr()) == (200, ("", ""))


def test_a_client_that_says_nothing_holds_up_nobody(tls: ssl.SSLContext, certificate: Path) -> None:
    """Every connection shakes hands in its own thread."""
    with Sandbox(tls=tls) as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)):
            status = requests.get(sandbox.url, timeout=5, verify=str(certificate)).status_code

    assert status == 200


def test_a_connection_that_is_open_ends_with_the_sandbox(serve: Serve) -> None:
    """Nobody waits for a server that is gone."""
    sandbox = serve()
    with socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2]))) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        threading.Timer(0.2, sandbox.stop).start()
        client.settimeout(5)

        assert client.recv(100) == b""


def test_a_port_that_is_taken_is_a_plain_error(serve: Serve) -> None:
    """With a hint at the option."""
    port = int(serve().url.rpartition(":")[2])

    with pytest.raises(HexauthError, match=f"Port {port} cannot be used"):
        Sandbox(Options(port=port)).start()


def test_a_sandbox_that_never_started_can_be_stopped() -> None:
    """Cleaning up needs no conditions."""
    sandbox = Sandbox()
    sandbox.stop()

    assert sandbox.url == ""


def test_a_clock_can_be_handed_in() -> None:
    """Thirty days pass in no time."""
    times = [1_000_000.0]
    with Sandbox(Options(approve_after=60), now=lambda: times[-1]) as sandbox:
        requests.post(
            f"{sandbox.api_url}/oauth/device_authorization",
            data={"client_id": CLI_CLIENT_ID},
            timeout=10,
        )
        states = [sandbox.hexpm.grants()[0].state.value]
        times.append(1_000_060)
        states.append(sandbox.hexpm.grants()[0].state.value)

    assert states == ["pending", "approved"]


def test_a_stampede_is_served(serve: Serve) -> None:
    """Two hundred clients at once, each an answer."""
    sandbox = serve(rate_limit=None)
    statuses: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: statuses.append(
                requests.get(f"{sandbox.api_url}/users/me", timeout=30).status_code
            )
        )
        for _ in range(200)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [401] * 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 70_000},
        {"port": -1},
        {"approve_after": -1},
        {"deny_after": -0.5},
        {"interval": -1},
        {"interval": float("nan")},
        {"expires_in": float("inf")},
        {"expires_in": 0},
        {"token_ttl": -1},
    ],
)
def test_an_option_that_makes_no_sense_is_a_usage_error(wrong: dict[str, float]) -> None:
    """Before anything is started."""
    with pytest.raises(UsageError):
        Options(**wrong)  # type: ignore[arg-type]  # one number, for any of the fields
