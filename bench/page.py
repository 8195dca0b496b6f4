"""The page in a real browser: how soon it answers, how long an update takes at a quarter of the processor's speed.

Prints medians over runs, in milliseconds, beside the sizes of its files.
"""

import gzip
import statistics
from pathlib import Path

from playwright.sync_api import Page

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


def _kib(files: list[Path]) -> str:
    return f"{sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) / 1024:.1f} KiB"


def main() -> None:
    """Print sizes and times; a Chromium is installed where there is none."""
    install_chromium()
    own = STATIC / "page"
    sizes = {
        "third-party scripts": _kib([STATIC / "vendor/page/libraries.js"]),
        "own scripts": _kib(sorted(own.glob("*.js"))),
        "style": _kib(sorted(own.glob("*.css"))),
    }
    print("page, compressed: " + ", ".join(f"{name} {size}" for name, size in sizes.items()))
    with running() as service:
        for times in (1, SLOWER):
            found = _measure(service, times)
            print(
                f"page, processor {times}x slower: verdict {found['ready']:.0f} ms after navigation, "
                f"edit to verdict {found['edit']:.0f} ms, a chart redrawn {found['redraw']:.0f} ms, "
                f"layout shift {found['layout shift']:.3f}"
            )


if __name__ == "__main__":
    main()
