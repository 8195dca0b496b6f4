"""The package's catalogs as one compact file in the user's cache, for the next process to read in place of them.

It counts only where the content of every catalog file, the modules of the package and the versions of Python and of the
libraries are those with which it was written, which is after all checks; else the catalogs are read and checked anew.
Nobody but the user and the system's administrator can have written it; where it or its folder is not as it should be it
is as if it were not there.
"""

import contextlib
import hashlib
import os
import pickle
import stat
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import pydantic

from llm_calc import __version__

PACKAGE = Path(__file__).resolve().parents[2]
ADMINISTRATOR = 0
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def cache_folder() -> Path:
    """Where files are kept: ``llm-calc`` in ``XDG_CACHE_HOME``, else in ``~/.cache``."""
    stated = os.environ.get("XDG_CACHE_HOME")
    return (Path(stated) if stated else Path.home() / ".cache") / "llm-calc"


@cache
def _program() -> bytes:
    """Stands for the program: versions, and size and time of each module."""
    versions = (__version__, sys.version, pydantic.VERSION, np.__version__)
    return hashlib.sha256(repr((versions, sorted(_modules(str(PACKAGE))))).encode()).digest()


def _modules(folder: str) -> Iterable[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _modules(entry.path)
            elif entry.name.endswith(".py"):
                found = entry.stat()
                yield entry.path, found.st_size, int(found.st_mtime)


def kept(name: str, digest: str) -> object | None:
    """What was kept under a name for catalogs of this digest by this very program; None where nothing was."""
    with contextlib.suppress(Exception), (cache_folder() / name).open("rb") as file:
        if not _is_own(file.fileno()) or file.read(len(_key(digest))) != _key(digest):
            return None
        found: object = pickle.load(file)  # noqa: S301 - written by this user with this program
        return found
    return None


def keep(name: str, digest: str, value: object) -> None:
    """Keep a value, where the folder can be written."""
    with contextlib.suppress(OSError, RuntimeError):
        folder = cache_folder()
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        number, path = tempfile.mkstemp(dir=folder, prefix=f"{name}-")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(_key(digest) + pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
            Path(path).chmod(0o644)
            Path(path).replace(folder / name)
        except BaseException:
            Path(path).unlink()
            raise


def _key(digest: str) -> bytes:
    return hashlib.sha256(_program() + digest.encode()).digest()


def _is_own(number: int) -> bool:
    """Whether a file is the user's or the administrator's, and nobody else may write it."""
    found = os.fstat(number)
    return not hasattr(os, "getuid") or (
        found.st_uid in {ADMINISTRATOR, os.getuid()} and not found.st_mode & OTHERS_WRITE
    )
