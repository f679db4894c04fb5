import hashlib

from hypothesis import given
from hypothesis import strategies as st

from hexauth.machine.digest import sha256


@given(st.binary())
def test_digest_is_what_hashlib_has(data: bytes) -> None:
    assert sha256(data) == hashlib.sha256(data).hexdigest()
