"""Authorities for TLS, and the certificates that they sign: good ones, and bad in one respect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

HOUR = timedelta(hours=1)

ALGORITHMS = bytes.fromhex("06092a864886f70d0101")
"""How the names of RSA's signatures begin, in DER."""


@dataclass
class Signed:
    """A certificate and its key; a server or an authority."""

    key: Key
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)

    def write(self, path: Path, *chain: "Signed") -> Path:
        """Write the key, the certificate and a chain to a file, as a server has them."""
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(pem + b"".join(each.pem for each in (self, *chain)))
        return path


def sign(
    name: str,
    by: Signed | None = None,
    *,
    key: Key | None = None,
    hosts: Sequence[str] = (),
    is_authority: bool = False,
    begins: timedelta = -HOUR,
    ends: timedelta = HOUR,
    only_for: str = "",
) -> Signed:
    """Return a certificate for `hosts`, or an authority's; signed by itself unless `by` another.

    `begins` and `ends` are counted from now; an authority may sign `only_for` one domain.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signing = (by.certificate.subject, by.key) if by else (subject, key)
    now = datetime.now(UTC)
    identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(_usage(is_authority=is_authority), critical=True)
        .add_extension(identity, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()),
            critical=False,
        )
    )
    if hosts:
        names = x509.SubjectAlternativeName([_host(each) for each in hosts])
        builder = builder.add_extension(names, critical=False)
    if only_for:
        constraints = x509.NameConstraints([x509.DNSName(only_for)], [_everywhere()])
        builder = builder.add_extension(constraints, critical=True)
    return Signed(key, builder.sign(signing, hashes.SHA256()))


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _everywhere() -> x509.GeneralName:
    return x509.IPAddress(ip_network("0.0.0.0/0"))


def weakened(signed: Signed, by: Signed, digest: hashes.HashAlgorithm) -> Signed:
    """Return a certificate of an RSA authority signed again with SHA-1 or MD5.

    cryptography itself refuses to. The names of the algorithms differ in a byte (RFC 8017 appendix
    C), and the signatures have one length.
    """
    assert isinstance(by.key, rsa.RSAPrivateKey)
    old = signed.certificate
    name = ALGORITHMS + bytes([4 if digest.name == "md5" else 5])
    body = old.tbs_certificate_bytes.replace(ALGORITHMS + b"\x0b", name)
    head = old.public_bytes(Encoding.DER)[: -len(old.signature)]
    head = head.replace(ALGORITHMS + b"\x0b", name)
    signature = by.key.sign(body, PKCS1v15(), digest)
    return Signed(signed.key, x509.load_der_x509_certificate(head + signature))
