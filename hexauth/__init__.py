"""hexauth: one login for everything that talks to Hex."""

__version__ = "0.2.0"
__date__ = "2026-11-30"
"""The day on which this version was made, as its manual pages say."""

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than the answer to a `get`
if TYPE_CHECKING:
    from hexauth.credentials.http_auth import HexAuth as HexAuth
    from hexauth.library import get_token as get_token


def __getattr__(name: str) -> object:
    """Import what Python programs use when they use it (PEP 562)."""
    if name == "HexAuth":
        from hexauth.credentials.http_auth import HexAuth

        return HexAuth
    if name == "get_token":
        from hexauth.library import get_token

        return get_token
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
