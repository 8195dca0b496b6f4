"""Which matrices are linear modules: tools that replace such modules leave everything else as it is.

Source: transformers 5.24.0, the classes of all text-generating types on the meta device, by the type of each module;
checked: 2026-11-30, run.
"""

from collections.abc import Mapping

from llm_calc.core.checkpoints.tensors import Tensor

NOT_LINEAR = ("conv", "hyper_", "patch_embedding", "position_embedding", "relative_logits")
"""Beginnings of names of matrices that are no linear modules."""
_PARAMETERS = (
    *(
        "tower.head.attention_in",
        "tower.downsample",
        "tower.neck.",
        "tower.narrow.",
    ),
    *("tower.vq.", "tower.positions", "tower.merger.conv", "tower.subsampling.first"),
    *("tower.subsampling.depthwise", "tower.subsampling.pointwise", "tower.projector.attention.inner_qkv"),
    *("tower.codec.stem", "tower.codec.depthwise", "tower.codec.step"),
    *("tower.codec.out", "tower.codec.back", "tower.image_experts.", "tower.codec.conv", "tower.codec.lstm"),
)
"""Beginnings of names in towers: convolutions, parameters, and attention that keeps three matrices in one parameter."""
_PARAMETERS_OF: Mapping[str, tuple[str, ...]] = {
    "gemma3": ("tower.projector",),
    "shieldgemma2": ("tower.projector",),
    "got_ocr2": ("tower.projector.1", "tower.projector.2"),
    "pp_chart2table": ("tower.projector.1", "tower.projector.2"),
    "inkling_text": ("gate_proj", "up_proj", "down_proj"),
}
"""Names of parameters in the classes of these types."""
_PER_LAYER = ("per_layer_input_gate", "per_layer_projection", "per_layer_model_projection")
_ALTUP = ("altup_correction", "altup_prediction", "altup_router", "altup_projections", "altup_unembed")
_MODULES_OF: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("afmoe", "dbrx", "hunyuan_v1_moe", "longcat_flash"), ("router",)),
    "jetmoe": ("router", "attention_router"),
    "axk2": ("norm_gate_down", "norm_gate_up"),
    **dict.fromkeys(
        (
            *(
                "cosmos3_edge",
                "fuyu",
                "kosmos-2.5",
                "llama4",
                "molmo2",
                "muse_glimmer",
                "inkling2",
                "lfm2_vl",
            ),
            "ernie4_5_vl_moe",
        ),
        ("tower.patch_embedding",),
    ),
    "lfm3_vl": ("tower.patch_embedding", "tower.convolution.in", "tower.convolution.out"),
    **dict.fromkeys(("gemma4", "gemma4_text"), _PER_LAYER),
    **dict.fromkeys(("gemma3n", "gemma3n_text"), (*_PER_LAYER, *_ALTUP, "laurel_left", "laurel_right")),
    "gemma4_unified_assistant": ("pre_projection",),
    "modernbert-decoder": ("head_dense",),
    **dict.fromkeys(("qwen3_asr", "qwen3_omni_moe_thinker", "qwen3_omni_moe"), ("tower.conv_out",)),
    **dict.fromkeys(("qwen4_exp", "qwen4_exp_text"), ("stream_mix_down", "stream_mix_up")),
    "apertus1p5": ("tower.vq.codebook",),
}
"""Names of linear modules that are not looked for elsewhere."""
NARROW_TABLES = ("deepseek_v41", "deepseek_v41_text")
"""Types whose own files keep a table of n-grams in fp8, and some modules in 16 bits whatever the tool.

Source: types and shapes of the tensors of DeepSeek-V4.1-Flash as public code lists them; checked: 2026-12-01, read.
"""
NGRAM_TABLE, NGRAM_MATRIX = NGRAMS = ("engram_table", "engram_kv_proj")
_KEPT_OF_V41 = ("compressor_kv_proj", "compressor_gate_proj", "indexer_k_proj", "indexer_weights_proj")
_KEPT_WIDE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("axk2", "deepseek_v32", "glm_moe_dsa", "mistral_large4"), ("indexer_weights_proj",)),
    "glm5_next": ("indexer_pool_gate",),
    "deepseek_v4": (
        *("o_a_proj", "compressor_kv_proj", "compressor_gate_proj"),
        *("indexer_kv_proj", "indexer_gate_proj", "indexer_weights_proj"),
    ),
    **dict.fromkeys(NARROW_TABLES, _KEPT_OF_V41),
}
"""Modules that transformers 5 keeps in 32 bits, or whose class is their own: its own quantizers pass them by."""
_DERIVED = ("tower.head.attention_out", "tower.projector.attention.out")
"""Matrices of a class that is derived from linear modules: transformers passes it by, other tools do not."""
UNKNOWN = (
    *(
        "mamba",
        "falcon_mamba",
        "jamba",
        "blip-2",
        "nemotron_h_omni",
        "gemma3n",
        "gemma3n_text",
        "aria",
        "falcon",
    ),
    *("voxtral_realtime", "zamba", "zamba2", "zaya", "hy_v4_vl"),
    *("kyutai_speech_to_text", "qwen2_5_omni", "xlnet"),
)
"""Types with a matrix that is counted with vectors or of its own class, or whose last module is kept, not the head."""


def passed_by(tensor: Tensor, model_type: str) -> bool:
    """Whether transformers' own quantizers, or the files of its makers, leave a linear module as it is."""
    return tensor[1] in _KEPT_WIDE.get(model_type, ()) or tensor[1] in _DERIVED


def is_parameter(tensor: Tensor, model_type: str) -> bool:
    """Whether a matrix is no linear module."""
    name = tensor[1]
    if name in _MODULES_OF.get(model_type, ()):
        return False
    if name.removeprefix("tower.").startswith(NOT_LINEAR) or name.startswith(_PARAMETERS):
        return True
    if model_type == "inkling_text" and tensor[0] != "shared_experts":
        return False
    return name in _PARAMETERS_OF.get(model_type, ())


def is_module(tensor: Tensor, model_type: str) -> bool:
    """Whether a matrix is a linear module that stands where none is usual."""
    return tensor[1] in _MODULES_OF.get(model_type, ())
