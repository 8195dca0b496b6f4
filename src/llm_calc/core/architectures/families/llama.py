"""Llama and decoders built like it: RMS norms, rotary positions, gated feed-forward."""

from collections.abc import Callable
from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import (
    Decoder,
    LayerBlocks,
    Piece,
    filling_width,
    gqa,
    mlp,
    norms,
    output_head,
    share_of_heads,
    stated,
    when,
)
from llm_calc.core.architectures.registry import Reader, register
from llm_calc.core.architectures.windows import (
    SLIDING,
    all_full,
    all_sliding,
    by_type,
    full_every,
    full_first,
    if_window,
    layer_types,
    sliding_everywhere,
)
from llm_calc.core.blocks import Custom, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import vector

BIASES = when("attention_bias", "qkvo")
INPUT_BIASES = when("attention_bias", "qkv")
MLP: Piece = mlp(biases=when("mlp_bias", "gud"))
PLAIN_MLP: Piece = mlp(gated=False, biases=when("mlp_bias", "ud"))
ALL_BIASES = when("use_bias", "qkvo")


def _if_stated(key: str, biases: str) -> Callable[[Fields], str]:
    """Biases where the file says so, though the class declares no such key."""
    return lambda f: biases if f.flag(key, default=False) else ""


def _smollm3_types(f: Fields, layers: int) -> tuple[str, ...]:
    """Layers without rotary positions see a window, if windows are used at all."""
    interval = f.int("no_rope_layer_interval")
    given = f.ints("no_rope_layers") or tuple(int((index + 1) % interval != 0) for index in range(layers))
    windowed = f.flag("use_sliding_window") and f.known("sliding_window")
    return tuple(SLIDING if windowed and not rotary else "full_attention" for rotary in given[:layers])


register("llama", "iquestcoder", "exaone", read=Decoder(attention=gqa(biases=BIASES), feed_forward=MLP))
register("mistral", read=Decoder(attention=gqa(windows=sliding_everywhere)))
register("ministral3", read=Decoder(attention=gqa(windows=sliding_everywhere)))
register("ministral", read=Decoder(attention=gqa(windows=by_type(layer_types(if_window(all_sliding))))))
register(
    "phi3",
    read=Decoder(attention=gqa(windows=sliding_everywhere)),
    repeats={"full_attn_mod": 1, "attention_bias": False, "mlp_bias": False, "lm_head_bias": False},
)
register(
    "granite",
    "granite_docling_text",
    "granite4_vision_text",
    read=Decoder(attention=gqa(biases=BIASES), feed_forward=MLP),
)
register(
    "granite_swa",
    read=Decoder(
        attention=gqa(biases=BIASES, sinks=True, windows=by_type(layer_types(full_first(4)))),
        feed_forward=MLP,
    ),
)
register("helium", read=Decoder(attention=gqa(biases=INPUT_BIASES, head_dim=filling_width), feed_forward=MLP))
register("arcee", read=Decoder(attention=gqa(biases=BIASES), feed_forward=PLAIN_MLP))
register("cwm", read=Decoder(attention=gqa(windows=by_type(layer_types(full_first(4))))))
register(
    "seed_oss",
    read=Decoder(
        attention=gqa(
            biases=lambda f: INPUT_BIASES(f) + ("o" if f.flag("attention_out_bias") else ""),
        ),
        feed_forward=MLP,
    ),
)
register(
    "smollm3",
    read=Decoder(
        attention=gqa(biases=BIASES, windows=by_type(layer_types(_smollm3_types))), feed_forward=MLP
    ),
)
register("internlm3", read=Decoder(attention=gqa(biases=when("qkv_bias", "qkv")), feed_forward=MLP))
register(
    "hyperclovax",
    read=Decoder(
        attention=gqa(biases=BIASES),
        feed_forward=MLP,
        norms=norms(lambda f: 4 if f.flag("use_post_norm") else 2),
    ),
)
register(
    "bitnet",
    read=Decoder(
        attention=gqa(biases=BIASES, output_norm=True, head_dim=filling_width),
        feed_forward=mlp(inner_norm=True),
    ),
)
register(
    "ernie4_5",
    read=Decoder(attention=gqa(biases=ALL_BIASES), feed_forward=mlp(biases=when("use_bias", "gud"))),
)
register(
    "exaone4",
    read=Decoder(
        attention=gqa(
            qk_norm="head",
            windows=by_type(layer_types(if_window(full_every(4, "sliding_window_pattern")))),
        )
    ),
)
register("glm", read=Decoder(attention=gqa(biases=INPUT_BIASES)))
register("glm4", read=Decoder(attention=gqa(biases=INPUT_BIASES), norms=norms(4)))
register(
    "nanochat",
    read=Decoder(
        attention=gqa(biases=BIASES), feed_forward=mlp(gated=False), norms=norms(0), final_norm=False
    ),
)
register("hunyuan_v1_dense", "hunyuan_vl_text", read=Decoder(attention=gqa(biases=BIASES, qk_norm="head")))
register(
    "nemotron",
    read=Decoder(
        attention=gqa(biases=BIASES), feed_forward=PLAIN_MLP, norms=norms(2, bias=True), final_norm_bias=True
    ),
)
register(
    "jais2",
    read=Decoder(
        attention=gqa(biases=BIASES), feed_forward=PLAIN_MLP, norms=norms(2, bias=True), final_norm_bias=True
    ),
)
register("olmo", read=Decoder(attention=gqa(biases=BIASES), norms=norms(0), final_norm=False))
register("olmo2", read=Decoder(attention=gqa(biases=BIASES, qk_norm="full")))
register(
    "olmo3",
    read=Decoder(attention=gqa(biases=BIASES, qk_norm="full", windows=by_type(layer_types(full_every(4))))),
)
register(
    "cohere",
    read=Decoder(attention=gqa(biases=BIASES, qk_norm=when("use_qk_norm", "full")), norms=norms(1)),
)
register(
    "cohere2",
    read=Decoder(
        attention=gqa(
            biases=BIASES,
            windows=by_type(layer_types(full_every(4, "sliding_window_pattern"))),
        ),
        norms=norms(1),
    ),
)
register(
    "cohere_compass_text",
    read=Decoder(
        attention=gqa(biases=BIASES, head_dim=share_of_heads, windows=by_type(layer_types(all_full))),
        norms=norms(1),
    ),
)
register(
    "starcoder2",
    read=Decoder(
        attention=gqa(biases=ALL_BIASES, windows=sliding_everywhere),
        feed_forward=mlp(gated=False, biases=when("use_bias", "ud")),
        norms=norms(2, bias=True),
        final_norm_bias=True,
    ),
    repeats={"mlp_type": "default", "norm_type": "layer_norm"},
)
register(
    "stablelm",
    read=Decoder(
        attention=gqa(
            biases=when("use_qkv_bias", "qkv"), qk_norm=when("qk_layernorm", "full"), head_dim=share_of_heads
        ),
        norms=norms(lambda f: 1 if f.flag("use_parallel_residual") else 2, bias=True),
        final_norm_bias=True,
    ),
)


_WITHOUT_PARAMETERS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "relu2", "silu", "swish", "tanh")
"""Activations without weights, by transformers' names of them; ``xielu`` has two."""


def _xielu(f: Fields) -> LayerBlocks:
    """Apertus: a plain block whose activation has two parameters of its own."""
    blocks = mlp(gated=False)(f)
    said = f.text("hidden_act", "xielu")
    if said != "xielu":
        if said not in _WITHOUT_PARAMETERS:
            f.assume(f"hidden_act {said!r} is not known; it was taken to have no parameters")
        return blocks
    activation = Custom(name="xielu", content=Parts(weights=(vector("xielu", "mlp", 2),)))
    return lambda index: (*blocks(index), activation)


register(
    "emu3_text_model",
    read=Decoder(
        attention=gqa(biases=_if_stated("attention_bias", "qkvo")),
        feed_forward=mlp(biases=_if_stated("mlp_bias", "gud")),
    ),
)


def _pruned(read: Decoder) -> Reader:
    """A head that leaves out the rows of what is never answered."""

    def pruned(f: Fields) -> Model:
        model = read(f)
        rows = f.optional_int("output_vocab_size", None, least=1, most=model.vocab)
        return model if rows is None else replace(model, head=output_head(model.hidden, rows))

    return pruned


register(
    "apertus1p5_text",
    read=_pruned(Decoder(attention=gqa(biases=BIASES, qk_norm="head"), feed_forward=_xielu)),
)
register(
    "apertus",
    repeats={"post_norm": False, "mlp_bias": False},
    read=Decoder(attention=gqa(biases=BIASES, qk_norm=stated("qk_norm", "head")), feed_forward=_xielu),
)
