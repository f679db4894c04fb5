"""What those who wait go by; what they hear is shown in tests/cli/test_cli_news.py."""

from hexauth.errors import LoginRequired
from hexauth.memory.waiting import LOGIN_REQUIRED


def test_that_nobody_is_logged_in_has_the_exit_code_of_its_error() -> None:
    assert LoginRequired.exit_code == LOGIN_REQUIRED
