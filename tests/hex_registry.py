"""The real mix: registries that it has built, and applications that get packages from there.

Names of private packages, of the organization `acme`, are `private_names(3)`: acme_1, acme_2,
acme_3; those for everybody, of `hexpm`, are `public_names(2)`: common_1, common_2.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hexauth.sandbox.serve import Sandbox
from tests.conftest import need

ORGANIZATION = "acme"
VERSION = "1.0.0"
SECONDS = 120

REAL = Path(__file__).parent.parent.parent / "shared/real"
ARCHIVE = "hex-*.ez"

PROJECT = """\
defmodule {module}.MixProject do
  use Mix.Project

  def project do
    [
      app: :{app},
      version: "{version}",
      description: "A package of a test",
      package: [licenses: ["Apache-2.0"], links: %{{}}, files: ["lib", "mix.exs"]],
      aliases: [docs: &docs/1],
      deps: [{dependencies}]
    ]
  end

  defp docs(_) do
    File.mkdir_p!("doc")
    File.write!("doc/index.html", "docs")
  end
end
"""
"""A project whose documentation needs no further package: mix publishes it with the rest."""

BUILD = """\
[key | registries] = System.argv()

for registry <- registries do
  [name, root, sources] = String.split(registry, "\\n")

  for folder <- Path.wildcard(Path.join(sources, "*")) do
    app = Path.basename(folder)
    tar = Path.join([root, "tarballs", app <> "-{version}.tar"])

    Mix.Project.in_project(String.to_atom(app), folder, fn _ ->
      Mix.Task.rerun("hex.build", ["--output=" <> tar])
    end)
  end

  Mix.Task.rerun("hex.registry", ["build", root, "--name=" <> name, "--private-key=" <> key])
end
"""
"""Builds every package and registry in one process: starting mix takes longer than all of them."""


def private_names(number: int) -> list[str]:
    """Return the names of the first `number` packages of the organization."""
    return [f"{ORGANIZATION}_{n}" for n in range(1, number + 1)]


def public_names(number: int) -> list[str]:
    """Return the names of the first `number` packages for everybody."""
    return [f"common_{n}" for n in range(1, number + 1)]


def need_mix() -> Path:
    """Return the Hex archive for mix, which lies beside the project; skip without it.

    Without mix skip too, or fail where CI is set.
    """
    found = sorted(REAL.glob(ARCHIVE))
    if not found:
        pytest.skip(f"The Hex archive for mix is missing: put it at ../shared/real/{ARCHIVE}.")
    need("mix", "elixir")
    return found[0]


class Mix:
    """mix with the Hex archive, below `folder`; a registry is built once, however often asked for.

    Raises `AssertionError` if mix fails.
    """

    def __init__(self, folder: Path, archive: Path) -> None:
        self.folder = folder
        self._registries: dict[tuple[int, int], Path] = {}
        self._key = folder / "key.pem"
        self._key.write_bytes(_new_key())
        self._run("archive.install", "--force", str(archive))

    def registry(self, private: int = 1, public: int = 2) -> Path:
        """Return a folder for `--registry`, with this many packages; it is not to be changed."""
        known = self._registries.get((private, public))
        return known or self._build(private, public)

    def application(
        self, folder: Path, private: Sequence[str] = (), public: Sequence[str] = ()
    ) -> Path:
        """Make an application in `folder` that depends on these packages, and return the folder."""
        dependencies = [
            f'{{:{name}, "~> 1.0", organization: "{ORGANIZATION}"}}' for name in private
        ]
        dependencies += [f'{{:{name}, "~> 1.0"}}' for name in public]
        _write(folder, "consumer", dependencies)
        return folder

    def package(self, folder: Path, app: str) -> Path:
        """Make a package in `folder` that can be published, and return the folder."""
        _write(folder, app)
        return folder

    def environ(self, application: Path, sandbox: Sandbox | None = None) -> dict[str, str]:
        """Return what mix needs in an application: its homes, and no credential.

        With a sandbox it also says where its API and its registry are.
        """
        environ = {
            "MIX_HOME": str(self.folder / "mix"),
            "HEX_HOME": str(application / ".hex"),
            "HEX_UNSAFE_REGISTRY": "1",  # else it wants the signature of hex.pm
            "HEX_NO_VERIFY_REPO_ORIGIN": "1",
            "LANG": "C.UTF-8",
        }
        if sandbox is not None:
            environ["HEX_API_URL"] = sandbox.api_url
            if sandbox.repository_url is not None:
                environ["HEX_TRUSTED_MIRROR_URL"] = sandbox.repository_url
        return environ

    def _build(self, private: int, public: int) -> Path:
        root = self.folder / f"registry-{private}-{public}"
        sources = self.folder / f"sources-{private}-{public}"
        parts = [
            ("hexpm", root, public_names(public)),
            (ORGANIZATION, root / "repos" / ORGANIZATION, private_names(private)),
        ]
        told = []
        for name, home, packages in parts:
            (home / "tarballs").mkdir(parents=True)
            for package in packages:
                _write(sources / name / package, package)
            told.append(f"{name}\n{home}\n{sources / name}")
        script = self.folder / "build.exs"
        script.write_text(BUILD.replace("{version}", VERSION))
        self._run("run", "--no-mix-exs", str(script), str(self._key), *told)
        self._registries[private, public] = root
        return root

    def _run(self, *words: str) -> None:
        environ = {
            **self.environ(self.folder),
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "HEX_OFFLINE": "1",
        }
        done = subprocess.run(
            ["mix", *words],
            env=environ,
            cwd=self.folder,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done


def _write(folder: Path, app: str, dependencies: Sequence[str] = ()) -> None:
    """Write a project: its mix.exs, and a module."""
    module = app.title().replace("_", "")
    (folder / "lib").mkdir(parents=True)
    (folder / "lib/code.ex").write_text(f"defmodule {module} do\nend\n")
    (folder / "mix.exs").write_text(
        PROJECT.format(
            module=module, app=app, version=VERSION, dependencies=", ".join(dependencies)
        )
    )


def _new_key() -> bytes:
    return rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
