"""Models whose class only their authors' repository holds; sizes follow the code published there."""

from llm_calc.core.architectures.families.early import PHI
from llm_calc.core.architectures.families.llama import MLP
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import first_dense, mixture, shared_times
from llm_calc.core.architectures.notes import WITHOUT_PREDICTION
from llm_calc.core.architectures.pieces import Decoder, gqa, hidden_size, mlp, norms, when
from llm_calc.core.architectures.registry import family, register
from llm_calc.core.model import Model

register(
    "baichuan",
    "yi",
    "Yi",
    "xverse",
    "aquila",
    "internlm2",
    defaults="llama",
    read=Decoder(attention=gqa(biases=lambda f: when("bias", "qkvo")(f) if f.given("bias") else "")),
)
register("internlm", defaults="llama", read=Decoder(attention=gqa(biases=when("bias", "qkvo"))))
register("orion", defaults="llama", read=Decoder(norms=norms(2, bias=True), final_norm_bias=True))
register(
    "deepseek",
    defaults="llama",
    read=Decoder(
        attention=gqa(biases=when("attention_bias", "qkvo")),
        feed_forward=mixture(experts="n_routed_experts", sparse=first_dense(), shared_width=shared_times()),
    ),
)


def _without_prediction(f: Fields) -> Model:
    """MiMo-7B: Qwen 2 with layers that predict ahead, which engines load for speculation alone.

    Source: ``modeling_mimo.py`` of XiaomiMiMo/MiMo; ``checked: 2026-11-30``, read.
    """
    if f.optional_int("num_nextn_predict_layers", 0):
        f.warn(WITHOUT_PREDICTION)
    if not f.flag("use_sliding_window", default=False):
        f.pass_by("when:windows_off")
    return Decoder(attention=gqa(biases=when("attention_bias", "qkv")))(f)


register("mimo", defaults="mimo_7b", read=_without_prediction)


@family("phi-msft", defaults="phi")
def phi_msft(f: Fields) -> Model:
    """Phi-1.5 and Phi-2 as first published: the keys of GPT-2."""
    for key, spelling in (
        ("hidden_size", "n_embd"),
        ("num_hidden_layers", "n_layer"),
        ("num_attention_heads", "n_head"),
        ("num_key_value_heads", "n_head_kv"),
        ("intermediate_size", "n_inner"),
        ("max_position_embeddings", "n_positions"),
    ):
        f.also(key, spelling)
    return PHI(f)


@family("qwen", defaults="llama")
def qwen(f: Fields) -> Model:
    """Qwen-1: states twice the width of each feed-forward branch; biases of q, k and v."""
    f.agree(kv_channels=hidden_size(f) // f.int("num_attention_heads"))
    branch = mlp(width=lambda fields: fields.int("intermediate_size") // 2)
    return Decoder(attention=gqa(biases="qkv"), feed_forward=branch)(f)


@family("minicpm", defaults="llama")
def minicpm(f: Fields) -> Model:
    """MiniCPM: Llama with scaled residuals; with ``num_experts``, a mixture of experts without shared ones."""
    if not f.given("num_experts"):
        return Decoder(feed_forward=MLP)(f)
    f.assume(
        "num_experts was read as routed experts of intermediate_size in every layer, as the authors' code does"
    )
    return Decoder(feed_forward=mixture(width="intermediate_size"))(f)
