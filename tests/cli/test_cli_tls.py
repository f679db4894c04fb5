"""Real TLS: certificates of the environment's are trusted, and no others."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve

Make = Callable[[Sandbox], Machine]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate for 127.0.0.1, signed by itself; the file holds its key too."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hexauth test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "server.pem"
    path.write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """Return what a server with that certificate needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_named_in_the_environment_is_trusted(
    serve: Serve, machine: Make, tls: ssl.SSLContext, certificate: Path
) -> None:
    sandbox = serve(tls=tls, approve_after=0)
    here = machine(sandbox)
    here.environ["REQUESTS_CA_BUNDLE"] = str(certificate)

    assert here.hexauth("login", "--no-browser").returncode == 0
    assert here.token().startswith("eyJ")


def test_another_certificate_is_refused_before_anything_is_sent(
    serve: Serve, machine: Make, tls: ssl.SSLContext
) -> None:
    sandbox = serve(tls=tls, approve_after=0)

    done = machine(sandbox).hexauth("login", "--no-browser")

    assert done.returncode == 6
    assert b"its certificate is not trusted" in done.stderr
    assert sandbox.journal.counts()["device_authorization"] == 0


def test_passwords_in_netrc_are_not_sent_to_hex(serve: Serve, machine: Make) -> None:
    sandbox = serve(approve_after=0)
    here = machine(sandbox)
    netrc = here.home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login alice password secret\n")
    netrc.chmod(0o600)

    assert here.hexauth("login", "--no-browser").returncode == 0
    assert sandbox.journal.counts()["authorization_on_oauth"] == 0
