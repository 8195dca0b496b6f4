"""Text parts that only multimodal models have; most are twins of a text model under another name."""

from collections.abc import Callable
from dataclasses import replace

from llm_calc.core.architectures.families.qwen import WINDOWS
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import (
    by_mlp_types,
    dense_then_step,
    first_dense,
    mixture,
    shared_times,
    sparse_step,
)
from llm_calc.core.architectures.pieces import (
    Decoder,
    assemble,
    embedding_table,
    gqa,
    hidden_size,
    known_word,
    mlp,
    norms,
    num_layers,
    share_of_heads,
    when,
)
from llm_calc.core.architectures.registry import family, register
from llm_calc.core.architectures.windows import (
    FULL,
    Window,
    Windows,
    all_full,
    layer_types,
    no_window,
    sliding_everywhere,
)
from llm_calc.core.blocks import Custom, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import vector

BIASES = when("attention_bias", "qkvo")
DELAY_WIDTH = 32
"""Inner width of the matrices that adapt Voxtral realtime's third norm."""

register(
    "qwen2_vl_text",
    "qwen2_5_vl_text",
    read=Decoder(attention=gqa(biases="qkv", windows=WINDOWS, head_dim=share_of_heads)),
)
register("qwen2_5_omni_text", read=Decoder(attention=gqa(biases="qkv", windows=WINDOWS)))
register("qwen3_vl_text", read=Decoder(attention=gqa(biases=BIASES, qk_norm="head")))
register(
    "qwen3_vl_moe_text",
    read=Decoder(
        attention=gqa(biases=BIASES, qk_norm="head"),
        feed_forward=mixture(experts="num_local_experts", sparse=sparse_step),
    ),
)
register(
    "qwen3_omni_moe_text",
    read=Decoder(attention=gqa(biases=BIASES, qk_norm="head"), feed_forward=mixture(sparse=sparse_step)),
)
REFERENCE = "reference_sliding_attention"


def _references(f: Fields, layers: int) -> Callable[[int], Window]:
    """Unlimited-OCR keeps all of a prompt and drops old tokens of its answer alone."""
    kinds = layer_types(all_full, kinds=frozenset({FULL, REFERENCE}))(f, layers)
    window = f.int("sliding_window")
    if REFERENCE in kinds or not f.given("layer_types"):
        f.warn(f"the cache is that of a prompt; of an answer only the last {window} tokens stay in it")
    return no_window(f, layers)


def _ocr(windows: Windows = no_window) -> Decoder:
    """DeepSeek's experts behind plain attention."""
    inner = when("mlp_bias", "gud")
    return Decoder(
        attention=gqa(biases=BIASES, head_dim=share_of_heads, windows=windows),
        feed_forward=mixture(
            experts="n_routed_experts",
            sparse=by_mlp_types(dense_then_step()),
            shared_width=shared_times(),
            dense_biases=inner,
            shared_biases=inner,
        ),
    )


register("deepseek_ocr2_text", read=_ocr())
register("unlimited_ocr_text", read=_ocr(_references))
register(
    "glm4v_text",
    read=Decoder(attention=gqa(biases="qkv", head_dim=share_of_heads), norms=norms(4)),
)
register("glm_ocr_text", read=Decoder(norms=norms(4)))


def _no_norm_of_heads(f: Fields) -> str:
    """GLM 4.5V's class norms neither queries nor keys; files say so in ``use_qk_norm``, which a true one belies."""
    f.agree(use_qk_norm=False)
    return ""


register(
    "glm4v_moe_text",
    read=Decoder(
        attention=gqa(biases=when("attention_bias", "qkv"), qk_norm=_no_norm_of_heads),
        feed_forward=mixture(experts="n_routed_experts", sparse=first_dense(), shared_width=shared_times()),
    ),
)
register(
    "paddleocr_vl_text",
    read=Decoder(
        attention=gqa(biases=when("use_bias", "qkvo")), feed_forward=mlp(biases=when("use_bias", "gud"))
    ),
)
register(
    "cosmos3_edge_text",
    read=Decoder(attention=gqa(biases=BIASES), feed_forward=mlp(gated=False, biases=when("mlp_bias", "ud"))),
)


@family("molmo2_text")
def molmo2_text(f: Fields) -> Model:
    """Qwen 3, or OLMo's norms of all heads; further rows of the embedding for the tokens of images."""
    whole = known_word(f, "qk_norm_type", "qwen3", "olmo") == "olmo"
    read = Decoder(attention=gqa(biases=when("attention_bias", "qkv"), qk_norm="full" if whole else "head"))
    model = read(f)
    table = embedding_table(f)
    rows = table.rows + f.int("additional_vocab_size", least=0)
    return replace(model, embedding=(replace(table, rows=rows),))


@family("voxtral_realtime_text")
def voxtral_realtime_text(f: Fields) -> Model:
    """Mistral with a third norm a layer, which a small pair of matrices adapts to the delay (not to tokens)."""
    adapter = vector("adaptive_norm", "norms", 2 * hidden_size(f) * DELAY_WIDTH)
    pieces = [piece(f) for piece in (norms(), gqa(windows=sliding_everywhere), mlp())]
    layer = tuple(block for piece in pieces for block in piece(0))
    block = Custom(name="adaptive_norm", content=Parts(weights=(adapter,)))
    return assemble(f, [(*layer, block)] * num_layers(f))
