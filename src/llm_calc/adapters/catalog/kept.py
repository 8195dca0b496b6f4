"""The package's catalogs as one compact file in the user's cache, for the next process to read in place of them.

It counts only where the content of every catalog file, the modules of the package and the versions of Python and of the
libraries are those with which it was written, which is after all checks; else the catalogs are read and checked anew.
Nobody but the user and the system's administrator can have written it: file and folder are theirs, others may not write
them, and neither is a link; where one is not so it is as if the file were not there. ``LLM_CALC_KEEP_CATALOGS=false``
switches it off.
"""

import contextlib
import hashlib
import os
import pickle
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pydantic

from llm_calc import __version__

PACKAGE = Path(__file__).resolve().parents[2]
ADMINISTRATOR = 0
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
SWITCH = "LLM_CALC_KEEP_CATALOGS"
OFF = frozenset({"0", "off", "f", "false", "n", "no"})
"""What the service's settings read as no."""
NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
FOLDER = NO_LINK | getattr(os, "O_DIRECTORY", 0)
HAS_OWNERS = hasattr(os, "getuid")
"""Whether the system has owners and modes of files, and opens them by the folder that was looked at."""


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
                yield entry.path, found.st_size, found.st_mtime_ns


def is_on() -> bool:
    """Whether anything is kept at all."""
    return os.environ.get(SWITCH, "").strip().lower() not in OFF


def kept(name: str, digest: str) -> object | None:
    """What was kept under a name for catalogs of this digest by this very program; None where nothing was."""
    if not is_on():
        return None
    with contextlib.suppress(Exception), _own_folder() as folder, _opened(name, folder) as file:
        if file.read(len(_key(digest))) != _key(digest):
            return None
        found: object = pickle.load(file)  # noqa: S301 - written by this user with this program
        return found
    return None


def keep(name: str, digest: str, value: object) -> None:
    """Keep a value, where the folder can be written and nobody else may write it."""
    if not is_on():
        return
    with contextlib.suppress(OSError, RuntimeError):
        folder = cache_folder()
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _own_folder():
            _write(folder, name, _key(digest), value)


def _write(folder: Path, name: str, key: bytes, value: object) -> None:
    number, path = tempfile.mkstemp(dir=folder, prefix=f"{name}-")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(key + pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
        Path(path).chmod(0o644)
        Path(path).replace(folder / name)
    except BaseException:
        Path(path).unlink()
        raise


@contextlib.contextmanager
def _own_folder() -> Iterator[int | None]:
    """The folder, opened: no link, and nobody else's; None where the system knows no owners.

    Raises:
        OSError: it is not so, or not there.
    """
    if not HAS_OWNERS:
        yield None
        return
    number = os.open(cache_folder(), os.O_RDONLY | FOLDER)
    try:
        _check_own(number, stat.S_ISDIR)
        yield number
    finally:
        os.close(number)


def _opened(name: str, folder: int | None) -> BinaryIO:
    """The file of a name in the opened folder; raises as :func:`_own_folder`."""
    if folder is None:
        return (cache_folder() / name).open("rb")
    file = os.fdopen(os.open(name, os.O_RDONLY | NO_LINK, dir_fd=folder), "rb")
    try:
        _check_own(file.fileno(), stat.S_ISREG)
    except OSError:
        file.close()
        raise
    return file


def _key(digest: str) -> bytes:
    return hashlib.sha256(_program() + digest.encode()).digest()


def _check_own(number: int, is_kind: Callable[[int], bool]) -> None:
    """Refuse what is of another kind, not the user's or the administrator's, or may be written by others."""
    found = os.fstat(number)
    own = found.st_uid in {ADMINISTRATOR, os.getuid()} and not found.st_mode & OTHERS_WRITE
    if not (own and is_kind(found.st_mode)):
        raise PermissionError
