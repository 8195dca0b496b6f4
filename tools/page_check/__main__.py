"""``python -m tools.page_check``: print what types and lint object to; exit with 1 if there is anything."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
STATIC = HERE.parents[1] / "src" / "llm_calc" / "api" / "static"
NODE_BIN = Path(sys.prefix) / "node" / "node_modules" / ".bin"
COMMANDS = (("tsc", "--project", "."), ("biome", "lint", "--error-on-warnings", "--config-path=.", "page"))


def laid_out(folder: Path) -> None:
    """Put the scripts into ``folder`` beside the types of the libraries, in place of their bundle."""
    shutil.copytree(STATIC / "page", folder / "page")
    (folder / "vendor" / "page").mkdir(parents=True)
    shutil.copy(HERE / "libraries.d.ts", folder / "vendor" / "page")
    for name in ("tsconfig.json", "biome.json"):
        shutil.copy(HERE / name, folder)


def objections() -> list[str]:
    """Return what each tool prints that does not pass."""
    with tempfile.TemporaryDirectory() as name:
        laid_out(Path(name))
        runs = [
            subprocess.run([NODE_BIN / tool, *options], cwd=name, capture_output=True, text=True, check=False)
            for tool, *options in COMMANDS
        ]
    return [run.stdout + run.stderr for run in runs if run.returncode]


def main() -> None:
    """Print the objections."""
    found = objections()
    print(*found, sep="\n", end="")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
