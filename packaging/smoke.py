"""Logs in with an installed hexauth at a sandbox, with a file vault; gets a token; logs out.

It needs nothing but hexauth with its extra `sandbox`, and runs on every platform.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox


def main() -> None:
    """Raise CalledProcessError, with what was said above it, if a command does not work."""
    with (
        tempfile.TemporaryDirectory() as home,
        Sandbox(Options(interval=0.1, rate_limit=None, approve_after=0)) as sandbox,
    ):
        environ = {
            **os.environ,
            "HEX_API_URL": sandbox.api_url,
            "HEXAUTH_HOME": str(Path(home, "hexauth")),
            "HEXAUTH_VAULT": "file",
            "NO_PROXY": "127.0.0.1",
        }
        program = shutil.which("hexauth", path=sysconfig.get_path("scripts"))
        if program is None:
            sys.exit("There is no program hexauth.")

        def run(*words: str) -> str:
            return subprocess.run(
                [program, *words], env=environ, check=True, text=True, stdout=subprocess.PIPE
            ).stdout

        sys.stdout.write(run("--version"))
        run("login", "--no-browser")
        token = run("get", "hexpm", "--format", "token", "--no-login").strip()
        if sandbox.hexpm.authenticate(f"Bearer {token}") is None:
            sys.exit("The server does not take what hexauth gives.")
        run("logout")
        sys.stdout.write("Logged in, answered, logged out.\n")


if __name__ == "__main__":
    main()
