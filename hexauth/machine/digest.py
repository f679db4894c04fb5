"""SHA-256 (FIPS 180-4) from the interpreter's own module: hashlib takes 3 ms to import."""

try:
    from _sha2 import sha256 as _sha256  # type: ignore[import-not-found]
except ImportError:
    try:
        from _sha256 import sha256 as _sha256  # type: ignore[import-not-found]  # before 3.12
    except ImportError:
        from hashlib import sha256 as _sha256


def sha256(data: bytes) -> str:
    """Return the digest of `data`, as 64 hexadecimal digits."""
    return str(_sha256(data).hexdigest())
