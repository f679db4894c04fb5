from collections.abc import Iterator
from pathlib import Path

from hexauth.doctor.case import Case
from hexauth.doctor.examination import CHECKS, Check, examine
from hexauth.doctor.finding import Finding, ok, problem
from hexauth.errors import VaultError
from tests.doctor.patients import patient


def fine(case: Case) -> Iterator[Finding]:
    yield ok("fine", "It is.")


def broken(case: Case) -> Iterator[Finding]:
    yield ok("before", "It was.")
    raise RuntimeError("S3CRET")


def refused(case: Case) -> Iterator[Finding]:
    raise VaultError("It is locked.", hint="Unlock it.")
    yield


def test_a_check_that_fails_is_a_problem_and_stops_no_other(tmp_path: Path) -> None:
    checks = [Check("a", broken), Check("b", refused), Check("c", fine)]

    sections = examine(patient(tmp_path), checks)

    assert [section.findings for section in sections] == [
        (
            ok("before", "It was."),
            problem(
                "a",
                "This could not be looked at (RuntimeError).",
                "Please report it, with this whole report.",
            ),
        ),
        (problem("b", "It is locked.", "Unlock it."),),
        (ok("fine", "It is."),),
    ]


def test_the_users_folder_is_not_named(tmp_path: Path) -> None:
    home = tmp_path / "me"

    def look(case: Case) -> Iterator[Finding]:
        yield problem("x", f"{home}/a {home}: {home}.", f"rm {home}-else {home}2 '{home}'")

    (section,) = examine(patient(home), [Check("a", look)])

    assert section.findings == (problem("x", "~/a ~: ~.", f"rm {home}-else {home}2 '~'"),)


def test_what_needs_settings_waits_for_them(tmp_path: Path) -> None:
    checks = [Check("a", fine, needs_settings=True), Check("b", fine)]

    case = patient(tmp_path, fault=VaultError("No."))

    assert [section.heading for section in examine(case, checks)] == ["b"]


def test_every_check_has_a_heading_of_its_own() -> None:
    assert len({check.heading for check in CHECKS}) == len(CHECKS) == 11
