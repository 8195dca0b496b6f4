"""The examples of the documentation as a reader meets them: files to write, commands to run, what they print.

A page is read from top to bottom. ``File `path`:`` before a block says that its text is that file,
``Append to `path`:`` that it goes to the file's end. A ``text`` block that follows a ``shell`` or ``python`` block is
what that one prints.
``make examples`` writes the printed text anew; a test compares it.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
WITHOUT_CURL = Path(__file__).with_name("without_curl")
DOCS = ROOT / "docs"
RECORDED = ("quickstart.md", "extending.md")
"""Pages whose examples show what they print."""
BY_HAND = ("git ", "make ", "docker ")
"""Commands that set up or start something for good: not run as examples, the build and other tests do that."""
ADDRESS = re.compile(r"(?:localhost|127\.0\.0\.1):8000")

_FENCE = re.compile(r"^```(?P<language>[a-z]+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"(File|Append to) `([^`\n]+)`[^\n]*\n\n\Z")
_TIME_LIMIT_S = 120


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block; ``start`` and ``end`` bound its text within the page."""

    language: str
    text: str
    start: int
    end: int
    file: str = ""
    appended: bool = False

    @property
    def is_run(self) -> bool:
        """Whether an example runs it."""
        if self.file:
            return False
        script = self.language == "python" and not self.text.startswith(">>>")
        return script or (self.language == "shell" and not self.text.startswith(BY_HAND))


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    found = []
    for fence in _FENCE.finditer(page):
        named = _FILE.search(page, 0, fence.start())
        found.append(
            Block(
                language=fence["language"],
                text=fence["text"],
                start=fence.start("text"),
                end=fence.end("text"),
                file=named[2] if named else "",
                appended=bool(named and named[1] == "Append to"),
            )
        )
    return found


@dataclass(kw_only=True)
class Reader:
    """Somebody who follows a page in a folder of his own, beside a copy of the catalogs."""

    folder: Path
    address: str
    exports: list[str] = field(default_factory=list)

    def follow(self, page: str) -> Iterator[tuple[Block, str]]:
        """Yield each block that was run with what it printed."""
        for block in blocks(page):
            if block.file:
                self.write(block)
            elif block.is_run:
                yield block, self.run(block)

    def write(self, block: Block) -> None:
        """Write a file as the page shows it."""
        path = self.folder / block.file
        before = path.read_text(encoding="utf-8") if block.appended else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(before + block.text, encoding="utf-8")

    def run(self, block: Block) -> str:
        """Run a block in a shell or as a script and return its output without spaces at the ends of lines.

        Raises:
            AssertionError: it failed; with its output.
        """
        text = ADDRESS.sub(self.address, block.text)
        self.exports += [line for line in text.splitlines() if line.startswith("export ")]
        script = "\n".join([*self.exports, "python3 -" if block.language == "python" else text])
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            input=text if block.language == "python" else "",
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_TIME_LIMIT_S,
            check=False,
        )
        assert ended.returncode == 0, f"{block.text}\n{ended.stdout}\n{ended.stderr}"
        return "".join(f"{line.rstrip()}\n" for line in ended.stdout.strip("\n").splitlines())

    @property
    def _environment(self) -> dict[str, str]:
        own = str(Path(sys.executable).parent)
        # The last place is looked into where the machine has no curl of its own.
        path = os.pathsep.join((own, os.environ["PATH"], str(WITHOUT_CURL)))
        return {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1"}


def recorded(page: str, block: Block) -> Block | None:
    """Return the block that shows what ``block`` prints, if the page shows it."""
    after = next((each for each in blocks(page) if each.start > block.end), None)
    return after if after and after.language == "text" and not after.file else None


def rewritten(page: str, folder: Path, address: str) -> str:
    """Return a page with everything that its examples print written anew."""
    shutil.copytree(ROOT / "catalogs", folder / "catalogs")
    reader = Reader(folder=folder, address=address)
    changes = [(recorded(page, block), printed) for block, printed in reader.follow(page)]
    for shown, printed in reversed(changes):
        if shown:
            page = page[: shown.start] + printed + page[shown.end :]
    return page


def rewrite_all(address: str) -> None:
    """Write the recorded pages anew, with a service at ``address``."""
    for name in RECORDED:
        with tempfile.TemporaryDirectory() as folder:
            page = rewritten((DOCS / name).read_text(encoding="utf-8"), Path(folder), address)
        (DOCS / name).write_text(page, encoding="utf-8")
