"""Fetch the third-party browser files named in vendor.toml through npm and record what was fetched.

Each table of vendor.toml becomes a folder of ``src/llm_calc/api/static/vendor``. ``versions.json`` beside the
folders records package, version, licence, the archive's integrity and the SHA-256 of every file.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).with_name("vendor.toml")
TARGET = Path(__file__).parents[1] / "src/llm_calc/api/static/vendor"


def fetch(package: str, version: str, folder: Path) -> Path:
    """Download a package's archive into ``folder`` with npm, running none of its scripts."""
    command = ["npm", "pack", "--silent", "--ignore-scripts", f"{package}@{version}"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tgz")
    return archive


def integrity_of(archive: Path) -> str:
    """Return the integrity of a file as npm writes it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()


def vendor(name: str, source: dict[str, Any]) -> dict[str, Any]:
    """Replace the folder of one package and return its record.

    Raises:
        ValueError: the archive is not the one whose integrity is written down.
    """
    folder = TARGET / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        archive = fetch(source["package"], source["version"], Path(temporary))
        integrity = integrity_of(archive)
        if source["integrity"] not in ("", integrity):
            raise ValueError(f"{name}: integrity is {integrity}, {source['integrity']} is written down")
        with tarfile.open(archive) as opened:
            for path in source["files"]:
                member = opened.extractfile(f"package/{path}")
                assert member is not None, f"{name}: {path} is no file"
                (folder / Path(path).name).write_bytes(member.read())
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    recorded = {key: source[key] for key in ("package", "version", "licence")}
    return {**recorded, "integrity": integrity, "sha256": digests}


if __name__ == "__main__":
    sources = tomllib.loads(SOURCES.read_text())
    records = {name: vendor(name, source) for name, source in sources.items()}
    (TARGET / "versions.json").write_text(json.dumps(records, indent=2) + "\n")
