"""A server and a proxy before it, for as long as the test takes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.proxy.parts import Answer, Origin, Proxy, proxying

Behind = Callable[..., tuple[Proxy, Origin]]


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Behind]:
    """Start a server that says these answers, and a proxy before it that has an API key for it."""
    with ExitStack() as stack:

        def start(*answers: Answer, **environ: str) -> tuple[Proxy, Origin]:
            origin = stack.enter_context(Origin(*answers))
            surroundings = {
                "HEX_API_URL": f"{origin.url}/api",
                "HEX_API_KEY": "key",
                "HEX_HTTP_TIMEOUT": "20",
                **environ,
            }
            return stack.enter_context(proxying(tmp_path, surroundings)), origin

        yield start
