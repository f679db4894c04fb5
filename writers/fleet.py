"""The page of what becomes of two hosts, as the walk of `tests/login/fleet_plans.py` finds it.

`python -m writers.fleet` writes it.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.login.fleet_ends import ENDS
from tests.login.fleet_model import LOGIN, REFRESH, Fleet
from tests.login.fleet_plans import KINDS, column

PAGE = Path(__file__).resolve().parent.parent / "docs" / "fleet_interleavings.md"

BEGIN, END = "<!-- the walk of two hosts -->", "<!-- end of the walk -->"
"""Between them stands what is written here."""

TITLES = {
    REFRESH: "Both need the token renewed",
    LOGIN: "Nobody is logged in, and both may ask",
}

WORDS = {
    "lock": "take the database's lock",
    "unlock": "leave the lock",
    "write record": "write the record",
    "write refresh": "write the refresh token, in a transaction",
    "write access": "write the access token, in the same one",
    "commit": "commit",
    "send refresh_token": "send the refresh token",
    "hear refresh_token": "hear the new token",
    "send device_authorization": "ask for a code",
    "hear device_authorization": "hear the code",
    "send device_code": "poll with the code",
    "hear device_code": "hear what came of it",
    "send me": "ask whose token it is",
    "hear me": "hear whose it is",
}


def columns(fleet: Fleet, job: str) -> Mapping[str, Mapping[int, str]]:
    """Return, for each thing that can happen, what it ends in before each step."""
    return {what: column(fleet, job, what) for what in KINDS}


def table(fleet: Fleet, job: str) -> str:
    """Return the table of a job, in Markdown: a row for each step."""
    found, steps = columns(fleet, job), fleet.steps(job)
    rows = [["", "before it can", *KINDS], ["---"] * (2 + len(KINDS))]
    for number in sorted({step for each in found.values() for step in each}):
        ends = [found[what].get(number, "") for what in KINDS]
        rows.append([str(number), WORDS[steps[number]], *ends])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def made(fleet: Fleet) -> str:
    """Return what stands between the marks."""
    kinds = [f"- **{what}**: {words}" for what, words in KINDS.items()]
    ends = [f"- **{letter}**: {words}" for letter, words in ENDS.items()]
    tables = [f"### {TITLES[job]}\n\n{table(fleet, job)}" for job in TITLES]
    return "\n\n".join(["\n".join(kinds), "It ends in:", "\n".join(ends), *tables])


def written(text: str, job: str, what: str) -> Mapping[int, str]:
    """Return what the page says of one thing that can happen in a job."""
    part = text.partition(f"### {TITLES[job]}\n")[2].partition("###")[0].partition(END)[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in _rows(part)]
    place = rows[0].index(what)
    return {int(row[0]): row[place] for row in rows[2:] if row[place]}


def _rows(part: str) -> list[str]:
    return [line for line in part.splitlines() if line.startswith("|")]


def main() -> None:
    """Write the page anew, what stands around the marks left as it is."""
    text = PAGE.read_text("utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    with tempfile.TemporaryDirectory(prefix="hx-fleet-", dir="/dev/shm") as folder:
        found = made(Fleet(Path(folder)))
    PAGE.write_text(f"{before}{BEGIN}\n\n{found}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
