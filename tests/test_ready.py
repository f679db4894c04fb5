"""Runs with every import made end as new processes do."""

from collections.abc import Callable

import pytest

from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve


@pytest.mark.parametrize(
    ("words", "give"),
    [
        (("hexauth", "status"), b""),
        (("hexauth", "status", "--json"), b""),
        (("hexauth", "stat\u00fcs"), b""),
        (("hexauth-bazel", "put"), b""),
        (("hexauth-bazel", "get"), b"{"),
        (("git-credential-hexauth", "get"), b"protocol=https\nhost=git.test\n"),
        (("docker-credential-hexauth", "get"), b"ghcr.test"),
    ],
    ids=str,
)
def test_a_prepared_run_ends_as_a_new_process_does(
    serve: Serve, machine: Callable[[Sandbox], Machine], words: tuple[str, ...], give: bytes
) -> None:
    here = machine(serve(approve_after=0))
    prepared = here.prepare(*words, give=give)

    assert vars(prepared) == vars(here.run(*words, give=give))
