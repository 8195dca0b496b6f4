"""Runs the engines' own planning code on the catalog's architectures and writes how far the product agrees.

usage: python -m tools.conformance [--folder DIR] [--recorded]

Each engine is installed at its pinned release into DIR (default: build/conformance), in an environment of its own;
llama.cpp comes as a library, which npm fetches and ``tools.llama_cpp_dry_run`` asks.
``--recorded``: installs and runs nothing, and writes the page anew from what was recorded.
"""

import argparse
import sys
from pathlib import Path

from tools.conformance import record, vllm
from tools.conformance.page import write_page
from tools.llama_cpp_dry_run.__main__ import main as llama_cpp

ENGINES = {"vllm": vllm.results}
"""What runs an engine's own code in a folder and returns its rows, which are recorded under the engine's name."""


def main() -> int:
    """Runs, records, writes the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("build") / "conformance")
    parser.add_argument("--recorded", action="store_true")
    asked = parser.parse_args()
    if not asked.recorded:
        for name, results in ENGINES.items():
            record.write(name, results(asked.folder / name))
        llama_cpp((asked.folder / "llama.cpp").resolve())
    write_page()
    return 0


if __name__ == "__main__":
    sys.exit(main())
