"""A tool that uses a token at a server which rejects every token, as git and docker would.

It gets a token, is rejected, says so to hexauth, tries once more, and gives up: exit code 1.
"""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import requests

API = os.environ["HEX_API_URL"]


def hexauth(*words: str, give: str = "") -> str:
    """Run hexauth, and return what it prints."""
    done = subprocess.run(
        ["hexauth", *words], input=give, capture_output=True, check=True, encoding="utf-8"
    )
    return done.stdout.strip()


def token() -> str:
    """Return the token that hexauth hands out."""
    return hexauth("get", "hexpm", "--format", "token", "--no-login")


def is_rejected(secret: str) -> bool:
    """Use `secret` once."""
    headers = {"Authorization": f"Bearer {secret}", "User-Agent": "tool/1"}
    return requests.get(f"{API}/users/me", headers=headers, timeout=60).status_code == 401


first = token()
sys.stderr.write("ready\n")
sys.stderr.flush()
sys.stdin.readline()
if is_rejected(first):
    place = urlsplit(API)
    request = f"protocol={place.scheme}\nhost={place.netloc}\nusername=oauth2\npassword={first}\n"
    hexauth("erase", give=request)
    if is_rejected(token()):
        sys.exit("The server rejects every token.")
