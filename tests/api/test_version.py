"""``/api/version`` and the data version in answers."""

import shutil
from pathlib import Path

from fastapi.testclient import TestClient

from llm_calc import __version__
from llm_calc.adapters.catalog.files import catalog_root
from llm_calc.api.app import create_app
from llm_calc.api.settings import Settings
from tests.adapters.catalog.conftest import edit

ESTIMATE = {"model": {"name": "llama2-7b"}, "hardware": {"gpu": "h100-80gb-sxm"}}


def test_an_answer_says_the_data_that_the_service_names(client: TestClient) -> None:
    found = client.get("/api/version").json()
    assert found["version"] == __version__
    answer = client.post("/api/serving_estimate", json=ESTIMATE).json()
    assert answer["basis"]["data_version"] == found["data_version"]


def test_other_catalogs_are_another_version(client: TestClient, tmp_path: Path) -> None:
    root = shutil.copytree(catalog_root(), tmp_path / "catalogs")
    with TestClient(create_app(Settings(catalogs_path=root))) as same:
        assert same.get("/api/version").json() == client.get("/api/version").json()
    other = shutil.copytree(root, tmp_path / "other")
    edit(other / "models" / "llama2-7b.json", "11008", "11009")
    with TestClient(create_app(Settings(catalogs_path=other))) as changed:
        assert changed.get("/api/version").json() != client.get("/api/version").json()
