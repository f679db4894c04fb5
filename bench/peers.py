"""The programs that hexauth is measured beside, each given a secret as long as the token."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.measure import Program

HOST = "git.example.com"
URL = f"https://{HOST}"
REQUEST = f"protocol=https\nhost={HOST}\n\n".encode()


def told_by_git(secret: str) -> bytes:
    """Return what git tells a helper to store."""
    return f"protocol=https\nhost={HOST}\nusername=me\npassword={secret}\n\n".encode()


def told_by_docker(secret: str) -> bytes:
    """Return what docker tells a helper to store."""
    return json.dumps({"ServerURL": URL, "Username": "me", "Secret": secret}).encode()


def installed(
    environ: Mapping[str, str], folder: Path, scripts: Path, secret: str
) -> Iterator[Program]:
    """Yield each peer that is here, after storing `secret` in it; `folder` is for their files."""
    expected = secret.encode()

    def give(words: list[str], data: bytes) -> None:
        subprocess.run(words, input=data, env=environ, check=True, capture_output=True, timeout=60)

    if git := shutil.which("git"):
        (folder / "socket").mkdir(mode=0o700, exist_ok=True)
        for name, options in (
            ("store", ["--file", str(folder / "git-credentials")]),
            ("cache", ["--socket", str(folder / "socket/s")]),
        ):
            words = [git, f"credential-{name}", *options]
            give([*words, "store"], told_by_git(secret))
            yield Program(f"git credential-{name}", [*words, "get"], environ, REQUEST, expected)
    if libsecret := libsecret_helper(folder):
        give([libsecret, "store"], told_by_git(secret))
        yield Program("git-credential-libsecret", [libsecret, "get"], environ, REQUEST, expected)
    if tool := shutil.which("secret-tool"):
        give([tool, "store", "--label", "bench", "service", "tool", "user", "me"], expected)
        words = [tool, "lookup", "service", "tool", "user", "me"]
        yield Program("secret-tool lookup", words, environ, b"", expected)
    if docker := shutil.which("docker-credential-secretservice"):
        give([docker, "store"], told_by_docker(secret))
        words = [docker, "get"]
        yield Program("docker-credential-secretservice", words, environ, URL.encode(), expected)
    if gh := shutil.which("gh"):
        words = [gh, "auth", "token"]
        yield Program("gh auth token", words, {**environ, "GH_TOKEN": secret}, b"", expected)
    keyring = scripts / "keyring"
    if keyring.exists():
        give([str(keyring), "set", "bench", "me"], expected)
        yield Program("keyring get", [str(keyring), "get", "bench", "me"], environ, b"", expected)


def libsecret_helper(folder: Path) -> str | None:
    """Return git's helper for libsecret: installed, or built from the source that git ships."""
    git = shutil.which("git")
    if git is None:
        return None
    exec_path = subprocess.run([git, "--exec-path"], capture_output=True, check=True)
    places = [Path(exec_path.stdout.decode().strip()), folder]
    for place in places:
        if found := shutil.which("git-credential-libsecret", path=str(place)):
            return found
    source = Path("/usr/share/doc/git/contrib/credential/libsecret/git-credential-libsecret.c")
    flags = ["pkg-config", "--cflags", "--libs", "libsecret-1", "glib-2.0"]
    if not source.exists() or not shutil.which("cc") or not shutil.which("pkg-config"):
        return None
    options = subprocess.run(flags, capture_output=True, check=False)
    target = folder / "git-credential-libsecret"
    words = ["cc", "-O2", "-o", str(target), str(source), *options.stdout.decode().split()]
    built = options.returncode == 0 and subprocess.run(words, check=False).returncode == 0
    return str(target) if built else None
