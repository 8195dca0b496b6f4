"""Vision tower of LFM3-VL: gated short convolutions and grouped attention in turn.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Tower,
    Weights,
    as_tower,
    depth,
    gated,
    linear,
    norm,
    patch_volume,
)
from llm_calc.core.blocks import Attention

ATTENTION = "full_attention"


def lfm3(f: Fields) -> Tower:
    """Every layer has two RMS norms and a gated feed-forward; no biases."""
    hidden, layers = f.int("hidden_size"), depth(f)
    attending = _attending(f, layers)
    weights = (
        linear(
            "patch_embedding",
            f.int("temporal_patch_size") * patch_volume(f, "in_channels"),
            hidden,
            bias=False,
        ),
        norm("embedding_norm", hidden, bias=False),
        *_convolutions(hidden, f.int("conv_kernel_size"), layers - attending),
        *_attention(f, hidden, attending),
        *gated("feed_forward", (hidden, f.int("intermediate_size"), hidden), copies=layers),
        norm("norms", 2 * hidden, bias=False, copies=layers),
    )
    return Tower(weights=weights, width=hidden)


def _attending(f: Fields, layers: int) -> int:
    """How many layers attend: those that ``layer_types`` says, else every second one from the third on."""
    kinds = f.texts("layer_types")
    if kinds is None:
        return len(range(2, layers, 2))
    if len(kinds) != layers or not {"conv", ATTENTION}.issuperset(kinds):
        raise f.refusal("layer_types", f"a list of {layers} of conv, {ATTENTION}")
    return sum(kind == ATTENTION for kind in kinds)


def _convolutions(hidden: int, kernel: int, copies: int) -> Weights:
    if not copies:
        return ()
    return (
        linear("convolution.in", hidden, 3 * hidden, bias=False, copies=copies),
        linear("convolution.spatial", kernel**2, hidden, bias=False, copies=copies),
        linear("convolution.out", hidden, hidden, bias=False, copies=copies),
    )


def _attention(f: Fields, hidden: int, copies: int) -> Weights:
    heads = f.int("num_attention_heads")
    block = Attention(
        hidden=hidden,
        heads=heads,
        kv_heads=f.int("num_key_value_heads"),
        head_dim=hidden // heads,
        vector_params=2 * (hidden // heads),
    )
    return as_tower(block.parts().weights, "attention", copies)
