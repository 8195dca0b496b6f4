"""The package's catalogs as one compact file in the user's cache, for the next process to read in place of them.

Several versions and checkouts of the program keep theirs beside each other: a file's name says whose it is, and of each
kind those that were used last stay. It counts only where the content of every catalog file, the modules of the package
and the versions of Python and pydantic are those with which it was written, which is after all checks; else they are
read and checked anew.
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
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

import pydantic

from llm_calc import __version__

PACKAGE = Path(__file__).resolve().parents[2]
ADMINISTRATOR = 0
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
SWITCH = "LLM_CALC_KEEP_CATALOGS"
MOST_VERSIONS = 8
"""Files of one kind that stay beside each other, of as many versions, checkouts or contents of the catalogs."""
UNFINISHED = ".unfinished-"
"""How the name of a file begins until it is whole."""
UNFINISHED_S = 3600.0
"""Age from which on such a file is what a process that was killed left behind [s]."""
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
    versions = (__version__, sys.version, pydantic.VERSION)
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
    key = _key(digest)
    with (
        contextlib.suppress(Exception),
        _own_folder() as folder,
        _opened(_file_name(name, key), folder) as file,
    ):
        if file.read(len(key)) != key:
            return None
        found: object = pickle.load(file)  # noqa: S301 - written by this user with this program
        _used(file)
        return found
    return None


def _used(file: BinaryIO) -> None:
    """Give an opened file the present time, so that it is not among the oldest; an administrator's cannot take it."""
    with contextlib.suppress(OSError, TypeError):
        os.utime(file.fileno() if os.utime in os.supports_fd else file.name)


def keep(name: str, digest: str, value: object) -> None:
    """Keep a value, where the folder can be written and nobody else may write it."""
    if not is_on():
        return
    with contextlib.suppress(OSError, RuntimeError):
        folder = cache_folder()
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _own_folder():
            written = _write(folder, name, _key(digest), value)
            _remove_oldest(folder, name, written)


def _write(folder: Path, name: str, key: bytes, value: object) -> Path:
    """The file, which is there whole or not at all, whoever writes it at the same time."""
    number, path = tempfile.mkstemp(dir=folder, prefix=UNFINISHED)
    written = folder / _file_name(name, key)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(key + pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
        Path(path).chmod(0o644)
        Path(path).replace(written)
    except BaseException:
        Path(path).unlink()
        raise
    return written


def _remove_oldest(folder: Path, name: str, written: Path) -> None:
    """Leave the file just written and those of its kind that were used last; nothing unfinished stays for long."""
    old_s = time.time() - UNFINISHED_S
    with os.scandir(folder) as entries:
        found = {entry.path: used for entry in entries if (used := _used_s(entry)) is not None}
    stale = [path for path, used in found.items() if Path(path).name.startswith(UNFINISHED) and used < old_s]
    # Earlier releases called theirs by the kind alone.
    kind = [path for path in found if Path(path).name.partition("-")[0] == name and path != str(written)]
    last = sorted(kind, key=lambda path: found[path], reverse=True)
    for path in (*stale, *last[MOST_VERSIONS - 1 :]):
        with contextlib.suppress(OSError):
            Path(path).unlink()


def _used_s(entry: "os.DirEntry[str]") -> float | None:
    """When a file was last written or read [s]; None where another process has removed it."""
    with contextlib.suppress(OSError):
        return entry.stat(follow_symlinks=False).st_mtime
    return None


def _file_name(name: str, key: bytes) -> str:
    """A kind, and what stands for the program and the content of the catalogs."""
    return f"{name}-{key.hex()[:16]}"


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
