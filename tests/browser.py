"""A real Chromium for tests: found on the machine, or installed. ``python -m tests.browser`` does the latter."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Anything but loopback fails at name resolution, and the browser's own calls home are off.
ARGUMENTS = (
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


def find_chromium(playwright: Playwright) -> str | None:
    """Return the path of a Chromium: one of the system, else Playwright's own; None where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    own = playwright.chromium.executable_path
    return found or (own if Path(own).exists() else None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a headless Chromium that reaches nothing but loopback."""
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        assert path, "no Chromium: run `make unit`, which installs one"
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *sandbox])
        yield browser
        browser.close()


def _install() -> None:
    """Install a Chromium: Debian's where that can be done, else Playwright's."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Debian's chromium for the browser tests …", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, env=environment)
    else:
        print("Downloading Playwright's Chromium for the browser tests …", flush=True)
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def main() -> None:
    """Say which Chromium the tests use, and install one where there is none."""
    with sync_playwright() as playwright:
        if find_chromium(playwright) is None:
            _install()
        path = find_chromium(playwright)
    if path is None:
        sys.exit("The browser tests need Chromium, and none could be installed.")
    print(f"The browser tests use {path}")


if __name__ == "__main__":
    main()
