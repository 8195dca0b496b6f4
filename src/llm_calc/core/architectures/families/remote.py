"""Models whose class only their authors' repository holds; sizes follow the code published there."""

from llm_calc.core.architectures.families.early import PHI
from llm_calc.core.architectures.families.llama import MLP
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import first_dense, mixture, shared_times
from llm_calc.core.architectures.notes import WITHOUT_PREDICTION
from llm_calc.core.architectures.pieces import Decoder, gqa, hidden_size, kv_head_count, mlp, norms, when
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


@family("chatglm")
def chatglm(f: Fields) -> Model:
    """ChatGLM 2 and 3, GLM-4 of 2024, CodeGeeX 4: gate and up in one matrix, keys and values of a few groups.

    Source: vLLM at 028aedf, ``model_executor/models/chatglm.py``; ``checked: 2026-11-30``, read.
    """
    for key, spelling in (
        ("num_hidden_layers", "num_layers"),
        ("intermediate_size", "ffn_hidden_size"),
        ("vocab_size", "padded_vocab_size"),
        ("head_dim", "kv_channels"),
        ("max_position_embeddings", "seq_length"),
        ("num_key_value_heads", "multi_query_group_num"),
    ):
        f.also(key, spelling)
    f.agree(post_layer_norm=True)
    biased, with_mean = f.flag("add_bias_linear", default=False), not f.flag("rmsnorm", default=True)
    biases = "qkvo" if biased else "qkv" if f.flag("add_qkv_bias", default=False) else ""
    shared = f.flag("multi_query_attention", default=False)
    return Decoder(
        attention=gqa(biases=biases, kv_heads=kv_head_count if shared else lambda _, heads: heads),
        feed_forward=mlp(biases="gud" if biased else ""),
        norms=norms(2, bias=with_mean),
        final_norm_bias=with_mean,
    )(f)
