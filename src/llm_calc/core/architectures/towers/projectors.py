"""Projectors: from what a tower hands on to the width of the text model.

Each is a function of the wrapper's fields, the tower's configuration, the tower, and the hidden size of the text.
Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from collections.abc import Callable

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Tower,
    Weights,
    gated,
    linear,
    norm,
    pair,
    placed,
    positive,
    table,
    two_layers,
    vector,
)

Projector = Callable[[Fields, Fields, Tower, int], Weights]
"""(wrapper, configuration of the tower, tower, text hidden size) -> weights."""

ARIA_QUERIES = 256
"""Queries of Aria's projector where the file states none."""
MINICPM_PATCHES = 4
"""Patches that one step of MiniCPM-V's merger joins."""


def nothing(_: Fields, __: Fields, ___: Tower, ____: int) -> Weights:
    """The tower ends with its own projection."""
    return ()


def _tapped(f: Fields) -> int:
    """How many layers of the tower are joined: a number in ``vision_feature_layer`` is one."""
    value = f.raw("vision_feature_layer")
    return len(value) if isinstance(value, list | tuple) else 1


def llava(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """Two matrices with an optional bias."""
    bias = f.flag("multimodal_projector_bias")
    return two_layers("projector", (tower.width * _tapped(f), text, text), bias=bias)


def llava_next(f: Fields, part: Fields, tower: Tower, text: int) -> Weights:
    """The same and one embedding that ends each row of patches."""
    return (*llava(f, part, tower, text), vector("image_newline", text))


def vip_llava(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """A norm over all tapped layers, then two matrices."""
    joined = tower.width * _tapped(f)
    return (norm("projector.norm", joined), *two_layers("projector", (joined, text, text)))


def plain_mlp(_: Fields, __: Fields, tower: Tower, text: int) -> Weights:
    """Two matrices with biases."""
    return two_layers("projector", (tower.width, text, text))


def matrix(*, bias: bool = True) -> Projector:
    """One matrix."""
    return lambda _, __, tower, text: (linear("projector", tower.width, text, bias=bias),)


def paligemma(f: Fields, _: Fields, tower: Tower, __: int) -> Weights:
    """One matrix to ``projection_dim``."""
    return (linear("projector", tower.width, f.int("projection_dim")),)


def matrix_biased_by(key: str) -> Projector:
    """One matrix whose bias a flag of the wrapper decides."""
    return lambda f, _, tower, text: (linear("projector", tower.width, text, bias=f.flag(key)),)


def mistral3(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """A norm, a matrix that merges squares of patches, then two matrices."""
    merged = tower.width * f.int("spatial_merge_size") ** 2
    return (
        norm("projector.norm", tower.width, bias=False),
        linear("projector.merge", merged, tower.width, bias=False),
        *two_layers(
            "projector", (tower.width * _tapped(f), text, text), bias=f.flag("multimodal_projector_bias")
        ),
    )


def lighton(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """As Mistral 3, never with a bias."""
    merged = tower.width * f.int("spatial_merge_size") ** 2
    return (
        norm("projector.norm", tower.width, bias=False),
        linear("projector.merge", merged, tower.width, bias=False),
        *two_layers("projector", (tower.width, text, text), bias=False),
    )


def gemma3(_: Fields, __: Fields, tower: Tower, text: int) -> Weights:
    """A norm and one matrix, after pooling to ``mm_tokens_per_image``."""
    return (
        norm("projector.norm", tower.width, bias=False),
        linear("projector", tower.width, text, bias=False),
    )


def internvl(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """Pixel shuffle by ``downsample_ratio``, a norm, two matrices."""
    joined = tower.width * int(1 / positive(f, "downsample_ratio")) ** 2
    return (norm("projector.norm", joined), *two_layers("projector", (joined, text, text)))


def kimi(f: Fields, part: Fields, tower: Tower, text: int) -> Weights:
    """A norm of the patches, then two matrices over merged ones."""
    part.agree(text_hidden_size=text)
    height, width = pair(part, "merge_kernel_size")
    merged = tower.width * height * width
    normed = part.int("mm_hidden_size") if part.given("mm_hidden_size") else f.int("projection_hidden_size")
    return (
        norm("projector.norm", normed),
        *two_layers("projector", (merged, merged, text)),
    )


def kimi_vl(_: Fields, part: Fields, tower: Tower, text: int) -> Weights:
    """The same with a norm as wide as the tower.

    Source: vLLM, ``model_executor/models/kimi_vl.py``, ``KimiVLMultiModalProjector``; checked: 2026-11-30, read.
    """
    height, width = pair(part, "merge_kernel_size")
    merged = tower.width * height * width
    return (norm("projector.norm", tower.width), *two_layers("projector", (merged, merged, text)))


def merged_mlp(_: Fields, part: Fields, tower: Tower, text: int) -> Weights:
    """The same with ``spatial_merge_size`` (PaddleOCR-VL)."""
    merged = tower.width * part.int("spatial_merge_size") ** 2
    return (norm("projector.norm", tower.width), *two_layers("projector", (merged, merged, text)))


def lfm3(f: Fields, part: Fields, tower: Tower, text: int) -> Weights:
    """The same with a stated inner width and an optional bias."""
    merged, middle = tower.width * part.int("spatial_merge_size") ** 2, f.int("projector_hidden_size")
    bias = f.flag("projector_bias")
    return (norm("projector.norm", tower.width), *two_layers("projector", (merged, middle, text), bias=bias))


def cosmos3_edge(f: Fields, part: Fields, tower: Tower, text: int) -> Weights:
    """The same, always with biases."""
    merged, middle = tower.width * part.int("spatial_merge_size") ** 2, f.int("projector_hidden_size")
    return (norm("projector.norm", tower.width), *two_layers("projector", (merged, middle, text)))


def lfm2(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """Patches joined by ``downsample_factor``, an optional norm over all of them, two matrices."""
    joined, middle = tower.width * f.int("downsample_factor") ** 2, f.int("projector_hidden_size")
    mlp = two_layers("projector", (joined, middle, text), bias=f.flag("projector_bias"))
    return (norm("projector.norm", joined), *mlp) if f.flag("projector_use_layernorm") else mlp


def cohere2(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """A gated pair: the first matrix's output is halved before the second."""
    joined, middle = tower.width * f.int("downsample_factor") ** 2, f.int("alignment_intermediate_size")
    return (linear("projector.1", joined, middle), linear("projector.2", middle // 2, text))


def aya(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """The same behind a norm."""
    joined = tower.width * f.int("downsample_factor") ** 2
    middle = f.int("alignment_intermediate_size", text)
    return (
        norm("projector.norm", joined),
        linear("projector.1", joined, middle),
        linear("projector.2", middle // 2, text),
    )


def idefics3(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """Pixel shuffle by ``scale_factor``, one matrix; files repeat parts of other wrappers in the text part."""
    return (linear("projector", tower.width * f.int("scale_factor") ** 2, text, bias=False),)


def aria(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """Learned queries that attend to the patches, then two matrices; its attention projects twice."""
    width = tower.width
    return (
        vector("projector.queries", _aria_queries(f) * width),
        linear("projector.attention.qkv", width, width, bias=False, copies=3),
        linear("projector.attention.inner_qkv", width, 3 * width),
        linear("projector.attention.out", width, width, copies=2),
        norm("projector.norms", width, copies=3),
        *two_layers("projector", (width, text, text), bias=False),
    )


def _aria_queries(f: Fields) -> int:
    """The most queries of any number of patches."""
    stated = f.mapping("projector_patch_to_query_dict", None).values()
    most = max((count for count in stated if isinstance(count, int)), default=ARIA_QUERIES)
    return f.int("max_value_projector_patch_to_query_dict", most)


def minimax_m3(f: Fields, part: Fields, tower: Tower, text: int) -> Weights:
    """Two matrices for each patch, then two for each merged square."""
    sides = {name: part.int(name) for name in ("spatial_merge_size", "temporal_patch_size")}
    merging = {"image_token_compression_method": "patch_merge", **sides}
    f.agree(multimodal_projector_bias=True, num_reward_heads=0, img_token_compression_config=merging)
    part.agree(img_token_compression_config=merging)
    middle, merged = f.int("projector_hidden_size"), text * part.int("spatial_merge_size") ** 2
    return (
        *placed(two_layers("projector", (tower.width, middle, text)), "patches"),
        *two_layers("projector.merge", (merged, middle, text)),
    )


def ernie(_: Fields, part: Fields, tower: Tower, text: int) -> Weights:
    """Matrices for merged squares, for merged frames, and one into the text; norms between."""
    square = tower.width * part.int("spatial_merge_size") ** 2
    frames = square * part.int("temporal_merge_size")
    return (
        *two_layers("projector.spatial", (square, square, square)),
        *two_layers("projector.temporal", (frames, square, square)),
        norm("projector.norms", square, copies=2),
        linear("projector", square, text),
        norm("projector.after_norm", text, bias=False),
    )


def idefics2(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """A gated projection, then a perceiver: latents that attend to the patches, layer by layer."""
    perceiver, inner = f.part("perceiver_config"), f.part("text_config").int("intermediate_size")
    hidden, layers = text, perceiver.int("resampler_depth")
    q = perceiver.int("resampler_n_heads") * perceiver.int("resampler_head_dim")
    kv = perceiver.int("num_key_value_heads") * perceiver.int("resampler_head_dim")
    return (
        *gated("projector", (tower.width, inner, text)),
        vector("perceiver.latents", perceiver.int("resampler_n_latents") * hidden),
        linear("perceiver.qo", hidden, q, bias=False, copies=2 * layers),
        linear("perceiver.kv", hidden, kv, bias=False, copies=2 * layers),
        *gated("perceiver.mlp", (hidden, 4 * hidden, hidden), copies=layers),
        norm("perceiver.norms", 3 * hidden, bias=False, copies=layers),
        norm("perceiver.final_norm", hidden, bias=False),
    )


def got_ocr2(_: Fields, __: Fields, tower: Tower, text: int) -> Weights:
    """Two convolutions that halve each side, the second into the text's width, then one matrix."""
    width = tower.width
    return (
        linear("projector.1", 9 * width, 2 * width, bias=False),
        linear("projector.2", 9 * 2 * width, text, bias=False),
        linear("projector", text, text),
    )


def visual_tokens(f: Fields, _: Fields, tower: Tower, __: int) -> Weights:
    """Ovis: a table of embeddings of visual tokens, as wide as the wrapper's ``hidden_size``."""
    if not f.flag("tie_word_embeddings"):
        f.assume("the untied head was taken to have the shape of the text part's embedding")
    return (table("visual_embeddings", tower.width, f.int("hidden_size")),)


def queries(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """MiniCPM-V of 2024 and 2025: queries of the text's width that attend to the patches.

    Source: ``Resampler`` of the authors' ``resampler.py``, as engines hold it; checked: 2026-11-30, read.
    """
    return (
        vector("resampler.query", f.int("query_num") * text),
        *((linear("resampler.kv", tower.width, text, bias=False),) if tower.width != text else ()),
        linear("resampler.attention", text, text, copies=4),
        norm("resampler.norms", text, copies=3),
        linear("resampler.projection", text, text, bias=False),
    )


def minicpm(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """Squares of patches merged once or several times; the last step ends in the text's width."""
    joined, between = MINICPM_PATCHES * tower.width, f.int("merger_times") - 1
    steps = (
        *two_layers("projector.step", (joined, joined, tower.width), copies=between),
        norm("projector.step_norm", joined, copies=between),
    )
    return (
        *(steps if between else ()),
        norm("projector.norm", joined),
        *two_layers("projector", (joined, joined, text)),
    )
