"""A digest of the catalogs' content: the same for the same files, wherever they lie."""

import hashlib
from pathlib import Path

SUFFIXES = frozenset({".toml", ".json", ".csv"})
SCHEMA = ".schema.json"
DIGITS = 8


def content_digest(root: Path, base: Path) -> str:
    """Eight hexadecimal digits that change with any file that answers rest on; see ``whole_digest``."""
    return whole_digest(root, base)[:DIGITS]


def whole_digest(root: Path, base: Path) -> str:
    """All digits.

    SHA-256 over names and contents in the order of the names; line ends count as one character, schemas for editors
    not at all. A directory or file that ``root`` lacks is taken from ``base``, the catalogs of the package.
    """
    entries = {path.name: path for folder in (base, root) for path in folder.iterdir()}
    digest = hashlib.sha256()
    for name in sorted(entries):
        for file in _files(entries[name]):
            path = f"{name}/{file.relative_to(entries[name]).as_posix()}"
            content = file.read_bytes().replace(b"\r\n", b"\n")
            digest.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def _files(entry: Path) -> list[Path]:
    """The files of an entry that hold data, by name."""
    found = sorted(entry.rglob("*")) if entry.is_dir() else [entry]
    return [file for file in found if file.suffix in SUFFIXES and not file.name.endswith(SCHEMA)]
