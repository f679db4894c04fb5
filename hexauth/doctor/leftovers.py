"""Logins that other programs still keep in plain text."""

import re
from collections.abc import Iterator
from pathlib import Path

from hexauth.doctor.case import Case
from hexauth.doctor.finding import Finding, ok, warning
from hexauth.machine.folders import home_folder
from hexauth.servers.targets import hex_origins
from hexauth.tools.kept import KEPT, find
from hexauth.world.urls import split_url

ENCRYPTED = (KEPT["$write_key"], KEPT["$encrypted_key"])


def look(case: Case) -> Iterator[Finding]:
    """Yield each, and what to do about it; never the secret itself."""
    count = 0
    for secret in find(case.environ):
        count += 1
        text = f"{secret.path}: {secret.what}."
        if secret.what in ENCRYPTED:
            yield ok(secret.program, text)
            continue
        if secret.secret:
            advice = "Run `hexauth import --yes --remove`, which takes it over."
        else:
            advice = f"Log out with {secret.program} itself, or put its file in order."
        yield warning(secret.program, text, advice)
    for path, host in _netrc(case):
        count += 1
        text = f"{path}: a password for {host}, which curl and git send by themselves."
        yield warning("netrc", text, "Remove it there by hand.")
    if not count:
        yield ok("plain text", "None of mix, rebar3, gleam, git and ~/.netrc keeps a login here.")


def _netrc(case: Case) -> Iterator[tuple[Path, str]]:
    """Yield the files that name one of Hex's hosts, with it (netrc(5))."""
    home = home_folder(case.environ)
    places = [case.environ.get("NETRC"), home / ".netrc", home / "_netrc"]
    hosts = [split_url(each)[1].partition(":")[0] for each in hex_origins(case.settings)]
    for path in dict.fromkeys(Path(each) for each in places if each):
        try:
            words = path.read_text("utf-8", "replace")
        except OSError:
            continue
        for host in re.findall(r"(?:^|\s)machine\s+(\S+)", words):
            if host.lower() in hosts:
                yield path, host.lower()
