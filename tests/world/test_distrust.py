"""Faults that no server of a test makes: those of other platforms, and of libraries."""

import ssl

import pytest
import requests
from urllib3.exceptions import MaxRetryError
from urllib3.exceptions import SSLError as Wrapped
from urllib3.poolmanager import PoolManager

from hexauth.world import distrust
from hexauth.world.distrust import Fault, fault, is_distrusted
from hexauth.world.http import unreachable

PAINT = "\x1b[2J\u202e"


def failed(inner: ssl.SSLError) -> requests.exceptions.SSLError:
    """Return what requests raises for what the TLS library has raised."""
    pool = PoolManager().connection_from_url("https://hex.test")
    return requests.exceptions.SSLError(MaxRetryError(pool, "/", Wrapped(inner)))


def refused(code: int) -> requests.exceptions.SSLError:
    """Return that for a certificate that was refused with `code`, as truststore says it."""
    inner = ssl.SSLCertVerificationError(PAINT)
    inner.verify_code, inner.verify_message = code, PAINT
    return failed(inner)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (-67602, distrust.ELSEWHERE),  # errSecHostNameMismatch
        (-67818, distrust.EXPIRED),  # errSecCertificateExpired
        (-67843, distrust.UNKNOWN),  # errSecNotTrusted
        (0x800B0109, distrust.UNKNOWN),  # CERT_E_UNTRUSTEDROOT
        (0x800B010F, distrust.ELSEWHERE),  # CERT_E_CN_NO_MATCH
        (4711, distrust.UNTRUSTED),
    ],
)
def test_codes_of_each_platform_have_words(code: int, found: Fault) -> None:
    assert fault(refused(code)) == found


@pytest.mark.parametrize(
    "error",
    [refused(4711), failed(ssl.SSLError(1, PAINT)), requests.exceptions.SSLError(PAINT)],
    ids=["certificate", "TLS", "bare"],
)
def test_nothing_that_others_have_said_is_repeated(error: requests.RequestException) -> None:
    told = unreachable("https://hex.test", error)

    assert PAINT[0] not in f"{told}{told.hint}"


@pytest.mark.parametrize(
    "error", [requests.Timeout("slow"), requests.ConnectionError("down"), OSError(5, "broken")]
)
def test_what_has_nothing_to_do_with_tls_is_no_fault_of_it(error: Exception) -> None:
    assert (fault(error), is_distrusted(error)) == (None, False)


def test_a_certificate_alone_is_a_matter_of_trust() -> None:
    assert (is_distrusted(refused(10)), is_distrusted(failed(ssl.SSLEOFError()))) == (True, False)
