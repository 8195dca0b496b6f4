"""Catalogs that were read once are kept for the next process, and count only as long as nothing has changed."""

import os
import pickle
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from llm_calc.adapters.all_catalogs import SOUND, load_all_catalogs
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.files import catalog_root
from llm_calc.adapters.catalog.kept import _modules, cache_folder, keep, kept
from llm_calc.adapters.catalog.load import KEPT, load_catalogs
from llm_calc.api.settings import Settings

DIGEST = "0" * 64
ASK = (
    "import sys; from llm_calc.adapters.all_catalogs import load_all_catalogs; found = load_all_catalogs(); "
    "print('llm_calc.adapters.engine_catalog' in sys.modules, found.digest, "
    "found.gpu('NVIDIA H100 SXM').id, found.model('meta-llama/Llama-3.1-8B').name)"
)


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
    assert {file.name for file in folder.iterdir()} == {KEPT, SOUND}


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


@pytest.mark.parametrize("content", [b"", b"x" * 10, b"x" * 100])
def test_a_file_that_is_broken_is_not_there(folder: Path, content: bytes) -> None:
    keep("some", DIGEST, [1])
    (folder / "some").write_bytes(content)
    assert kept("some", DIGEST) is None
    keep("some", DIGEST, [2])
    whole = (folder / "some").read_bytes()
    (folder / "some").write_bytes(whole[:-3])
    assert kept("some", DIGEST) is None


def test_a_file_that_others_may_write_is_not_read(folder: Path) -> None:
    keep("some", DIGEST, [1])
    (folder / "some").chmod(0o666)
    assert kept("some", DIGEST) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_read(folder: Path) -> None:
    keep("some", DIGEST, [1])
    os.chown(folder / "some", 65534, 65534)
    assert kept("some", DIGEST) is None


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_folder_that_others_may_write_is_neither_read_nor_written(folder: Path, mode: int) -> None:
    keep("some", DIGEST, [1])
    folder.chmod(mode)
    assert kept("some", DIGEST) is None
    keep("other", DIGEST, [2])
    assert [file.name for file in folder.iterdir()] == ["some"]


def test_a_folder_that_is_a_link_is_neither_read_nor_written(folder: Path) -> None:
    keep("some", DIGEST, [1])
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to(folder.with_name("elsewhere"))
    assert kept("some", DIGEST) is None
    keep("other", DIGEST, [2])
    assert [file.name for file in folder.iterdir()] == ["some"]


def test_a_file_that_is_a_link_or_no_file_is_not_read(folder: Path) -> None:
    keep("some", DIGEST, [1])
    (folder / "some").rename(folder / "elsewhere")
    (folder / "some").symlink_to(folder / "elsewhere")
    os.mkfifo(folder / "pipe", 0o600)
    assert kept("some", DIGEST) is None
    assert kept("pipe", DIGEST) is None
    assert kept("elsewhere", DIGEST) == [1]


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
    assert [file.name for file in folder.iterdir()] == ["some"]


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
