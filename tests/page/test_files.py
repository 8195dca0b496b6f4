"""The page's own files: their size, their record, how long browsers keep them."""

import gzip
import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from llm_calc.api.pages import STATIC

PAGE = STATIC / "page"
KIB = 1024


def compressed(files: list[Path]) -> int:
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


def test_files_stay_within_their_budget() -> None:
    assert compressed([STATIC / "vendor/page/libraries.js"]) <= 30 * KIB
    assert compressed(sorted(PAGE.glob("*.js"))) <= 70 * KIB
    assert compressed(sorted(PAGE.glob("*.css"))) <= 10 * KIB


def test_third_party_code_is_recorded() -> None:
    record = json.loads((STATIC / "vendor/page/libraries.json").read_text(encoding="utf-8"))
    assert {"preact", "htm", "@preact/signals", "d3-scale", "d3-shape"} <= set(record["packages"])
    for package in record["packages"].values():
        assert package["integrity"].startswith("sha512-")
        assert package["licence"] in ("MIT", "ISC", "Apache-2.0")


def addresses(client: TestClient) -> list[str]:
    return re.findall(r'(?:href|src)="(static/[^"]+)"', client.get("/").text)


def test_every_file_is_named_in_the_page_and_kept_for_ever(client: TestClient) -> None:
    found = addresses(client)
    names = {Path(each).name for each in found}
    assert {path.name for path in PAGE.iterdir()} - {"index.html"} <= names
    for address in found:
        response = client.get(f"/{address}", headers={"accept-encoding": "gzip"})
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
        if len(response.content) > 1024:
            assert response.headers["content-encoding"] == "gzip"


def test_the_page_itself_is_asked_for_anew(client: TestClient) -> None:
    response = client.get("/")
    assert response.headers["cache-control"] == "no-cache"
    assert "default-src 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize("path", sorted(PAGE.glob("*.js")), ids=lambda path: path.name)
def test_scripts_are_small_and_ask_no_other_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert "innerHTML" not in text
