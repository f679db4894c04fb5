"""Whether the programs that are found in PATH are this installation's."""

import os
from collections.abc import Iterator
from pathlib import Path

from hexauth.doctor.case import Case
from hexauth.doctor.finding import Finding, ok, warning
from hexauth.machine.programs import find_program

NAMES = ("hexauth", "git-credential-hexauth", "docker-credential-hexauth", "hexauth-bazel")


def look(case: Case) -> Iterator[Finding]:
    """Yield for each program where it is found, and whether it is ours."""
    for name in NAMES:
        found, own = find_program(name, case.environ, case.platform), case.programs / name
        if found is None:
            yield warning(name, "It is not in PATH.", f"Put {case.programs} there.")
        elif os.path.realpath(found) == os.path.realpath(own) or not own.exists():
            yield ok(name, found)
        else:
            yield warning(
                name,
                f"{found} comes first in PATH; it is of another installation than {own}.",
                f"Remove that one, or put {Path(own).parent} before it in PATH.",
            )
