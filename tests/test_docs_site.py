"""The site is read without a warning, and opened in a browser, wide and narrow, light and dark."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import need
from tests.docs_pages import ROOT
from writers.site import build

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

SHOWN = (
    "docs/index.md",
    "docs/private-packages.md",
    "docs/settings.md",
    "docs/troubleshooting.md",
    "man/man1/hexauth-get.1",
)
"""The pages that are written and opened; the others are read alone, which is half of the work."""

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the site, and says nothing."""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  (its name)
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site, as far as it is opened: once, which takes seconds."""
    output = tmp_path_factory.mktemp("site")
    assert build(ROOT, output, SHOWN) == 0
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
            for name in SHOWN if width == 390 else SHOWN[:1]:
                page.goto(f"{address}/{Path(name).with_suffix('.html')}")
                if page.evaluate(OVERFLOW) > 0:
                    overflowing.append((name, width))
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            red = int(ground.partition("(")[2].partition(",")[0])
            assert (red < 128) == (scheme == "dark"), ground
            context.close()
        browser.close()

    assert (overflowing, said) == ([], [])
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
