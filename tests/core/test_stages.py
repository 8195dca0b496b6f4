"""Caches of pipeline stages counted by hand: eight layers, of which the even ones see a window."""

from llm_calc.core.blocks import Attention
from llm_calc.core.parallelism import Layout
from llm_calc.core.stages import stage_caches, unlike_stages
from tests.builders import decoder

WHOLE = Attention(hidden=64, heads=8, kv_heads=4, head_dim=8)
WINDOW = Attention(hidden=64, heads=8, kv_heads=4, head_dim=8, window=16)
FOUR = decoder([(WINDOW,), (WHOLE,), (WINDOW,), (WHOLE,), (WHOLE,), (WHOLE,)], hidden=64, vocab=10)


def counts(layout: Layout, stage: int) -> dict[str, float]:
    """Layers by the kind of their cache."""
    return {cache.kind: layers for cache, layers in stage_caches(FOUR, layout, stage)}


def test_one_stage_holds_all() -> None:
    assert counts(Layout(), 0) == {"sliding": 2, "full": 4}
    assert unlike_stages(FOUR, Layout()) == ((0, 1),)


def test_stages_of_two_layers() -> None:
    """Window and whole, again window and whole, then two whole: the first two are alike."""
    layout = Layout(pipeline=3)
    assert [counts(layout, stage) for stage in range(3)] == [
        {"sliding": 1, "full": 1},
        {"sliding": 1, "full": 1},
        {"full": 2},
    ]
    assert unlike_stages(FOUR, layout) == ((0, 2), (2, 1))


def test_tensor_parallelism_leaves_a_gpu_its_share_of_each_layer() -> None:
    """Four heads of keys over two GPUs: half of each; over eight GPUs each head is there twice: a quarter."""
    assert counts(Layout(tensor=2), 0) == {"sliding": 1, "full": 2}
    assert counts(Layout(tensor=8), 0) == {"sliding": 0.5, "full": 1}
