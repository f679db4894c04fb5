"""Homes in which somebody is logged in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hexauth.sandbox.serve import Sandbox
from hexauth.vault.home import Home
from tests import homes

Make = Callable[[Sandbox], Home]


@pytest.fixture
def home(tmp_path: Path) -> Make:
    """Return a function that makes a home with a login at a sandbox."""

    def make(sandbox: Sandbox) -> Home:
        found = homes.home(tmp_path, {"HEX_API_URL": sandbox.api_url})
        homes.log_in(found, sandbox)
        return found

    return make
