"""The recipes for a fleet: the one for docker compose is run, as processes; the others are read."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psycopg
import pytest
import yaml

from hexauth.sandbox.serve import Sandbox
from hexauth.world import values
from hexauth.world.settings import SETTINGS
from tests.as_postgres import binaries
from tests.conftest import SECONDS, Machine, Process, Serve, need
from tests.docs_pages import ROOT, calls, parse
from tests.postgres import Postgres
from tests.waiting import until

RECIPES = ROOT / "packaging/fleet"

COMPOSE = yaml.safe_load((RECIPES / "compose.yaml").read_text())
KUBERNETES = yaml.safe_load((RECIPES / "kubernetes.yaml").read_text())
RUNNERS = yaml.safe_load((RECIPES / "github-runners.yaml").read_text())
CONTAINER = json.loads((RECIPES / "devcontainer.json").read_text())

SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]
BUILDERS = sorted(name for name in SERVICES if name.startswith("builder-"))


def container(recipe: Any) -> Any:
    """Return the one container of the Deployment."""
    (only,) = recipe["spec"]["template"]["spec"]["containers"]
    return only


ENVIRONS: Mapping[str, Mapping[str, str]] = {
    **{f"compose {name}": SERVICES[name].get("environment", {}) for name in SERVICES},
    "kubernetes": {each["name"]: each["value"] for each in container(KUBERNETES)["env"]},
    "runners": RUNNERS["jobs"]["build"]["env"],
    "dev container": CONTAINER["containerEnv"],
}
"""The variables that each recipe sets."""


@dataclass
class Compose:
    """What docker compose would make of the file: each service is a process with a home."""

    folder: Path
    memory: Path
    server: Postgres
    sandbox: Sandbox

    def start(self, service: str, command: str = "") -> Process:
        """Start a service, or another command in its place."""
        facts = SERVICES[service]
        home, memory = self.folder / service, self.memory / service
        home.mkdir(exist_ok=True)
        memory.mkdir(mode=0o700, exist_ok=True)
        machine = Machine(home, self.sandbox.api_url)
        for name in ("HEXAUTH_HOME", "HEXAUTH_VAULT"):
            del machine.environ[name]
        mapped = {name: self._here(facts, value) for name, value in facts["environment"].items()}
        environ = {**mapped, "XDG_RUNTIME_DIR": str(memory)}
        return machine.start(*shlex.split(command or facts["command"]), environ=environ)

    def _here(self, facts: Mapping[str, Any], value: str) -> str:
        """Return `value` with the paths that the service's secrets and volumes have here."""
        for secret in facts["secrets"]:
            file = self.folder / COMPOSE["secrets"][secret]["file"]
            value = value.replace(f"/run/secrets/{secret}", str(file))
        for volume in facts["volumes"]:
            name, path, *_ = volume.split(":")
            assert name == "socket"
            value = value.replace(f"host={path}", f"host={self.server.folder}")
        return value

    def run(self, service: str, command: str = "") -> str:
        """Run a service to its end, which is a good one; return what it prints."""
        return ended(self.start(service, command))


def ended(process: Process) -> str:
    """Return what a process has printed, which has ended well."""
    with process:
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err.decode()
    return out.decode()


def settings(command: str) -> dict[str, str]:
    """Return the settings that the database's command names."""
    program, *words = shlex.split(command)
    assert program == "postgres"
    assert set(words[::2]) == {"-c"}
    return dict(word.split("=", 1) for word in words[1::2])


@pytest.fixture
def compose(tmp_path: Path, memory: str, serve: Serve) -> Iterator[Compose]:
    """Start the database as the image would, with its volumes in folders of the test's."""
    need("postgres", "postgresql", path=binaries())
    facts = SERVICES["database"]
    (tmp_path / "passphrase").write_text("open sesame\n")
    with Postgres(fast=True, settings=settings(facts["command"])) as server:
        database = facts["environment"]["POSTGRES_DB"]
        server.create_database(database)
        for volume in facts["volumes"]:
            source, path, *_ = volume.split(":")
            if path.startswith("/docker-entrypoint-initdb.d/"):
                server.sql((RECIPES / source).read_text(), database)
        yield Compose(tmp_path, Path(memory), server, serve())


def test_compose_file_makes_builders_that_share_one_login(compose: Compose) -> None:
    sandbox = compose.sandbox
    log_in(compose)

    seen = all_at_once(compose)
    tokens = all_at_once(compose, "hexauth get hexpm --format token")

    assert [json.loads(each)["username"] for each in seen] == [sandbox.options.user] * 3
    assert len(set(tokens)) == 1
    counts = sandbox.journal.counts()
    assert (counts["device_authorization"], counts["prompts"], counts["refresh"]) == (1, 1, 0)


def test_builders_of_the_compose_file_refresh_once_and_leave_no_connection(
    compose: Compose,
) -> None:
    log_in(compose)
    all_at_once(compose)
    compose.sandbox.hexpm.reject_access_tokens()

    seen = all_at_once(compose)

    assert [json.loads(each)["username"] for each in seen] == [compose.sandbox.options.user] * 3
    counts = compose.sandbox.journal.counts()
    assert (counts["prompts"], counts["refresh"]) == (1, 1)
    until(lambda: compose.server.connections("hexauth") == 0)


def test_builder_of_the_compose_file_can_be_shut_out(compose: Compose) -> None:
    compose.run("init")
    compose.server.sql("ALTER ROLE builders NOLOGIN")

    with compose.start("builder-1") as builder:
        _, err = builder.communicate(timeout=SECONDS)

    assert (builder.returncode, b"does not let this role in" in err) == (7, True), err.decode()


def log_in(compose: Compose) -> None:
    """Run `init`, twice as a second `up` does, and `login`, which a person approves."""
    compose.run("init")
    compose.run("init")
    login = compose.start("login")
    until(lambda: bool(compose.sandbox.hexpm.grants()) or login.poll() is not None)
    page = f"{compose.sandbox.url}/sandbox/approve"
    with urlopen(Request(page, data=b"", method="POST")) as answer:  # noqa: S310  (on loopback)
        assert answer.status == 200
    ended(login)


def all_at_once(compose: Compose, command: str = "") -> list[str]:
    """Return what the builders print, of which all are started before the first has ended."""
    with ExitStack() as stack:
        started = [stack.enter_context(compose.start(name, command)) for name in BUILDERS]
        return [ended(each) for each in started]


def test_services_of_the_compose_file_begin_in_their_order() -> None:
    waits = {name: SERVICES[name].get("depends_on", {}) for name in SERVICES}

    assert len(BUILDERS) == 3
    assert waits["init"] == {"database": {"condition": "service_healthy"}}
    for name in (*BUILDERS, "login"):
        assert waits[name] == {"init": {"condition": "service_completed_successfully"}}


def test_volumes_and_secrets_of_the_compose_file_are_declared() -> None:
    for facts in SERVICES.values():
        sources = [volume.split(":")[0] for volume in facts["volumes"]]
        for source in sources:
            assert source in COMPOSE["volumes"] or (RECIPES / source).is_file()
        assert set(facts.get("secrets", [])) <= set(COMPOSE["secrets"])


@pytest.mark.parametrize(("process", "code"), [("1", 0), ("57", 1)])
def test_database_of_the_compose_file_is_well_once_the_image_has_made_it(
    compose: Compose, process: str, code: int
) -> None:
    need("pg_isready", "postgresql")
    (compose.folder / "postmaster.pid").write_text(f"{process}\n/data\n")
    health = SERVICES["database"]["healthcheck"]["test"].replace("$$", "$")
    surroundings = {"PGDATA": str(compose.folder), "PGHOST": str(compose.server.folder)}

    done = subprocess.run(
        ["sh", "-c", health], env={**os.environ, **surroundings}, capture_output=True, check=False
    )

    assert done.returncode == code, done.stderr


def test_database_of_the_compose_file_listens_to_its_socket_alone() -> None:
    assert settings(SERVICES["database"]["command"])["listen_addresses"] == ""
    assert "ports" not in SERVICES["database"]


@pytest.mark.parametrize("name", ENVIRONS)
def test_variables_of_a_recipe_are_known(name: str) -> None:
    ours = {variable for each in SETTINGS for variable in each.variables}
    theirs = {each.envvar.decode() for each in psycopg.pq.Conninfo.get_defaults() if each.envvar}
    theirs |= {"PGPASSFILE", "PGSERVICEFILE"}
    others = {"HOME", "POSTGRES_DB", "POSTGRES_USER", "POSTGRES_HOST_AUTH_METHOD"}

    assert set(ENVIRONS[name]) - ours - theirs - others == set()


@pytest.mark.parametrize(
    "url", sorted({each["HEXAUTH_VAULT"] for each in ENVIRONS.values() if "HEXAUTH_VAULT" in each})
)
def test_vault_of_a_recipe_is_a_database_that_is_here_or_has_its_name_checked(url: str) -> None:
    facts = psycopg.conninfo.conninfo_to_dict(values.vault(url))

    assert facts["dbname"] == "hexauth"
    assert facts.get("sslmode") == "verify-full" or str(facts["host"]).startswith("/")
    assert (str(facts["host"]), facts["user"] == "postgres") != ("database.example.com", True)


def commands(name: str) -> list[str]:
    """Return what a recipe lets a shell or a container run, and what its comments tell to type."""
    if name == "compose":
        return [SERVICES[each]["command"] for each in SERVICES]
    if name == "kubernetes":
        comments = re.findall(r"-- (hexauth \w+)", (RECIPES / "kubernetes.yaml").read_text())
        return [shlex.join(container(KUBERNETES)["command"]), *comments]
    if name == "runners":
        return [each["run"] for each in RUNNERS["jobs"]["build"]["steps"] if "run" in each]
    return [CONTAINER["postCreateCommand"]]


@pytest.mark.parametrize("name", ["compose", "kubernetes", "runners", "dev container"])
def test_commands_of_a_recipe_are_hexauth_s(name: str) -> None:
    found = [words for command in commands(name) for words in calls(command)]

    assert found
    for words in found:
        parse(words)


def test_pods_run_as_nobody_else_and_mount_what_they_are_told_of() -> None:
    template = KUBERNETES["spec"]["template"]
    spec, only = template["spec"], container(KUBERNETES)
    mounts = {each["name"]: each["mountPath"] for each in only["volumeMounts"]}

    assert (KUBERNETES["apiVersion"], KUBERNETES["kind"]) == ("apps/v1", "Deployment")
    assert template["metadata"]["labels"] == KUBERNETES["spec"]["selector"]["matchLabels"]
    assert set(mounts) == {each["name"] for each in spec["volumes"]}
    assert spec["securityContext"]["runAsNonRoot"] is True
    for name in ("HEXAUTH_PASSPHRASE_FILE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"):
        assert os.path.dirname(ENVIRONS["kubernetes"][name]) in mounts.values()  # noqa: PTH120


def test_secrets_of_pods_are_made_by_the_commands_above_them() -> None:
    text = (RECIPES / "kubernetes.yaml").read_text()
    made = set(re.findall(r"kubectl create (?:secret \w+|configmap) (\S+)", text))
    volumes = KUBERNETES["spec"]["template"]["spec"]["volumes"]
    used = {each["secret"]["secretName"] for each in volumes if "secret" in each}
    used |= {each["configMap"]["name"] for each in volumes if "configMap" in each}
    modes = {each["secret"]["defaultMode"] for each in volumes if "secret" in each}

    assert made == used
    assert modes == {0o440}  # libpq takes a key of root's that a group can read, and no more


def test_runners_are_of_one_s_own_and_build_no_pull_requests() -> None:
    job = RUNNERS["jobs"]["build"]

    assert "self-hosted" in job["runs-on"]
    assert set(RUNNERS[True]) == {"push"}  # `on` is a switch of YAML's


def test_dev_container_finds_what_it_mounts() -> None:
    (mount,) = CONTAINER["mounts"]
    facts = dict(part.split("=", 1) for part in mount.split(",") if "=" in part)

    paths = [value for value in ENVIRONS["dev container"].values() if value.startswith("/")]
    assert [path for path in paths if not path.startswith(f"{facts['target']}/")] == []
    assert "readonly" in mount.split(",")
