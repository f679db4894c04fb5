"""Runs with every import made end as new processes do."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve, outcome
from tests.ready import Ended, suits
from tests.waiting import until


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
    here.is_anew = True

    assert outcome(prepared) == outcome(here.run(*words, give=give))


@pytest.mark.parametrize(
    ("program", "more", "expected"),
    [
        ("hexauth", {}, True),
        ("hexauth", {"HEXAUTH_VAULT": "keyring"}, True),
        ("hexauth", {"LC_ALL": "C"}, False),
        ("hexauth", {"LANG": "C"}, False),
        ("hexauth", {"LD_PRELOAD": "/usr/lib/faketime"}, False),
        ("hexauth", {"PYTHONUTF8": "0"}, False),
        ("hexauth", {"TZ": "UTC"}, False),
        ("git", {}, False),
    ],
)
def test_what_python_looks_at_when_it_starts_makes_a_start_necessary(
    program: str, more: dict[str, str], expected: bool
) -> None:
    assert suits(program, {"PATH": "/bin", "LANG": "C.UTF-8", **more}) is expected


@pytest.mark.anew
def test_a_mark_starts_programs_anew(serve: Serve, machine: Callable[[Sandbox], Machine]) -> None:
    here = machine(serve())

    assert not isinstance(here.run("hexauth", "--version"), Ended)


def test_without_a_mark_they_are_prepared_but_while_another_one_runs(
    serve: Serve, machine: Callable[[Sandbox], Machine], request: pytest.FixtureRequest
) -> None:
    """That one may end only when this one has."""
    if request.config.getoption("--anew"):
        pytest.skip("--anew")
    sandbox = serve()
    here = machine(sandbox)
    with ThreadPoolExecutor(1) as pool:
        login = pool.submit(here.run, "hexauth", "login", "--no-browser")
        until(lambda: sandbox.hexpm.grants() != [])
        status = here.run("hexauth", "status")
        sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=True)

    assert [type(each) for each in (login.result(), status)] == [
        Ended,
        subprocess.CompletedProcess,
    ]
