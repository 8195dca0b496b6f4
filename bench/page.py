"""The page in a real browser: how soon it answers, how long an update takes at a quarter of the processor's speed.

Medians over runs, beside the sizes of its files.
"""

import gzip
import statistics
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

from playwright.sync_api import Page

from bench._figures import Figure, report
from llm_calc.api.pages import STATIC
from tests.browser import chromium
from tests.browser import main as install_chromium
from tests.process import Service, running

RUNS = 7
SLOWER = 4
READY = """() => new Promise((done) => {
  const look = () => {
    const verdict = document.querySelector(".verdict[aria-busy=false] .figure");
    if (verdict && /[0-9]/.test(verdict.textContent)) done(performance.now()); else requestAnimationFrame(look);
  };
  look();
})"""
# From a keystroke to the new answer on the screen; the wait for the next key is part of it.
EDIT = """async (value) => {
  const field = document.getElementById("f-o"), figure = document.querySelector(".tile:nth-child(5) .figure");
  const before = figure.textContent, start = performance.now();
  field.value = value;
  field.dispatchEvent(new Event("input", {bubbles: true}));
  while (figure.textContent === before && performance.now() - start < 10000) await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""
# From a press to the frame after the next: the curves of one chart drawn anew.
REDRAW = """async () => {
  document.querySelector("#throughput").scrollIntoView();
  const buttons = document.querySelectorAll("section:has(#throughput) .choices button"), start = performance.now();
  for (const button of buttons) {
    button.click();
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
  return (performance.now() - start) / buttons.length;
}"""
SHIFT = """() => new Promise((done) => {
  let sum = 0;
  const add = (each) => { if (!each.hadRecentInput) sum += each.value; };
  new PerformanceObserver((list) => list.getEntries().forEach(add))
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(sum), 500);
})"""


def _slow_down(page: Page, times: int) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": times})


def _measure(service: Service, times: int) -> dict[str, float]:
    found: dict[str, list[float]] = {"ready": [], "edit": [], "redraw": [], "layout shift": []}
    with chromium() as browser:
        for _ in range(RUNS):
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            _slow_down(page, times)
            page.goto(service.url)
            found["ready"].append(page.evaluate(READY))
            page.wait_for_timeout(1500)
            found["layout shift"].append(page.evaluate(SHIFT))
            found["edit"].append(
                statistics.median(page.evaluate(EDIT, str(at)) for at in (256, 1024, 300, 900, 400))
            )
            page.wait_for_timeout(500)
            found["redraw"].append(page.evaluate(REDRAW))
            page.close()
    return {name: statistics.median(values) for name, values in found.items()}


def _kib(files: list[Path]) -> float:
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) / 1024


WORDS = {
    "ready": "from navigation to the verdict",
    "edit": "from an edit to the verdict",
    "redraw": "a chart drawn anew",
    "layout shift": "layout shift",
}


def measure() -> Iterator[Figure]:
    """Yield sizes and times; a Chromium is installed where there is none."""
    with redirect_stdout(sys.stderr):
        install_chromium()
    own = STATIC / "page"
    sizes = {
        "third-party scripts": [STATIC / "vendor/page/libraries.js"],
        "own scripts": sorted(own.glob("*.js")),
        "style": sorted(own.glob("*.css")),
    }
    for name, files in sizes.items():
        yield Figure(title=f"page, {name}, compressed", value=_kib(files), unit="KiB")
    with running() as service:
        for times in (1, SLOWER):
            for name, value in _measure(service, times).items():
                title = f"page, processor {times}x slower: {WORDS[name]}"
                yield Figure(title=title, value=value, unit="" if name == "layout shift" else "ms")


if __name__ == "__main__":
    report(measure)
