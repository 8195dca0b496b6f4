"""The documentation as it is built: complete, whole in itself, without any other host."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

from sphinx.util.inventory import InventoryFile

from tools.doc_examples import DOCS, ROOT
from tools.formulas import formulas

ASSETS = {"script": "src", "img": "src", "source": "src", "iframe": "src", "link": "href", "object": "data"}
FOREIGN = re.compile(r"^(https?:)?//")
CSS_ADDRESS = re.compile(r"(?:@import|url\()\s*[\"']?((?:https?:)?//[^\"')\s]+)")


class Page(HTMLParser):
    """What a page loads, where it links to, which anchors it has, and tables that cannot scroll."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.assets: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.loose_tables = 0
        self._within: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {given["id"] or ""} if "id" in given else set()
        if given.get(ASSETS.get(tag, "")) and given.get("rel") not in ("index", "search", "next", "prev"):
            self.assets.append(given[ASSETS[tag]] or "")
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        if tag == "div":
            self._within.append(given.get("class") or "")
        if tag == "table" and not any("table-wrapper" in each for each in self._within):
            self.loose_tables += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            self._within.pop()


def broken_links(pages: dict[Path, Page], root: Path) -> Iterator[str]:
    """Yield the links within the documentation that lead nowhere."""
    for path, page in pages.items():
        for address in page.links:
            target, anchor = urldefrag(unquote(address))
            if FOREIGN.match(address) or address.startswith("mailto:"):
                continue
            file = (path.parent / target).resolve() if target else path
            known = file in pages and (not anchor or anchor in pages[file].anchors)
            if not known and not (not anchor and file.is_file()):
                yield f"{path.relative_to(root)}: {address}"


def test_documentation_is_whole(tmp_path: Path) -> None:
    """Built as ``make docs`` builds it; one test, since the build takes seconds."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(DOCS), str(tmp_path)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    pages = {path: Page(path) for path in sorted(tmp_path.rglob("*.html"))}
    assert len(pages) > 30

    loaded = {address for page in pages.values() for address in page.assets}
    styles = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.css")]
    assert [address for address in loaded if FOREIGN.match(address)] == []
    assert [address for style in styles for address in CSS_ADDRESS.findall(style)] == []

    assert list(broken_links(pages, tmp_path)) == []
    assert {path.name: page.loose_tables for path, page in pages.items() if page.loose_tables} == {}

    inventory = InventoryFile.loads((tmp_path / "objects.inv").read_bytes(), uri="")
    shown = {name for kind in inventory.data.values() for name in kind}
    assert {formula.name for formula in formulas()} - shown == set()


def test_links_of_the_readme_lead_somewhere() -> None:
    readme = ROOT / "README.md"
    linked = re.findall(r"\]\(([^)#]+)", readme.read_text(encoding="utf-8"))
    local = [address for address in linked if not FOREIGN.match(address)]
    assert len(local) > 5
    assert [address for address in local if not (ROOT / address).exists()] == []
