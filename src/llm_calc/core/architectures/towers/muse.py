"""Towers of Muse: a vision transformer between two norms, and a stack of convolutions for sound.

Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-29``.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Tower,
    Weights,
    depth,
    encoder_of,
    linear,
    norm,
    per_patch,
    positive,
    table,
    two_layers,
)
from llm_calc.core.weights import Weight


def muse_vision(f: Fields) -> Tower:
    """Plain layers with biases; a patch of ``patch_temporal`` frames, a grid of learned positions."""
    hidden = f.int("hidden_size")
    encoder = encoder_of(f)
    volume = 3 * f.int("patch_temporal") * f.int("patch_size") ** 2
    weights = (
        per_patch("patch_embedding", volume, hidden, bias=False),
        table("position_embedding", f.int("pos_emb_height") * f.int("pos_emb_width"), hidden),
        norm("outer_norms", hidden, copies=2),
        *encoder.weights(),
    )
    return Tower(weights=weights, width=hidden)


def muse_projector(f: Fields, _: Fields, __: Tower, text: int) -> Weights:
    """Merged patches of a stated width through two matrices, then one into the text's width."""
    inner = f.int("projector_hidden_size")
    return (
        *two_layers("projector", (f.int("out_hidden_size"), inner, inner), bias=False),
        linear("projector.text", inner, text, bias=False),
    )


def _stage(name: str, widths: tuple[int, int, int], kernel: int, blocks: int) -> Weights:
    """Frames joined into one width, then ``blocks`` of a depthwise convolution and a perceptron of the third width."""
    joined, width, inner = widths
    start = (linear(f"{name}.patch_embedding", joined, width), norm(f"{name}.patch_norm", width, bias=False))
    if not blocks:
        return start
    return (
        *start,
        linear(f"{name}.conv", kernel, width, copies=blocks),
        norm(f"{name}.norm", width, bias=False, copies=blocks),
        *two_layers(f"{name}.mlp", (width, inner, width), copies=blocks),
    )


def muse_audio(f: Fields) -> Tower:
    """Stages that join frames into wider ones, each with blocks of a depthwise convolution and two matrices."""
    joined, widths, depths = (f.ints(key) or () for key in ("patch_sizes", "hidden_sizes", "depths"))
    stages = depth(f)
    if not len(joined) == len(widths) == len(depths) == stages:
        raise f.refusal("num_hidden_layers", "as many as patch_sizes, hidden_sizes and depths have entries")
    kernel, ratio, out = f.int("conv_kernel_size"), positive(f, "mlp_ratio"), f.int("out_hidden_size")
    weights: list[Weight] = []
    below = 1
    for stage, (frames, width, blocks) in enumerate(zip(joined, widths, depths, strict=True)):
        weights += _stage(f"stage_{stage}", (frames * below, width, int(width * ratio)), kernel, blocks)
        below = width
    weights += [
        norm("final_norm", below, bias=False),
        linear("proj", below, out),
        norm("proj_norm", out, bias=False),
    ]
    return Tower(weights=tuple(weights), width=out)
