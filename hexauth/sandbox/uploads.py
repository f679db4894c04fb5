"""Bodies that are counted and hashed while they are read, and not kept: packages and docs."""

import hashlib
import re
from collections.abc import Iterator
from tarfile import HeaderError, TarInfo
from typing import IO

BLOCK = 512
"""The unit of a tar, bytes; what is shorter is filled up with zeros."""

CHUNK = 64 * 1024
METADATA = "metadata.config"
"""The file of a package that says, in Erlang terms, what it is."""

MAX_METADATA = 1024 * 1024

FIELD = re.compile(r'^\{<<"(name|version)">>,\s*<<"([A-Za-z0-9._+-]+)"(?:/utf8)?>>\}\.$', re.M)


class NoPackage(str):
    """Why a body is no package of Hex's."""

    __slots__ = ()


class Upload:
    """A body on its way through; `size` is in bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.size = 0
        self._stream = stream
        self._hash = hashlib.sha256()

    @property
    def checksum(self) -> str:
        """The SHA-256 of what has been read, in lower-case hex digits."""
        return self._hash.hexdigest()

    def take(self, length: int) -> bytes:
        """Return that many bytes, or as many as are left."""
        return b"".join(self._parts(length))

    def skip(self, length: int | None = None) -> None:
        """Read that many bytes, or all that are left, and forget them."""
        for _ in self._parts(length):
            pass

    def _parts(self, length: int | None) -> Iterator[bytes]:
        left = length
        while left is None or left > 0:
            part = self._stream.read(CHUNK if left is None else min(CHUNK, left))
            if not part:
                return
            self.size += len(part)
            self._hash.update(part)
            left = None if left is None else left - len(part)
            yield part


def package(upload: Upload) -> tuple[str, str] | NoPackage:
    """Read a package to its end, and return its name and version, or why it is none."""
    found: tuple[str, str] | None = None
    problem = f"there is no {METADATA}"
    try:
        while any(block := upload.take(BLOCK)):
            head = TarInfo.frombuf(block, "utf-8", "surrogateescape")
            size = -(-head.size // BLOCK) * BLOCK
            if head.name == METADATA and 0 <= head.size <= MAX_METADATA:
                found = _described(upload.take(size)[: head.size])
                problem = f"{METADATA} names no name and version"
            else:
                upload.skip(size)
    except HeaderError as error:
        problem = str(error)
    upload.skip()
    return found or NoPackage(problem)


def _described(metadata: bytes) -> tuple[str, str] | None:
    fields = dict(FIELD.findall(metadata.decode("utf-8", "replace")))
    return (fields["name"], fields["version"]) if len(fields) == 2 else None
