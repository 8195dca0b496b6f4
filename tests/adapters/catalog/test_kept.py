"""Catalogs that were read once are kept for the next process, and count only as long as nothing has changed."""

import os
import pickle
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest

from llm_calc.adapters.all_catalogs import SOUND, load_all_catalogs
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.files import catalog_root
from llm_calc.adapters.catalog.kept import (
    MOST_VERSIONS,
    UNFINISHED,
    UNFINISHED_S,
    _modules,
    cache_folder,
    keep,
    kept,
)
from llm_calc.adapters.catalog.load import KEPT, load_catalogs
from llm_calc.api.settings import Settings

DIGEST = "0" * 64
ASK = (
    "import sys; from llm_calc.adapters.all_catalogs import load_all_catalogs; found = load_all_catalogs(); "
    "print('llm_calc.adapters.engine_catalog' in sys.modules, found.digest, "
    "found.gpu('NVIDIA H100 SXM').id, found.model('meta-llama/Llama-3.1-8B').name)"
)


WRITE = (
    "import sys; from llm_calc.adapters.catalog.kept import keep, kept\n"
    "for turn in range(40): keep('some', sys.argv[1] * (turn % 4 + 1), list(range(20_000)))\n"
    "print(kept('some', sys.argv[1] * (39 % 4 + 1)) in (None, list(range(20_000))))"
)
"""Writes and reads; where others write eight newer ones in between, what was written is gone, as it should be."""


def file_of(folder: Path, kind: str = "some") -> Path:
    """The one file of a kind."""
    (found,) = folder.glob(f"{kind}-*")
    return found


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "llm-calc"


def asked(**variables: str) -> list[str]:
    ended = subprocess.run(
        (sys.executable, "-c", ASK),
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.split()


def test_the_second_process_reads_no_file_again_and_answers_the_same(folder: Path) -> None:
    first, second = asked(), asked()
    assert (first[0], second[0]) == ("True", "False")
    assert first[1:] == second[1:]
    assert sorted(file.name.partition("-")[0] for file in folder.iterdir()) == [KEPT, SOUND]


def test_what_is_kept_is_what_was_read() -> None:
    load_catalogs.cache_clear()
    read = load_catalogs()
    load_catalogs.cache_clear()
    again = load_catalogs()
    assert again is not read
    for part in fields(Catalogs):
        if not part.name.endswith("_names"):
            assert getattr(again, part.name) == getattr(read, part.name), part.name
    assert again.gpu_names.names == read.gpu_names.names
    assert again.model_names.names == read.model_names.names
    assert all(again.gpu_entry(entry.id) is entry for entry in again.gpu_entries)


def test_only_the_same_catalogs_find_it() -> None:
    keep("some", DIGEST, [1])
    assert kept("some", DIGEST) == [1]
    assert kept("some", "1" * 64) is None
    assert kept("other", DIGEST) is None


def test_versions_keep_theirs_beside_each_other_and_the_oldest_goes(folder: Path) -> None:
    digests = [f"{number:064d}" for number in range(MOST_VERSIONS + 3)]
    for age, digest in enumerate(digests):
        keep("some", digest, digest)
        keep("other", digest, age)
        newest = max(folder.glob("some-*"), key=lambda file: file.stat().st_mtime_ns)
        os.utime(newest, (10**9 + age, 10**9 + age))
        if age:
            # What is read is used: it stays, whenever it was written.
            assert kept("some", digests[0]) == digests[0]
    assert len(list(folder.glob("some-*"))) == len(list(folder.glob("other-*"))) == MOST_VERSIONS
    held = [digest for digest in digests if kept("some", digest) == digest]
    assert held == [digests[0], *digests[-(MOST_VERSIONS - 1) :]]


def test_what_earlier_releases_kept_goes_as_the_oldest(folder: Path) -> None:
    keep("some", DIGEST, [1])
    (folder / "some").touch()
    os.utime(folder / "some", (10**9, 10**9))
    for number in range(MOST_VERSIONS):
        keep("some", str(number), [number])
    assert not (folder / "some").exists()


def test_what_a_killed_process_left_is_removed_later(folder: Path) -> None:
    keep("some", DIGEST, [1])
    left, fresh = folder / f"{UNFINISHED}left", folder / f"{UNFINISHED}fresh"
    for file, age_s in ((left, UNFINISHED_S + 60), (fresh, 0.0)):
        file.touch()
        os.utime(file, (time.time() - age_s,) * 2)
    keep("some", DIGEST, [2])
    assert (left.exists(), fresh.exists()) == (False, True)
    assert kept("some", DIGEST) == [2]


def test_processes_that_write_at_once_leave_whole_files_and_no_more_than_are_kept(folder: Path) -> None:
    running = [
        subprocess.Popen((sys.executable, "-c", WRITE, name), stdout=subprocess.PIPE, text=True)
        for name in "abc"
    ]
    said = [process.communicate()[0].strip() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert said == ["True"] * 3
    names = [file.name for file in folder.iterdir()]
    held = [kept("some", name * times) for name in "abc" for times in range(1, 5)]
    assert [each for each in held if each is not None] == [list(range(20_000))] * len(names)
    assert 0 < len(names) <= MOST_VERSIONS
    assert not [name for name in names if name.startswith(UNFINISHED)]


@pytest.mark.parametrize("content", [b"", b"x" * 10, b"x" * 100])
def test_a_file_that_is_broken_is_not_there(folder: Path, content: bytes) -> None:
    keep("some", DIGEST, [1])
    file_of(folder).write_bytes(content)
    assert kept("some", DIGEST) is None
    keep("some", DIGEST, [2])
    whole = file_of(folder).read_bytes()
    file_of(folder).write_bytes(whole[:-3])
    assert kept("some", DIGEST) is None


def test_a_file_that_others_may_write_is_not_read(folder: Path) -> None:
    keep("some", DIGEST, [1])
    file_of(folder).chmod(0o666)
    assert kept("some", DIGEST) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_read(folder: Path) -> None:
    keep("some", DIGEST, [1])
    os.chown(file_of(folder), 65534, 65534)
    assert kept("some", DIGEST) is None


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_folder_that_others_may_write_is_neither_read_nor_written(folder: Path, mode: int) -> None:
    keep("some", DIGEST, [1])
    folder.chmod(mode)
    assert kept("some", DIGEST) is None
    keep("other", DIGEST, [2])
    assert list(folder.iterdir()) == [file_of(folder)]


def test_a_folder_that_is_a_link_is_neither_read_nor_written(folder: Path) -> None:
    keep("some", DIGEST, [1])
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to(folder.with_name("elsewhere"))
    assert kept("some", DIGEST) is None
    keep("other", DIGEST, [2])
    assert list(folder.iterdir()) == [file_of(folder)]


def test_a_file_that_is_a_link_or_no_file_is_not_read(folder: Path) -> None:
    keep("some", DIGEST, [1])
    file = file_of(folder)
    file.rename(folder / "elsewhere")
    file.symlink_to(folder / "elsewhere")
    assert kept("some", DIGEST) is None
    file.unlink()
    os.mkfifo(file, 0o600)
    assert kept("some", DIGEST) is None
    file.unlink()
    (folder / "elsewhere").rename(file)
    assert kept("some", DIGEST) == [1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_read(folder: Path) -> None:
    keep("some", DIGEST, [1])
    os.chown(folder, 65534, 65534)
    assert kept("some", DIGEST) is None


@pytest.mark.parametrize("said", ["false", "0", "No"])
def test_it_can_be_switched_off(folder: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    keep("some", DIGEST, [1])
    monkeypatch.setenv("LLM_CALC_KEEP_CATALOGS", said)
    assert not Settings().keep_catalogs
    assert kept("some", DIGEST) is None
    keep("other", DIGEST, [2])
    assert list(folder.iterdir()) == [file_of(folder)]


def test_a_module_that_changed_within_a_second_is_another_program(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("A = 1\n")
    os.utime(module, ns=(10**18, 10**18 + 1))
    first = list(_modules(str(tmp_path)))
    module.write_text("A = 2\n")
    os.utime(module, ns=(10**18, 10**18 + 2))
    assert list(_modules(str(tmp_path))) != first


def test_where_nothing_can_be_written_everything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a_file").touch()
    assert asked(XDG_CACHE_HOME=str(tmp_path / "a_file"))[0] == "True"


def test_what_cannot_be_kept_leaves_no_file_behind(folder: Path) -> None:
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        keep("some", DIGEST, lambda: None)
    assert list(folder.iterdir()) == []


def test_catalogs_of_another_folder_are_not_kept(tmp_path: Path, folder: Path) -> None:
    other = tmp_path / "catalogs"
    other.mkdir()
    for entry in catalog_root().iterdir():
        (other / entry.name).symlink_to(entry)
    load_all_catalogs(other)
    load_all_catalogs(None)
    load_catalogs.cache_clear()
    assert cache_folder() == folder


def test_the_home_folder_is_taken_where_no_other_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder() == Path("/home/somebody/.cache/llm-calc")
