"""Prefill and decode apart, request by request: small cases by hand, and bounds of both sides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.workloads.apart import run_apart
from llm_calc.core.workloads.draws import around
from llm_calc.core.workloads.stations import Stations
from llm_calc.core.workloads.stream import RequestClass, Stream


def one_kind(prompt: float, output: float, spread: float = 0.0, turns: int = 1) -> RequestClass:
    return RequestClass(
        first=around(prompt, spread), output=around(output, spread), growth=around(10.0, 0.0), turns=turns
    )


def stations(
    prefills: int = 1, decodes: int = 1, most: int = 100, transfer: float = 0.0, links: float = 1.0
) -> Stations:
    """A prompt takes a millisecond a token, a token ten milliseconds and one more for each answer beside it."""
    return Stations(
        prefills=prefills,
        decodes=decodes,
        most=most,
        prefill_s=lambda tokens, found: 0.001 * (tokens - found),
        transfer_s=lambda tokens: transfer * tokens,
        token_s=lambda answers: 0.01 + 0.001 * (answers - 1),
        links=links,
    )


def test_a_request_alone_is_its_prompt_its_transfer_and_its_answer() -> None:
    """100 ms, 20 ms, 49 further tokens of 10 ms."""
    seen = run_apart(Stream(classes=(one_kind(100, 50),), slots=1), stations(transfer=0.0002), 5)
    assert seen.ttft_s == pytest.approx([0.12] * 5)
    assert seen.tpot_s == pytest.approx([0.01] * 5)
    assert seen.latency_s == pytest.approx([0.61] * 5)


def test_prompts_wait_in_line_and_answers_share_a_replica() -> None:
    """Two at once: the second prompt waits 0.1 s, and 0.1 s after the first answer began they share steps of 11 ms."""
    seen = run_apart(Stream(classes=(one_kind(100, 11),), arrivals_s=(0.0, 0.0)), stations(), 2)
    assert sorted(seen.ttft_s) == pytest.approx([0.1, 0.2])
    longer = run_apart(Stream(classes=(one_kind(100, 21),), arrivals_s=(0.0, 0.0)), stations(), 2)
    first, second = sorted(longer.latency_s)
    assert first == pytest.approx(0.1 + 0.1 + 10 * 0.011)  # ten tokens alone, ten beside the other
    assert second == pytest.approx(0.2 + 10 * 0.011 + 10 * 0.01)


def test_an_answer_waits_for_room() -> None:
    seen = run_apart(Stream(classes=(one_kind(100, 21),), arrivals_s=(0.0, 0.0)), stations(most=1), 2)
    assert sorted(seen.ttft_s) == pytest.approx([0.1, 0.3])


def test_caches_wait_in_line_for_the_link() -> None:
    """Prompts of 0.1 s, caches of 0.3 s: the third is there after 0.1 + 3 x 0.3 s; over two links after 0.4 + 0.3 s."""
    three = Stream(classes=(one_kind(100, 2),), arrivals_s=(0.0,) * 3)
    one = run_apart(three, stations(transfer=0.003), 3)
    assert sorted(one.ttft_s) == pytest.approx([0.4, 0.7, 1.0])
    two = run_apart(three, stations(transfer=0.003, links=2.0), 3)
    assert sorted(two.ttft_s) == pytest.approx([0.4, 0.5, 0.7])


@pytest.mark.parametrize("links", [0.25, 1.0, 1.5, 3.0])
def test_links_carry_so_many_caches_and_no_more(links: float) -> None:
    """A cache of 0.3 s: links / 0.3 a second, as long as prompts of 0.1 s on 20 replicas keep them busy."""
    at_once = Stream(classes=(one_kind(100, 2),), arrivals_s=(0.0,) * 400)
    sides = stations(prefills=20, decodes=4, transfer=0.003, links=links)
    seen = run_apart(at_once, sides, 400)
    assert 400 / seen.ttft_s.max() == pytest.approx(
        links / 0.3, rel=0.02
    )  # the first cache leaves after 0.1 s
    assert sides.most_per_s(np.array([100.0]), np.array([2.0])) == pytest.approx(links / 0.3)
    tenth = sides.part(10.0)
    assert tenth.most_per_s(np.array([100.0]), np.array([2.0])) == pytest.approx(links / 0.3 / 10)


def test_turns_follow_each_other_after_a_pause() -> None:
    """Prompts of 100, then of 100 + 10 + 20, the answer included."""
    seen = run_apart(Stream(classes=(one_kind(100, 20, turns=2),), arrivals_s=(0.0,)), stations(), 2)
    assert seen.prompt_tokens.tolist() == [100.0, 130.0]
    assert seen.ttft_s == pytest.approx([0.1, 0.13])


@given(
    prefills=st.integers(1, 4),
    decodes=st.integers(1, 4),
    most=st.integers(1, 20),
    slots=st.integers(1, 40),
    prompt=st.floats(1, 2000),
    output=st.floats(2, 300),
)
def test_with_a_free_link_both_sides_bound_what_is_served(
    prefills: int, decodes: int, most: int, slots: int, prompt: float, output: float
) -> None:
    kinds = stations(prefills, decodes, most)
    seen = run_apart(Stream(classes=(one_kind(prompt, output, 0.1),), slots=slots), kinds, 10 * slots)
    rate, work = len(seen.kind) / seen.elapsed_s, float(seen.prompt_tokens.mean()) * 0.001
    at_once = decodes * most
    assert rate * work <= prefills * (1 + 0.2) + 1e-9
    assert rate * float(seen.output_tokens.mean() - 1) * 0.01 <= at_once * (1 + 0.2) + 1e-9
    assert float(seen.ttft_s.min()) >= 0.001 * float(seen.prompt_tokens.min()) - 1e-9
    assert float(seen.tpot_s.min()) >= 0.01 - 1e-9
    assert seen.mean_running <= min(slots, at_once) + 1e-9
