"""Bundle the page's third-party libraries into one file, and record what went into it.

``tools/page_libraries.toml`` names exact versions; every package that they bring is recorded in
``libraries.json`` beside the bundle, with version, licence and the integrity that npm checked. Once recorded, a package
whose integrity differs is refused. Run by ``make vendor``; nothing of it is needed to run the service.
"""

import json
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TARGET = HERE.parent / "src/llm_calc/api/static/vendor/page"
ENTRY = HERE / "page_libraries.js"
RECORD = TARGET / "libraries.json"


def installed(folder: Path, versions: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Install exact versions without running scripts; return what npm recorded of each package."""
    wanted = [f"{name}@{version}" for name, version in versions.items()]
    command = ["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", *wanted]
    subprocess.run(command, cwd=folder, check=True)
    lock = json.loads((folder / "node_modules/.package-lock.json").read_text())
    return {path.removeprefix("node_modules/"): entry for path, entry in lock["packages"].items()}


def checked(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Return version, licence and integrity of what goes into the bundle.

    Raises:
        ValueError: a recorded version has another integrity now.
    """
    known = json.loads(RECORD.read_text())["packages"] if RECORD.exists() else {}
    record = {
        name: {"version": entry["version"], "licence": entry["license"], "integrity": entry["integrity"]}
        for name, entry in sorted(found.items())
        if "esbuild" not in name
    }
    for name, entry in record.items():
        before = known.get(name)
        if before and before["version"] == entry["version"] and before["integrity"] != entry["integrity"]:
            raise ValueError(f"{name} {entry['version']}: integrity changed")
    return record


def main() -> None:
    """Write the bundle, the licences and the record."""
    pinned = tomllib.loads((HERE / "page_libraries.toml").read_text())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "package.json").write_text("{}")
        record = checked(installed(folder, pinned["libraries"] | pinned["bundler"]))
        shutil.copy(ENTRY, folder / "entry.js")
        options = ["--bundle", "--format=esm", "--minify", "--legal-comments=none", "--outfile=libraries.js"]
        subprocess.run(["node_modules/.bin/esbuild", "entry.js", *options], cwd=folder, check=True)
        TARGET.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "libraries.js", TARGET / "libraries.js")
        texts = [_licence(folder / "node_modules" / name, name) for name in record]
    (TARGET / "LICENSES.txt").write_text("\n".join(texts))
    made = {"bundler": pinned["bundler"], "options": options, "packages": record}
    RECORD.write_text(json.dumps(made, indent=2) + "\n")


def _licence(package: Path, name: str) -> str:
    found = next(iter(sorted(package.glob("LICENSE*"))), None)
    return f"== {name} ==\n{found.read_text() if found else 'see its package'}\n"


if __name__ == "__main__":
    main()
