"""Which batch sizes get a graph, as read in each release's config/vllm.py."""

from typing import Any

import pytest

from llm_calc.adapters.engines import build_engine
from llm_calc.core.engines.vllm import Vllm
from llm_calc.core.engines.vllm_graphs import captured_graphs, captured_sizes, largest_captured
from tests.core.engines.setups import setup


def vllm(version: str | None = None, **options: Any) -> Vllm:
    found = build_engine("vllm", version, **options)
    assert isinstance(found, Vllm)
    return found


CAPTURED = [
    (512, False, 67),
    (256, False, 35),
    (16, False, 5),
    (512, True, 51),
    (1024, True, 83),
    (256, True, 35),
]


@pytest.mark.parametrize(("largest", "coarse", "sizes"), CAPTURED)
def test_captured_sizes(largest: int, coarse: bool, sizes: int) -> None:
    """1, 2, 4, then every 8; in later releases every 16 above 256."""
    assert len(captured_sizes(largest, coarse=coarse)) == sizes


@pytest.mark.parametrize(("mode", "share"), [("NONE", 0), ("PIECEWISE", 0.5), ("FULL_AND_PIECEWISE", 1)])
def test_graph_modes(mode: str, share: float) -> None:
    both = vllm().plan(setup()).budget.cuda_graphs_bytes
    assert vllm(cudagraph_mode=mode).plan(setup()).budget.cuda_graphs_bytes == pytest.approx(share * both)


def graphs(version: str | None = None, gpu: str = "h100-80gb-sxm", **options: Any) -> int:
    engine, deployment = vllm(version, max_model_len=8192, **options), setup(gpu=gpu)
    return captured_graphs(deployment, engine.limits(deployment), engine.rules, engine.graph_wishes())


def test_which_graphs_are_captured() -> None:
    """51 sizes up to 512 in pieces and as many whole; 83 up to 1024; every size up to 32 where interaction counts."""
    assert graphs() == 51 + 51
    assert graphs("0.16.0") == 51  # none for decoding alone yet
    assert graphs("0.11.0") == 67
    assert graphs("0.12.0") == 51
    assert graphs("0.27.0", "b200-180gb-sxm") == 51 + 51
    assert graphs("0.28.0", "b200-180gb-sxm") == 83 + 83
    interactive = 32 + 27 + 17  # 1 to 32, 40 to 248 by 8, 256 to 512 by 16
    assert graphs(performance_mode="interactivity") == 2 * interactive
    assert graphs(max_num_seqs=100) == (3 + 25 + 1) + (3 + 12 + 1)  # up to 200, and 100 itself
    assert graphs("0.28.0", max_num_seqs=100) == (3 + 25) + (3 + 12)
    assert graphs(max_cudagraph_capture_size=64) == 2 * (3 + 8)
    assert graphs(cudagraph_capture_sizes=(1, 2, 16)) == 2 * 3
    assert graphs(cudagraph_capture_sizes=(1, 2, 9000), max_num_batched_tokens=2048) == 2 * 2


@pytest.mark.parametrize(
    ("options", "largest"),
    [
        ({}, 512),
        ({"max_num_seqs": 100}, 200),  # twice the sequences
        ({"max_cudagraph_capture_size": 64}, 64),
        ({"cudagraph_capture_sizes": (1, 2, 16)}, 16),
        ({"cudagraph_capture_sizes": (9000,), "max_num_batched_tokens": 2048}, 0),  # none that a step reaches
        ({"cudagraph_mode": "NONE"}, 0),
    ],
)
def test_the_largest_step_with_a_graph(options: dict[str, Any], largest: int) -> None:
    engine, deployment = vllm(max_model_len=8192, **options), setup()
    found = largest_captured(deployment, engine.limits(deployment), engine.rules, engine.graph_wishes())
    assert found == largest
