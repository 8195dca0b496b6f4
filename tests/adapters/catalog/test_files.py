"""One directory of catalogs for the whole process."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from llm_calc.adapters.all_catalogs import chosen_catalogs
from llm_calc.adapters.catalog.files import catalog_root, choose_catalogs
from llm_calc.api.app import create_app
from llm_calc.api.settings import Settings
from llm_calc.core.errors import CatalogError, InvalidInputError

ASKED = {
    "model": {"name": "llama-3.1-8b"},
    "hardware": {"gpu": "h100-80gb-sxm"},
    "engine": {"name": "trtllm"},
}


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """Catalogs whose TensorRT-LLM gives the cache half of what is free."""
    shutil.copytree(catalog_root(), tmp_path / "catalogs")
    file = tmp_path / "catalogs" / "engines" / "trtllm.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("free_gpu_memory_fraction = 0.9", "free_gpu_memory_fraction = 0.5"), "utf-8")
    yield tmp_path / "catalogs"
    choose_catalogs(None)


def answers(settings: Settings) -> tuple[int, str]:
    with TestClient(create_app(settings)) as client:
        plan = client.post("/api/memory_plan", json=ASKED).json()
        return plan["kv_cache_tokens"], client.get("/api/version").json()["data_version"]


def test_an_application_answers_from_its_own_catalogs_alone(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, own_version = answers(Settings(catalogs_path=None))
    other, other_version = answers(Settings(catalogs_path=copy))
    assert other == pytest.approx(own * 5 / 9, rel=0.001)
    assert other_version != own_version
    monkeypatch.setenv("LLM_CALC_CATALOGS_PATH", str(copy))
    assert answers(Settings(catalogs_path=None)) == (own, own_version)
    assert answers(Settings()) == (other, other_version)


def test_two_applications_of_one_process_answer_each_from_their_own(copy: Path) -> None:
    with (
        TestClient(create_app(Settings(catalogs_path=None))) as first,
        TestClient(create_app(Settings(catalogs_path=copy))) as second,
    ):
        tokens = [
            app.post("/api/memory_plan", json=ASKED).json()["kv_cache_tokens"]
            for app in (first, second, first)
        ]
    assert tokens[0] == tokens[2] > tokens[1]


@pytest.mark.parametrize("file", ["engines/trtllm.toml", "calibration/served.json", "runs_on/vllm.toml"])
def test_an_application_with_a_wrong_file_is_not_made(copy: Path, file: str) -> None:
    (copy / file).write_text("{", encoding="utf-8")
    with pytest.raises(CatalogError, match=file):
        create_app(Settings(catalogs_path=copy))


def test_what_was_never_set_is_not_blamed(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy / "engines" / "trtllm.toml").write_text("{", encoding="utf-8")
    monkeypatch.setenv("LLM_CALC_CATALOGS_PATH", str(copy))
    with pytest.raises(
        InvalidInputError, match="LLM_CALC_CATALOGS_PATH: the catalogs cannot be read: engines/"
    ):
        chosen_catalogs()
    monkeypatch.delenv("LLM_CALC_CATALOGS_PATH")
    monkeypatch.setattr("llm_calc.adapters.all_catalogs.load_all_catalogs", _broken)
    with pytest.raises(InvalidInputError, match=r"^the catalogs cannot be read: x"):
        chosen_catalogs()


def _broken(_: Path | None) -> None:
    raise CatalogError("x")
