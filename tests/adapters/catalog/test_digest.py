"""The digest of the catalogs: the same for the same content, another for any other."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.catalog.digest import content_digest
from llm_calc.adapters.catalog.files import catalog_root
from tests.adapters.catalog.conftest import edit


@pytest.fixture
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(catalog_root(), tmp_path_factory.mktemp("whole") / "catalogs")


def test_a_copy_has_the_digest_of_the_original(whole: Path) -> None:
    original = load_catalogs().digest
    assert len(original) == 8
    assert content_digest(whole, catalog_root()) == original
    windows = whole / "api_prices.csv"
    windows.write_bytes(windows.read_bytes().replace(b"\n", b"\r\n"))
    (whole / "gpu.schema.json").write_text("{}")
    (whole / "gpus" / "notes.txt").write_text("not read")
    assert content_digest(whole, catalog_root()) == original


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("gpus/h100-80gb-sxm.toml", "80", "81"),
        ("models/llama2-7b.json", "4096", "4097"),
        ("calibration/served.json", "0.", "1."),
        ("calibration/runs.csv", "s001", "s002"),
        ("engines/vllm.toml", "0.", "1."),
        ("clouds", "", ""),
        ("links.toml", "fast", "host"),
    ],
)
def test_any_change_changes_it(whole: Path, file: str, old: str, new: str) -> None:
    before = content_digest(whole, whole)
    if (whole / file).is_dir():
        next((whole / file).iterdir()).rename(whole / file / "other.csv")
    else:
        edit(whole / file, old, new)
    assert content_digest(whole, whole) != before


def test_what_a_directory_lacks_is_that_of_the_package(small: Path, whole: Path) -> None:
    before = content_digest(small, whole)
    assert before != load_catalogs().digest
    edit(whole / "gpus" / "h100-80gb-sxm.toml", "80", "81")
    assert content_digest(small, whole) == before
    edit(whole / "calibration" / "served.json", "0.", "1.")
    assert content_digest(small, whole) != before


def test_the_newest_day_of_all_entries_is_known(small: Path) -> None:
    edit(small / "api_prices.csv", "2026-11-22", "2031-02-03")
    assert load_catalogs(small).checked == date(2031, 2, 3)
