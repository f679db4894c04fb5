"""Writes the Homebrew formula: what requirements/runtime.txt names becomes its resources.

`python supply/homebrew.py PYLOCK [ARCHIVE]`, see scripts/homebrew. Without a source archive the
formula's own hash stays a placeholder, with which Homebrew installs nothing.
"""

import hashlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parent.parent

FORMULA = ROOT / "packaging/homebrew/hexauth.rb"

OF_HOMEBREW = ("certifi", "cffi", "cryptography", "pycparser")
"""What Homebrew has as formulae of its own, and builds once for everybody."""

ELSEWHERE = ("python_full_version < '3.12'", "sys_platform == 'win32'")
"""Markers of what Homebrew's Python, on macOS and Linux, does not need."""

SOURCES = "https://files.pythonhosted.org/packages/source"

PLACEHOLDER = "0" * 64

TEMPLATE = """\
# Written by scripts/homebrew.
class Hexauth < Formula
  include Language::Python::Virtualenv

  desc "One login for everything that talks to Hex"
  homepage "https://pypi.org/project/hexauth/"
  url "{url}"
  sha256 "{sha256}"
  license "Apache-2.0"

  depends_on "certifi"
  depends_on "cryptography"
  depends_on "python@3.13"

{resources}
  def install
    virtualenv_install_with_resources
    bash_completion.install "completions/hexauth.bash" => "hexauth"
    zsh_completion.install "completions/_hexauth"
    fish_completion.install "completions/hexauth.fish"
    Dir["man/**/*.[1-9]"].each {{ |page| (man/"man#{{page[-1]}}").install page }}
  end

  test do
    assert_match version.to_s, shell_output("#{{bin}}/hexauth --version")
    ENV["HEXAUTH_HOME"] = testpath/"hexauth"
    ENV["HEXAUTH_VAULT"] = "file"
    pipe_output("#{{bin}}/git-credential-hexauth store",
                "protocol=https\\nhost=git.test\\nusername=me\\npassword=secret\\n", 0)
    answer = pipe_output("#{{bin}}/git-credential-hexauth get",
                         "protocol=https\\nhost=git.test\\n", 0)
    assert_match "password=secret", answer
  end
end
"""


def wanted(requirements: str) -> dict[str, tuple[str, str]]:
    """Return what a list of requirements names for Homebrew: each name's version and marker."""
    found = re.findall(r"^([\w.-]+)==(\S+)(?: ; (.*?))? \\$", requirements, re.MULTILINE)
    return {
        name: (version, marker)
        for name, version, marker in found
        if name not in OF_HOMEBREW and marker not in ELSEWHERE
    }


def resources(requirements: str, pylock: dict[str, Any]) -> Iterator[str]:
    """Yield a block for each resource. Raises `ValueError` where the two do not agree."""
    archives = {each["name"]: each for each in pylock["packages"]}
    on_linux = []
    for name, (version, marker) in wanted(requirements).items():
        package = archives[name]
        source = package["sdist"]
        sha256 = source["hashes"]["sha256"]
        if package["version"] != version or f"sha256:{sha256}" not in requirements:
            raise ValueError(f"{name} {version} is not what pylock.toml has.")
        file = Path(urlsplit(source["url"]).path).name
        block = [
            f'resource "{name}" do',
            f'  url "{SOURCES}/{name[0]}/{name}/{file}"',
            f'  sha256 "{sha256}"',
            "end",
        ]
        if marker:
            on_linux.append(block)
        else:
            yield "".join(f"  {line}\n" for line in block)
    lines = [line for block in on_linux for line in ("", *block)][1:]
    inner = "".join(f"    {line}\n" if line else "\n" for line in lines)
    yield f"  on_linux do\n{inner}  end\n"


def formula(requirements: str, pylock: dict[str, Any], version: str, sha256: str) -> str:
    """Return the text of the formula for a `version` whose source archive has this hash."""
    return TEMPLATE.format(
        url=f"{SOURCES}/h/hexauth/hexauth-{version}.tar.gz",
        sha256=sha256,
        resources="\n".join(resources(requirements, pylock)),
    )


def main(pylock: str, archive: str = "") -> None:
    """Write the formula."""
    code = (ROOT / "hexauth/__init__.py").read_text()
    (version,) = re.findall(r'^__version__ = "(.*)"$', code, re.MULTILINE)
    sha256 = hashlib.sha256(Path(archive).read_bytes()).hexdigest() if archive else PLACEHOLDER
    requirements = (ROOT / "requirements/runtime.txt").read_text()
    locked = tomllib.loads(Path(pylock).read_text())
    FORMULA.parent.mkdir(parents=True, exist_ok=True)
    FORMULA.write_text(formula(requirements, locked, version, sha256))


if __name__ == "__main__":
    main(*sys.argv[1:])
