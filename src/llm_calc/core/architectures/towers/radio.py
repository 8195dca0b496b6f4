"""RADIO: the vision tower of Nemotron's multimodal models.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    depth,
    linear,
    norm,
    patch_volume,
    per_patch,
    positive,
    table,
    two_layers,
    vector,
)


def radio(f: Fields) -> Tower:
    """Class and register tokens, positions of the largest image, layer scales; patches of images and of videos."""
    hidden, patch, layers = f.int("hidden_size"), patch_volume(f), depth(f)
    if f.flag("use_swiglu_ffn"):
        f.assume(f"{f.path}.use_swiglu_ffn is read as two plain matrices")
    encoder = Encoder(
        layers=layers,
        hidden=hidden,
        intermediate=int(hidden * positive(f, "mlp_ratio")),
        heads=f.int("num_attention_heads"),
        biases="oud" + ("qkv" if f.flag("qkv_bias") else ""),
        vectors=2 * hidden,
    )
    frames = f.int("video_temporal_patch_size") if f.known("video_temporal_patch_size") else 0
    weights = (
        table("position_embedding", (f.int("max_img_size") // f.int("patch_size")) ** 2, hidden),
        vector("tokens", (f.int("num_cls_tokens") + f.int("num_registers", least=0)) * hidden),
        per_patch("patch_embedding", patch, hidden, bias=False),
        *((linear("video_patch_embedding", frames * patch, hidden, bias=False),) if frames else ()),
        *encoder.weights(),
    )
    return Tower(weights=weights, width=hidden)


def nemotron_projector(f: Fields, _: Fields, __: Tower, text: int) -> Weights:
    """Pixel shuffle, a norm and two matrices."""
    joined = f.int("vision_hidden_size") * int(1 / positive(f, "downsample_ratio")) ** 2
    return (
        norm("projector.norm", joined, bias=False),
        *two_layers("projector", (joined, f.int("projector_hidden_size"), text), bias=False),
    )
