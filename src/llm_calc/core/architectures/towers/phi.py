"""Vision and audio towers of Phi-3 vision and Phi-4 multimodal.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

import math
from collections.abc import Mapping

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers import clip
from llm_calc.core.architectures.towers.parts import (
    Tower,
    Weights,
    gated,
    linear,
    norm,
    table,
    two_layers,
    vector,
)
from llm_calc.core.model import Model

PHI3_ENCODER = "openai/clip-vit-large-patch14-336"
PHI3_ENCODER_SIZES: Mapping[str, object] = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "num_channels": 3,
    "image_size": 336,
    "patch_size": 14,
}


def phi4_vision(f: Fields) -> Tower:
    """SigLIP with its pooling head, and two learned separators."""
    tower = clip.pooled_siglip(f)
    return Tower(weights=(*tower.weights, vector("separators", 2 * tower.width)), width=tower.width)


def phi4_audio(f: Fields) -> Tower:
    """A conformer behind depthwise convolutions, with a table of relative positions."""
    hidden = f.int("hidden_size")
    buckets = f.int("bias_max_distance") * (1 if f.flag("bias_symmetric") else 2)
    weights = (
        *_subsampling(f, hidden),
        table("relative_positions", buckets, f.int("num_attention_heads")),
        *_layers(f, hidden, f.int("num_blocks", most=1000)),
    )
    return Tower(weights=weights, width=hidden)


def _subsampling(f: Fields, hidden: int) -> Weights:
    channels, halvings = f.int("nemo_conv_channels"), int(math.log2(f.int("time_reduction")))
    bins = f.int("input_size")
    for _ in range(halvings):
        bins = (bins - 1) // 2 + 1
    bins = f.int("nemo_final_size", bins)
    later = halvings - 1
    separable = (
        linear("subsampling.depthwise", 9, channels, copies=later),
        linear("subsampling.pointwise", channels, channels, copies=later),
    )
    return (
        linear("subsampling.first", 9, channels),
        *(separable if later > 0 else ()),
        linear("subsampling.out", channels * bins, hidden),
    )


def _layers(f: Fields, hidden: int, layers: int) -> Weights:
    wide, out = hidden * f.int("depthwise_multiplier"), f.int("ext_pw_out_channel")
    kernel, separable = f.int("kernel_size"), f.int("depthwise_separable_out_channel")
    return (
        *gated("feed_forward", (hidden, f.int("intermediate_size"), hidden), bias=True, copies=2 * layers),
        linear("attention", hidden, hidden, copies=4 * layers),
        linear("convolution.gated", hidden, 2 * out, copies=layers),
        vector("convolution.gate_biases", 2 * out, copies=layers),
        linear("convolution.depthwise", kernel, wide, copies=layers),
        linear("convolution.pointwise", wide, separable, copies=layers),
        linear("convolution.out", hidden, out, copies=layers),
        norm("norms", hidden, copies=5 * layers),
    )


def phi4_vision_projector(_: Fields, __: Fields, tower: Tower, text: int) -> Weights:
    """Two matrices."""
    return two_layers("projector", (tower.width, text, text))


def phi4_audio_projector(_: Fields, part: Fields, tower: Tower, text: int) -> Weights:
    """Two matrices for speech alone and two for speech beside images, over joined frames."""
    return two_layers("projector", (tower.width * part.int("downsample_rate"), text, text), copies=2)


def phi3_vision(f: Fields, model: Model) -> Weights:
    """CLIP ViT-L/14 at 336 pixels, squares of four patches into the text, two separators.

    Files name the encoder and hold none of its sizes. Source: vLLM 0.33.0 ``vllm/model_executor/models/phi3v.py``,
    its configuration of CLIP, ``glb_GN``, ``sub_GN`` and ``img_projection``; checked: 2026-11-30, read.
    """
    named = f.mapping("img_processor", None).get("model_name")
    if named != PHI3_ENCODER:
        f.assume(f"img_processor.model_name is {named!r}; the tower was taken to be {PHI3_ENCODER}")
    tower = clip.clip(Fields(PHI3_ENCODER_SIZES))
    joined = 4 * tower.width
    separators = vector("separators", 2 * joined)
    return (*tower.weights, separators, *two_layers("projector", (joined, model.hidden, model.hidden)))
