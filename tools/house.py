"""How the package is divided: shares of its rooms, and how many files one answer passes through.

``python -m tools.house`` prints lines and files of each room, the share of ``adapters`` that imports what lies outside
(pydantic, files, the wire, formats of files), and the files that one serving estimate enters.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import llm_calc
from llm_calc.library import estimate

ROOT = Path(llm_calc.__file__).parent
OUTSIDE = frozenset(
    (
        *(
            "asyncio",
            "base64",
            "binascii",
            "contextvars",
            "csv",
            "gzip",
            "hashlib",
            "importlib",
            "io",
            "json",
            "mmap",
        ),
        *("os", "pathlib", "platform", "pyarrow", "pydantic", "struct", "tomllib", "urllib"),
    )
)
"""What translating modules import: frameworks, files and forms of data."""


def lines_by_room() -> dict[str, tuple[int, int]]:
    """Files and lines of each room of the package [rows]."""
    found: dict[str, tuple[int, int]] = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).parts
        room = parts[0] if len(parts) > 1 else "ways in"
        files, lines = found.get(room, (0, 0))
        found[room] = (files + 1, lines + len(path.read_text(encoding="utf-8").splitlines()))
    return found


def share_outside() -> float:
    """The share of the lines of ``adapters`` in files that import the outside, or types of the wire [1]."""
    inside = outside = 0
    for path in (ROOT / "adapters").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        translates = any(
            name.split(".")[0] in OUTSIDE or ".wire." in f"{name}." for name in _imports(ast.parse(text))
        )
        inside, outside = inside + len(text.splitlines()), outside + translates * len(text.splitlines())
    return outside / inside


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def files_of_an_estimate() -> list[str]:
    """Files of ``adapters`` and ``core`` that one serving estimate enters, the second time it is asked."""
    entered: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            entered.add(frame.f_code.co_filename)

    for output in (128, 129):
        sys.setprofile(note if output == 129 else None)
        estimate(
            model={"name": "llama-3.1-8b"},
            hardware={"gpu": "h100-80gb-sxm"},
            workload={"input_tokens": 1024, "output_tokens": output, "concurrency": 8},
        )
    sys.setprofile(None)
    rooms = (str(ROOT / "adapters"), str(ROOT / "core"))
    return sorted(str(Path(name).relative_to(ROOT)) for name in entered if name.startswith(rooms))


def main() -> None:
    """Prints the figures."""
    rooms = lines_by_room()
    total = sum(lines for _, lines in rooms.values())
    for room, (files, lines) in sorted(rooms.items(), key=lambda each: -each[1][1]):
        print(f"{room:12} {files:4} files {lines:6} lines {lines / total:6.1%}")
    print(f"of adapters, lines in files that import the outside or the wire: {share_outside():.0%}")
    print(f"files that one serving estimate enters: {len(files_of_an_estimate())}")


if __name__ == "__main__":
    main()
