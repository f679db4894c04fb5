"""Sandboxes on loopback, and the few requests that most tests begin with."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from hexauth.hex import CLIENT_ID
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def serve() -> Iterator[Callable[..., Sandbox]]:
    """Start a sandbox with the given options; it is stopped at the end of the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Sandbox(Options(**options)))


@pytest.fixture
def post() -> Callable[..., requests.Response]:
    """Send a form to an OAuth endpoint, as the Hex command line's client."""

    def send(sandbox: Sandbox, endpoint: str, **form: str) -> requests.Response:
        whole = {"client_id": CLIENT_ID, **form}
        return requests.post(f"{sandbox.api_url}/oauth/{endpoint}", data=whole, timeout=10)

    return send


@pytest.fixture
def poll(post: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
    """Ask for the tokens of a grant."""
    return lambda sandbox, device_code: post(
        sandbox, "token", grant_type=DEVICE_CODE, device_code=device_code
    )


@pytest.fixture
def log_in(
    post: Callable[..., requests.Response], poll: Callable[..., requests.Response]
) -> Callable[..., dict[str, Any]]:
    """Log in through an approved grant, and return the token answer."""

    def act(sandbox: Sandbox, name: str = "vm") -> dict[str, Any]:
        grant = post(sandbox, "device_authorization", scope="api repositories", name=name).json()
        found = sandbox.hexpm.find(grant["user_code"])
        assert found is not None
        sandbox.hexpm.answer(found, approve=True)
        answer: dict[str, Any] = poll(sandbox, grant["device_code"]).json()
        return answer

    return act


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return where Chromium is; a test without it is skipped, but not in continuous integration."""
    found = shutil.which("chromium")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("Chromium is missing: install the package `chromium`.")
    if found is None:
        pytest.skip("Chromium is missing: install the package `chromium`.")
    return found
