"""A digest of the catalogs' content: the same for the same files, wherever they lie."""

import hashlib
import os
from collections.abc import Iterator
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
        for parts, file in _files(entries[name]):
            with open(file, "rb") as opened:  # noqa: PTH123 - six hundred of them at each start
                content = opened.read().replace(b"\r\n", b"\n")
            path = "/".join((name, *(parts or ".")))
            digest.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def _files(entry: Path) -> list[tuple[tuple[str, ...], str]]:
    """The files of an entry that hold data, by their names within it, part by part."""
    if entry.is_dir():
        return sorted(_within(str(entry), ()))
    return [((), str(entry))] if _is_data(entry.name) else []


def _within(folder: str, parts: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _within(entry.path, (*parts, entry.name))
            elif _is_data(entry.name):
                yield (*parts, entry.name), entry.path


def _is_data(name: str) -> bool:
    return os.path.splitext(name)[1] in SUFFIXES and not name.endswith(SCHEMA)  # noqa: PTH122 - as above
