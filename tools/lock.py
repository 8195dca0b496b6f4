"""Pin requirements/*.in into requirements/*.txt: hashes, no addresses, every platform at once."""

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "requirements"
COMPILE = (
    *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--upgrade"),
    *("--universal", "--python-version", "3.11", "--fork-strategy", "fewest"),
    *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header"),
)


def pin(name: str, *constraints: str) -> None:
    """Write ``name.txt`` from ``name.in``, at the versions that the ``constraints`` already pin."""
    limits = [part for other in constraints for part in ("--constraint", f"{other}.txt")]
    command = [*COMPILE, f"{name}.in", *limits, "--output-file", f"{name}.txt"]
    subprocess.run(command, cwd=REQUIREMENTS, check=True)


if __name__ == "__main__":
    pin("build")
    pin("runtime")
    pin("dev", "runtime", "build")
    pin("clients")
