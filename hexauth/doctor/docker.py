"""Docker and podman: which helpers they ask, and passwords that they keep in plain text."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from hexauth.doctor.case import Case
from hexauth.doctor.finding import Finding, ok, problem, warning
from hexauth.errors import UsageError
from hexauth.machine.folders import base_folder, home_folder
from hexauth.machine.programs import find_program
from hexauth.machine.rewriting import read
from hexauth.tools import docker_config

PROGRAM = "docker-credential-hexauth"

SECRETS = ("auth", "password", "identitytoken", "registrytoken")
"""What a login is kept as in plain text, or base64 (docker-login(1))."""


def look(case: Case) -> Iterator[Finding]:
    """Yield what each of their files says; docker's own is mentioned even if it is not there."""
    docker, *others = _files(case)
    yield from _file(case, docker)
    for path in dict.fromkeys(others):
        if path.exists():
            yield from _file(case, path)


def _files(case: Case) -> list[Path]:
    """Return docker's file, and those of podman and skopeo (containers-auth.json(5))."""
    environ, home = case.environ, home_folder(case.environ)
    podman = [
        environ.get("REGISTRY_AUTH_FILE"),
        environ.get("XDG_RUNTIME_DIR") and f"{environ['XDG_RUNTIME_DIR']}/containers/auth.json",
        str(base_folder(environ, "XDG_CONFIG_HOME") / "containers/auth.json"),
    ]
    docker = Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    return [docker, *(Path(each) for each in podman if each)]


def _file(case: Case, path: Path) -> Iterator[Finding]:
    try:
        content = read(path)
        found = docker_config.load(content)
    except (OSError, UsageError):
        text = f"{path} cannot be read, or is not as docker writes it."
        yield problem("configuration", text, "Put it in order, or move it away.")
        return
    if content is None:
        yield ok("configuration", f"There is none at {path}.")
        return
    yield ok("configuration", f"{path}: {', '.join(_helpers(found)) or 'no helper'}.")
    if docker_config.has(content) and not find_program(PROGRAM, case.environ, case.platform):
        yield problem(
            "hexauth for docker",
            f"{path} names {PROGRAM}, which is not in PATH.",
            f"Put {case.programs} into PATH.",
        )
    auths = found.get("auths")
    plain = [
        str(host).rpartition("@")[2]
        for host, facts in (auths.items() if isinstance(auths, Mapping) else ())
        if isinstance(facts, Mapping) and any(facts.get(each) for each in SECRETS)
    ]
    if plain:
        hosts = ", ".join(plain)
        yield warning(
            "plain text",
            f"{path} holds passwords that anybody who has the file can read: {hosts}.",
            f"Run `docker logout {plain[0]}`, `hexauth setup docker --host {plain[0]}`, and log in "
            "again.",
        )


def _helpers(found: Mapping[str, object]) -> Iterator[str]:
    if store := found.get(docker_config.STORE):
        yield f"{store} for all hosts"
    each = found.get(docker_config.KEY)
    for host, helper in each.items() if isinstance(each, Mapping) else ():
        yield f"{helper} for {host}"
