"""Sentences of failed validation name the field and what is accepted."""

from typing import Annotated, Any, Literal

import pytest
from fastapi.testclient import TestClient
from pydantic import Field

from llm_calc.adapters.wire.base import LenientRequest, StrictRequest
from llm_calc.api.app import create_app
from llm_calc.api.json_body import new_router


class Part(StrictRequest):
    """A nested part."""

    factor: Annotated[float, Field(ge=1)] = 1.0


class EngineA(StrictRequest):
    """One of two kinds of a part."""

    name: Literal["a"]


class EngineB(StrictRequest):
    """The other kind."""

    name: Literal["b"]
    size: int = 1


class Body(StrictRequest):
    """A body with every kind of field."""

    count: Annotated[int, Field(ge=1, le=8)]
    kind: Literal["fp16", "fp32"] = "fp16"
    parts: list[Part] = Field(default_factory=list)
    part: Part | None = None
    label: Annotated[str, Field(max_length=4)] = ""
    on: bool = False
    either: int | list[int] = 0
    engine: Annotated[EngineA | EngineB, Field(discriminator="name")] | None = None
    hf_config: dict[str, object] | None = None


class OpenBody(LenientRequest):
    """A body that warns of unknown fields."""

    batch_size: int = 1
    inner: "OpenPart | None" = None


class OpenPart(LenientRequest):
    """A nested part that warns too."""

    weights: float = 1.0


@pytest.fixture(scope="module")
def small_client() -> TestClient:
    """A client of an application with two more routes, which answer what they were sent."""
    router = new_router("test")

    @router.post("/strict")
    async def strict(body: Body, flag: Literal["a", "b"] = "a") -> dict[str, Any]:
        return {"count": body.count, "flag": flag}

    @router.post("/open")
    async def lenient(body: OpenBody) -> list[str]:
        return body.unknown_field_warnings()

    app = create_app()
    app.include_router(router)
    return TestClient(app)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("{}", "count: is required"),
        ('{"count": true}', "count: must be a whole number"),
        ('{"count": "1"}', "count: must be a whole number"),
        ('{"count": 1.5}', "count: must be a whole number"),
        ('{"count": 0}', "count: must be greater than or equal to 1"),
        ('{"count": 9}', "count: must be less than or equal to 8"),
        ('{"count": 1e999}', "count: must be a whole number"),
        ('{"count": 1, "engine": {"name": "b", "size": "1"}}', "engine.size: must be a whole number"),
        (
            '{"count": 1, "engine": {"name": "b", "sise": 1}}',
            "engine.sise: is not a known field; did you mean size?",
        ),
        (
            '{"count": 1, "engine": {"name": "a", "size": 1}}',
            "engine.size: is not a known field; known: name",
        ),
        ('{"count": 1, "either": "1"}', "either: must be a whole number or a list"),
        ('{"count": 1, "engine": {}}', "engine: name is required"),
        ('{"count": 1, "engine": {"name": "c"}}', "engine: name must be one of 'a', 'b'"),
        ('{"count": 1, "kind": "fp8"}', "kind: must be 'fp16' or 'fp32'"),
        ('{"count": 1, "label": 5}', "label: must be a string"),
        ('{"count": 1, "label": "abcde"}', "label: must have at most 4 characters"),
        ('{"count": 1, "on": 1}', "on: must be true or false"),
        ('{"count": 1, "part": []}', "part: must be a JSON object"),
        ('{"count": 1, "part": {"factor": true}}', "part.factor: must be a number"),
        (
            '{"count": 1, "part": {"factor": NaN}}',
            "part.factor: must be a finite number; JSON has no NaN and no Infinity",
        ),
        ('{"count": 1, "part": {"factor": 1e999}}', "part.factor: must be a finite number"),
        ('{"count": 1, "parts": {}}', "parts: must be a list"),
        ('{"count": 1, "parts": [{}, {"factor": 0}]}', "parts[1].factor: must be greater than or equal to 1"),
        (
            '{"count": 1, "parts": [{"factors": 0}]}',
            "parts[0].factors: is not a known field; did you mean factor?",
        ),
        (
            '{"count": 1, "zzz": 0}',
            "zzz: is not a known field; known: count, kind, parts, part, label, on, either, engine, hf_config",
        ),
        (
            '{"count": 1, "hf_config": {"a": [Infinity]}, "kinds": [1, -Infinity]}',
            "kinds[1]: must be a finite number; JSON has no NaN and no Infinity",
        ),
        (
            '{"kind": 1, "on": 2}',
            "count: is required; kind: must be 'fp16' or 'fp32'; on: must be true or false",
        ),
    ],
)
def test_sentence(small_client: TestClient, body: str, sentence: str) -> None:
    response = small_client.post("/strict", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["error"]) == (400, sentence)


def test_details_repeat_the_fields_for_programs(small_client: TestClient) -> None:
    details = small_client.post("/strict", json={"count": 0, "on": 1}).json()["details"]
    assert details == {
        "fields": [
            {"field": "count", "accepted": "must be greater than or equal to 1"},
            {"field": "on", "accepted": "must be true or false"},
        ]
    }


def test_query_parameters_are_named_too(small_client: TestClient) -> None:
    response = small_client.post("/strict?flag=c", json={"count": 1})
    assert (response.status_code, response.json()["error"]) == (400, "flag: must be 'a' or 'b'")


@pytest.mark.parametrize("number", ["2.0", "2e0", "20e-1"])
def test_whole_numbers_may_be_written_as_others_are(small_client: TestClient, number: str) -> None:
    headers = {"content-type": "application/json"}
    response = small_client.post("/strict", content=f'{{"count": {number}, "parts": []}}', headers=headers)
    assert response.json()["count"] == 2


def test_published_configs_may_hold_infinities(small_client: TestClient) -> None:
    body = '{"count": 1, "hf_config": {"time_step_limit": [0.0, Infinity]}}'
    response = small_client.post("/strict", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 200


def test_many_faults_are_cut_short(small_client: TestClient) -> None:
    body = {"count": 1, **{f"zzz{number}": 0 for number in range(50)}}
    sentence = small_client.post("/strict", json=body).json()["error"]
    assert sentence.endswith("body: has 30 more faults")
    assert sentence.count("zzz") == 20


def test_unknown_fields_are_warned_of(small_client: TestClient) -> None:
    body = {"batch_sise": 2, "zzz": 1, "inner": {"weihgts": 2.0}}
    assert small_client.post("/open", json=body).json() == [
        "batch_sise: unknown field, ignored; did you mean batch_size?",
        "zzz: unknown field, ignored",
        "inner.weihgts: unknown field, ignored; did you mean weights?",
    ]


def test_many_or_long_unknown_fields_stay_short(small_client: TestClient) -> None:
    warnings = small_client.post("/open", json={"y" * 10_000 + str(number): 1 for number in range(50)}).json()
    assert len(warnings) == 21
    assert warnings[-1] == "30 more unknown fields, ignored"
    assert max(map(len, warnings)) < 120
