"""What is kept in memory for `hot`, and read by it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hexauth import hot
from hexauth.errors import HexauthError
from hexauth.memory import lines
from hexauth.model import LAST_SECOND, Token

TEXTS = st.text(st.characters(codec="utf-8"))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hx-test-", dir="/dev/shm") as found:
        yield Path(found)


@given(TEXTS, TEXTS, TEXTS, st.integers(2**32, LAST_SECOND - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_answers_are_read_as_they_were_rendered_or_not_at_all(
    folder: Path, user: str, secret: str, scope: str, end: int
) -> None:
    """Whatever the server has issued."""
    mutex, environ = str(folder / "mutex"), {"XDG_RUNTIME_DIR": str(folder)}
    Path(mutex).touch()
    token = Token(secret, "r", end, scope, 0)
    try:
        answers = lines.answers(token, user, 300)
    except HexauthError:
        return
    head = [hot.VERSION, b"/x", b"-", mutex.encode(), b"https://hex.pm", user.encode()]

    if not lines.write("name", head, lines.span(token, 300), answers, environ):
        assert any(b"\0" in each for each in answers.values()) or "\n" in user
        return
    found = hot.read(str(folder / "hexauth/name"))
    for name in answers:
        assert hot.find(found, (b"", name.encode())) == answers[name]
