"""Why there is no encrypted connection, and what to do: in plain words, none of them the server's.

What a certificate says of itself is not repeated: whoever made it may be anybody.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Fault(NamedTuple):
    """What is wrong, in words that go on from `cannot be reached:`, and what to do."""

    what: str
    advice: str


_ADD = "If its authority is to be trusted, name the authority's certificate in HEX_CACERTS_PATH."
_NONE = "A server that wants a certificate from its callers cannot be used: hexauth has none."
_MEND = "Whoever runs the server has to mend that."

EXPIRED = Fault("its certificate has expired", f"{_MEND} Or is this machine's clock wrong?")
EARLY = Fault("its certificate is not valid yet", "Check this machine's clock.")
ELSEWHERE = Fault("its certificate is for another host", "Check the address, and who answers it.")
ALONE = Fault("its certificate is signed by nobody but itself", _ADD)
UNKNOWN = Fault("its certificate is signed by nobody this machine trusts", _ADD)
UNENTITLED = Fault("its certificate is signed by one that may not sign it", _MEND)
WEAK = Fault("its certificate has a short key or an old signature, which anybody can forge", _MEND)
UNTRUSTED = Fault("its certificate is not trusted", _ADD)

CERTIFICATES: dict[int, Fault] = {
    # OpenSSL's, X509_V_ERR_ in x509_vfy.h
    9: EARLY,
    10: EXPIRED,
    18: ALONE,
    **dict.fromkeys((2, 19, 20, 21), UNKNOWN),
    **dict.fromkeys((24, 26, 32, 47, 48, 79), UNENTITLED),
    **dict.fromkeys((62, 64), ELSEWHERE),
    **dict.fromkeys((66, 67, 68), WEAK),
    # macOS's, errSec in SecBase.h
    -67602: ELSEWHERE,
    -67818: EXPIRED,
    -67819: EARLY,
    -67843: UNKNOWN,
    # Windows', CERT_E_ in winerror.h
    0x800B0101: Fault(EXPIRED.what + ", or is not valid yet", EXPIRED.advice),
    0x800B0109: UNKNOWN,
    0x800B010A: UNKNOWN,
    0x800B010F: ELSEWHERE,
}
"""What a certificate is refused for, by the code that is given for it."""

OTHERS = (
    (
        "WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG",
        Fault("it does not speak TLS", "Check the address, its port and whether it is https."),
    ),
    (
        "PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL",
        Fault("it speaks versions of TLS alone that are too old to be safe", _MEND),
    ),
    ("CERTIFICATE_REQUIRED", Fault("it wants a certificate from its callers", _NONE)),
    ("HANDSHAKE_FAILURE", Fault("no encryption is agreed on", _NONE)),
    ("SSLEOFError", Fault("the encrypted connection broke off", f"Try again. {_NONE}")),
    ("", Fault("no encrypted connection comes about", "Check the address, and who answers it.")),
)
"""What else goes wrong with TLS, by OpenSSL's name for it; the first that matches."""

WRONG_PASSWORD = Fault(
    "the proxy wants another user name or password", "Correct them in HTTPS_PROXY."
)
NO_PROXY = Fault("the proxy cannot be reached", "Check HTTPS_PROXY.")
NO_PASSAGE = Fault(
    "the proxy does not let it through",
    "Check HTTPS_PROXY; NO_PROXY names hosts that are reached without one.",
)


def fault(error: Exception) -> Fault | None:
    """Return why a request got no further than its connection; None if that is not the reason."""
    import ssl

    import requests
    from urllib3.exceptions import NewConnectionError

    causes = list(_causes(error))
    tls = next((each for each in causes if isinstance(each, ssl.SSLError)), None)
    if isinstance(error, requests.exceptions.ProxyError):
        if tls is not None:
            return Fault(f"the proxy cannot be used: {_of_tls(tls).what}", NO_PASSAGE.advice)
        if any(isinstance(each, NewConnectionError) for each in causes):
            return NO_PROXY
        said = " ".join(str(each) for each in causes if isinstance(each, OSError))
        return WRONG_PASSWORD if re.search(r"failed: 407\b", said) else NO_PASSAGE
    if tls is None and isinstance(error, requests.exceptions.SSLError):
        return UNTRUSTED
    return None if tls is None else _of_tls(tls)


def is_distrusted(error: Exception) -> bool:
    """Tell whether a request failed because of the certificate of the server, or of a proxy."""
    import ssl

    return any(isinstance(each, ssl.SSLCertVerificationError) for each in _causes(error))


def _of_tls(error: Exception) -> Fault:
    code = getattr(error, "verify_code", None)
    if code is not None:
        return CERTIFICATES.get(code, UNTRUSTED)
    name = f"{type(error).__name__} {getattr(error, 'reason', '')}"
    return next(found for pattern, found in OTHERS if re.search(pattern, name))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was made from, as requests and urllib3 wrap them."""
    yield error
    inside = (*error.args, getattr(error, "reason", None))
    for each in inside:
        if isinstance(each, BaseException):
            yield from _causes(each)
