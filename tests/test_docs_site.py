"""The site is built without a warning, and opened in a browser, wide and narrow, light and dark."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from hexauth.world.settings import SETTINGS
from tests.conftest import need
from tests.docs_pages import ROOT
from writers.site import PATTERNS, build

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the site, and says nothing."""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  (its name)
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site: once, which takes seconds."""
    output = tmp_path_factory.mktemp("site")
    assert build(ROOT, output) == 0
    return output


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Serve the site on loopback."""
    handler = functools.partial(Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_site_is_whole_and_can_be_read_on_any_screen(site: Path, address: str) -> None:
    """One test, so that one worker builds the site, once."""
    chromium = need("chromium", "chromium")
    pages = {path for pattern in PATTERNS for path in ROOT.glob(pattern)}
    html = {site / path.relative_to(ROOT).with_suffix(".html") for path in pages}

    assert {path for path in html if not path.is_file()} == set()
    settings = (site / "docs/settings.html").read_text("utf-8")
    assert [each.name for each in SETTINGS if f">{each.name}</span>" not in settings] == []

    asked: list[str] = []
    said: list[str] = []
    overflowing = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        for width, scheme in ((390, "light"), (1280, "dark")):
            context = browser.new_context(
                viewport={"width": width, "height": 800},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            page = context.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            for name in (
                "docs/index.html",
                "docs/private-packages.html",
                "man/man1/hexauth-get.html",
            ):
                page.goto(f"{address}/{name}")
                if page.evaluate(OVERFLOW) > 0:
                    overflowing.append((name, width))
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            red = int(ground.partition("(")[2].partition(",")[0])
            assert (red < 128) == (scheme == "dark"), ground
            context.close()
        browser.close()

    assert (overflowing, said) == ([], [])
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
