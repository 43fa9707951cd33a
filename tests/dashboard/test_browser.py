"""The app in a real Chromium: started by the command line, clicked, and silent in the console."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsed_runs import HOSTILE, ORDINARY, folder_of_runs, run_folder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'"
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium"),
]
WAIT = 20_000
"""Milliseconds: this machine may be busy."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dashboard.cli.main", "dashboard", "--runs", str(folder_of_runs())]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://localhost:{port}"
    try:
        _wait_for(f"{url}/_stcore/health")
        yield url
    finally:
        import os
        import signal

        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the app did not answer at {url}")


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


class Visit:
    """A page with what its console and network said."""

    def __init__(self, browser, url: str) -> None:
        self.page = browser.new_page(viewport={"width": 1400, "height": 1000})
        self.errors: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("dialog", lambda d: (self.errors.append(f"dialog {d.message}"), d.dismiss()))
        self.page.on("request", lambda r: None if self._ours(r.url) else self.strangers.append(r.url))
        self.page.goto(url)

    def _ours(self, url: str) -> bool:
        return url.startswith(("http://localhost:", "ws://localhost:", "data:", "blob:"))


def test_a_finding_leads_to_its_slice(browser, address: str) -> None:
    visit = Visit(browser, f"{address}/?run={run_folder(ORDINARY).name}")
    page = visit.page
    page.get_by_role("heading", name="Findings").wait_for(timeout=WAIT)
    page.get_by_text(f"False positive rate of people={HOSTILE}").first.wait_for(timeout=WAIT)
    page.get_by_role("button", name="See rows").first.click()
    page.get_by_role("heading", name="One slice").wait_for(timeout=WAIT)
    page.get_by_role("heading", name="Its rows").wait_for(timeout=WAIT)
    page.locator(".js-plotly-plot").first.wait_for(timeout=WAIT)
    page.wait_for_url("**/slices?*slice=people*", timeout=WAIT)
    assert "metric=fpr" in page.url
    assert page.locator("img[src='x']").count() == 0
    assert visit.errors == []
    assert visit.strangers == []


def test_a_copied_link_shows_the_same_slice_and_a_click_another(browser, address: str) -> None:
    query = f"run={run_folder(ORDINARY).name}&output=hired&attribute=sex&metric=fnr&slice=sex%3DM&view=gaps"
    visit = Visit(browser, f"{address}/slices?{query}")
    page = visit.page
    page.get_by_role("heading", name="One slice").wait_for(timeout=WAIT)
    page.locator(".js-plotly-plot .scatterlayer .point").first.wait_for(timeout=WAIT)
    assert "sex%3DM" in page.url or "sex=M" in page.url
    page.get_by_text("Rows 1").first.wait_for(timeout=WAIT)
    page.wait_for_timeout(500)
    for dot in page.locator(".js-plotly-plot .scatterlayer .point").all()[:2]:
        box = dot.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(300)
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(1000)
        if page.url.count("sex%3DF") or page.url.count("sex=F"):
            break
    page.wait_for_url(lambda url: "sex%3DF" in url or "sex=F" in url, timeout=WAIT)
    # Streamlit looks for two of its files below the page's own path first, and finds them one level up.
    assert [e for e in visit.errors if "404" not in e] == []
    assert visit.strangers == []


def test_tools_draw_in_the_browser(browser, address: str) -> None:
    visit = Visit(browser, f"{address}/?run={run_folder(ORDINARY).name}&output=hired")
    page = visit.page
    page.get_by_role("link", name="Slices").click()
    for tool in ("Crossings", "Calibration", "What if", "Impact ratios", "Composition", "All slices"):
        page.get_by_role("button", name=tool).or_(page.get_by_role("radio", name=tool)).first.click(
            timeout=WAIT
        )
        page.get_by_text("What it shows").or_(page.get_by_text("slices listed")).first.wait_for(timeout=WAIT)
    assert visit.errors == []
