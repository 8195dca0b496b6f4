"""Users make a rate: of requests, or of sessions where their requests are turns of some."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from llm_calc.adapters.wire.parts import WorkloadPart

USERS = {"users": 50, "requests_per_user_per_minute": 1.2}
"""One request a second in all."""


@pytest.mark.parametrize(
    ("stated", "sessions_per_s"),
    [
        ({"preset": "chat"}, 1 / 10),
        ({"preset": "chat", "sessions": {"turns": 4}}, 1 / 4),
        ({"sessions": {"turns": 5}}, 1 / 5),
        ({"sessions": {}}, 1 / 8),
        ({"preset": "chat", "sessions": None}, None),
        ({"preset": "batch"}, None),
        ({}, None),
    ],
)
def test_users_begin_sessions_where_their_requests_are_turns(
    stated: dict[str, Any], sessions_per_s: float | None
) -> None:
    part = WorkloadPart.model_validate({**stated, **USERS})
    if sessions_per_s is None:
        assert part.session_rate is None
        assert part.request_rate == pytest.approx(1, rel=1e-12)
    else:
        assert part.request_rate is None
        assert part.session_rate == pytest.approx(sessions_per_s, rel=1e-12)
    assert WorkloadPart.model_validate(part.model_dump()) == part


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (
            {"preset": "chat", "session_rate": 5},
            "session_rate: users send 0.1 sessions a second, but it says 5.0",
        ),
        (
            {"preset": "chat", "request_rate": 5},
            "sessions take concurrency or session_rate; found request_rate",
        ),
        (
            {"request_rate": 5},
            "request_rate: users send 1 requests a second, but it says 5.0; they must agree",
        ),
        ({"preset": "chat", "concurrency": 5}, "found concurrency and session_rate"),
    ],
)
def test_another_rate_beside_users_is_refused_by_what_was_sent(stated: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        WorkloadPart.model_validate({**stated, **USERS})
    assert words in str(refused.value)


def test_users_of_a_preset_are_answered_as_the_sessions_that_they_begin(client: TestClient) -> None:
    body = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm", "count": 1}}
    by_users = client.post("/api/serving_estimate", json={**body, "workload": {"preset": "chat", **USERS}})
    assert by_users.status_code == 200, by_users.text
    by_rate = client.post(
        "/api/serving_estimate", json={**body, "workload": {"preset": "chat", "session_rate": 0.1}}
    ).json()
    answer = by_users.json()
    assert (answer["ttft_s"], answer["requests_per_s"]) == (by_rate["ttft_s"], by_rate["requests_per_s"])
    words = "workload.users: they begin 0.1 sessions of 10 requests a second together, at random"
    assert words in answer["assumptions"]
