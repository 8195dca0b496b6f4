"""Every error of every route, the framework's own included, is ``{"error": sentence, "details"?}``."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from llm_calc.api.app import create_app
from llm_calc.api.errors import status_of
from llm_calc.api.json_body import new_router
from llm_calc.core.errors import (
    CalcError,
    DoesNotFitError,
    InvalidInputError,
    NoPlanError,
    UnknownNameError,
    UnsupportedError,
)
from tests.api.described import described

OPERATIONS = [
    (path, method) for path, methods in described()["paths"].items() for method, operation in methods.items()
]
WITH_BODY = [path for path, method in OPERATIONS if method == "post"]
JSON = {"content-type": "application/json"}
ALL_METHODS = {"get", "post", "put", "patch", "delete"}


def error_of(response: Any) -> str:
    """Check the shape of an error and return its sentence."""
    body = response.json()
    assert response.headers["content-type"] == "application/json"
    assert set(body) in ({"error"}, {"error", "details"})
    assert isinstance(body["error"], str)
    assert ": " in body["error"]
    return str(body["error"])


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_other_methods_are_405_and_name_the_accepted_ones(client: TestClient, path: str, method: str) -> None:
    for other in sorted(ALL_METHODS - {method}):
        response = client.request(other.upper(), path)
        assert response.status_code == 405
        assert response.headers["allow"] == method.upper()
        assert method.upper() in error_of(response)


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/", "/api/calculate/", "/api/none", "/static/none", "/%00"]
)
def test_unknown_paths_are_404(client: TestClient, path: str) -> None:
    response = client.get(path)
    if path == "/" and response.status_code == 200:
        assert "text/html" in response.headers["content-type"]
        return
    assert response.status_code == 404
    assert "path" in error_of(response)


@pytest.mark.parametrize("path", WITH_BODY)
@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "body"),
        (b"{", "line 1"),
        (b"\xff\xfe", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"[]", "object"),
        (b"null", "object"),
        (b'"text"', "object"),
        (b"NaN", "finite"),
        (b'{"model": NaN, "batch_size": NaN, "model_name": Infinity}', "finite"),
        (b'{"batch_size": ' + b"9" * 5_000 + b"}", "JSON"),
    ],
)
def test_bodies_that_are_no_json_object_are_400(
    client: TestClient, path: str, body: bytes, named: str
) -> None:
    response = client.post(path, content=body, headers=JSON)
    assert response.status_code == 400
    assert named in error_of(response)


@pytest.mark.parametrize("path", WITH_BODY)
@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/xml", "json"]
)
def test_other_media_types_are_415(client: TestClient, path: str, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = client.post(path, content=b"{}", headers=headers)
    assert response.status_code == 415
    assert "application/json" in error_of(response)


@pytest.mark.parametrize("path", WITH_BODY)
@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "a/b+json"])
def test_json_is_known_under_its_other_names(client: TestClient, path: str, content_type: str) -> None:
    accepted = client.post(path, content=b"[]", headers={"content-type": content_type})
    assert accepted.status_code == (415 if content_type == "a/b+json" else 400)


@pytest.mark.parametrize("path", WITH_BODY)
def test_large_bodies_are_413_announced_or_streamed(client: TestClient, path: str) -> None:
    announced = client.post(path, content=b" " * 8_388_609, headers=JSON)
    streamed = client.post(path, content=(b" " * 65_536 for _ in range(129)), headers=JSON)
    for response in (announced, streamed):
        assert response.status_code == 413
        assert "8388608 bytes" in error_of(response)


@pytest.mark.parametrize(
    ("error", "status", "details"),
    [
        (InvalidInputError("n: must be 1", field="n"), 400, {"field": "n"}),
        (UnknownNameError("gpu", "h10", ["h100"], field="gpu"), 400, {"field": "gpu", "nearest": ["h100"]}),
        (UnsupportedError("precision: fp8 is not there", field="precision"), 400, {"field": "precision"}),
        (
            DoesNotFitError("memory: is short", needed_bytes=2.0, available_bytes=1.0),
            400,
            {"needed_bytes": 2.0, "available_bytes": 1.0},
        ),
        (NoPlanError("limits: nothing meets them"), 400, None),
    ],
)
def test_refusals_are_mapped_by_class(error: CalcError, status: int, details: dict[str, Any] | None) -> None:
    router = new_router("test")

    @router.get("/refuse")
    async def refuse() -> None:
        raise error

    app = create_app()
    app.include_router(router)
    response = TestClient(app).get("/refuse")
    assert (response.status_code, status_of(error)) == (status, status)
    assert error_of(response) == error.message
    assert response.json().get("details") == details


@pytest.mark.parametrize("path", WITH_BODY)
def test_a_key_said_twice_is_400_and_names_both(client: TestClient, path: str) -> None:
    response = client.post(path, content='{"model": "a",\n "model": "b"}', headers=JSON)
    assert response.status_code == 400
    assert error_of(response) == 'model: is said twice, as "a" in line 1 and as "b" in line 2; say it once'


@pytest.mark.parametrize("path", ["/api/sweep", "/api/serving_estimate", "/api/calibrate"])
@pytest.mark.parametrize("name", ["a[", "function-[x]", "list[any]"])
def test_an_unknown_field_may_be_called_anything(client: TestClient, path: str, name: str) -> None:
    """Validation calls members of unions so, whose names are left out of paths: this one has nothing else."""
    answer = client.post(path, json={name: 1})
    assert answer.status_code == 400
    assert f"{name}: is not a known field" in answer.json()["error"]


def test_a_large_body_is_refused_as_a_small_one(client: TestClient) -> None:
    """Large bodies are read in a thread, small ones by the framework, which keeps no field of a refusal."""
    answers = [
        client.post(
            "/api/serving_estimate",
            content=b'{"a": 1, "a": 2}' + b" " * pad,
            headers={"content-type": "application/json"},
        )
        for pad in (0, 20_000)
    ]
    assert answers[0].json()["details"] == {"field": "a"}
    assert answers[0].content == answers[1].content
