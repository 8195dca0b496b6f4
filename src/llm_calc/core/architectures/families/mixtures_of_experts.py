"""Decoders with grouped attention and experts, each with few peculiarities."""

from collections.abc import Callable

from llm_calc.core.architectures.families.llama import ALL_BIASES, BIASES, INPUT_BIASES
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import (
    by_mlp_types,
    every_layer,
    first_dense,
    leading_dense,
    mixture,
    shared_times,
    sparse_step,
)
from llm_calc.core.architectures.pieces import (
    Decoder,
    filling_width,
    gqa,
    hidden_size,
    norms,
    num_layers,
    stated,
    when,
)
from llm_calc.core.architectures.registry import family, register
from llm_calc.core.architectures.windows import (
    FULL,
    SLIDING,
    all_full,
    by_type,
    full_every,
    full_first,
    if_window,
    layer_types,
    sliding_everywhere,
)
from llm_calc.core.blocks import Experts
from llm_calc.core.model import Model

LOCAL_EXPERTS = mixture(experts="num_local_experts", width="intermediate_size")


register("mixtral", read=Decoder(attention=gqa(windows=sliding_everywhere), feed_forward=LOCAL_EXPERTS))
MINIMAX_M2 = Decoder(attention=gqa(qk_norm=stated("use_qk_norm", "full")), feed_forward=LOCAL_EXPERTS)


def _minimax_m2(f: Fields) -> Model:
    """Its files list the attention of each layer as 1: there is no other kind."""
    f.agree(attn_type_list=[1] * num_layers(f))
    return MINIMAX_M2(f)


register(
    "minimax_m2",
    repeats={"shared_intermediate_size": 0, "qk_norm_type": "per_layer"},
    read=_minimax_m2,
)
register(
    "gpt_oss",
    read=Decoder(
        attention=gqa(biases=BIASES, sinks=True, windows=by_type(layer_types(full_every(2)))),
        feed_forward=mixture(
            experts="num_local_experts", width="intermediate_size", biases="gud", router_bias=True
        ),
    ),
)
register(
    "glm4_moe",
    "sarvam_moe",
    read=Decoder(
        attention=gqa(biases=INPUT_BIASES, qk_norm=when("use_qk_norm", "head")),
        feed_forward=mixture(experts="n_routed_experts", sparse=first_dense(), shared_width=shared_times()),
    ),
)
register(
    "olmoe",
    read=Decoder(
        attention=gqa(biases=BIASES, qk_norm="full", head_dim=filling_width),
        feed_forward=mixture(width="intermediate_size"),
    ),
)
register(
    "flex_olmo",
    read=Decoder(
        attention=gqa(biases=BIASES, qk_norm="full", head_dim=filling_width),
        feed_forward=mixture(width="intermediate_size"),
    ),
)
register("granitemoe", read=Decoder(attention=gqa(biases=BIASES), feed_forward=LOCAL_EXPERTS))
register(
    "granitemoe_swa",
    read=Decoder(
        attention=gqa(biases=BIASES, sinks=True, windows=by_type(layer_types(full_first(4)))),
        feed_forward=LOCAL_EXPERTS,
    ),
)
register(
    "granitemoeshared",
    read=Decoder(
        attention=gqa(biases=BIASES),
        feed_forward=mixture(
            experts="num_local_experts",
            width="intermediate_size",
            shared_width=lambda f: f.int("shared_intermediate_size", least=0),
        ),
    ),
)
register(
    "aria_text",
    read=Decoder(
        attention=gqa(biases=BIASES),
        feed_forward=mixture(
            experts="moe_num_experts",
            top_k="moe_topk",
            width="intermediate_size",
            shared_width=shared_times("moe_num_shared_experts", "intermediate_size"),
        ),
    ),
)


def _same_everywhere(key: str) -> Callable[[Fields], int]:
    """One number, or a list that repeats it for every layer."""

    def read(f: Fields) -> int:
        if not isinstance(f.raw(key), list):
            return f.int(key)
        values = f.ints(key) or (0,)
        if len(set(values)) != 1:
            raise f.refusal(key, "one number for all layers")
        return values[0]

    return read


@family(
    "hunyuan_v1_moe",
)
def hunyuan_v1_moe(f: Fields) -> Model:
    """HunYuan MoE: one shared block beside the experts, all of ``intermediate_size``."""
    used = _same_everywhere("moe_topk")(f)
    for key, usual in (("num_shared_expert", 1), ("moe_intermediate_size", f.int("intermediate_size"))):
        if f.given(key) and _same_everywhere(key)(f) != usual:
            f.assume(f"{key} was ignored, as the reference class does")
    width, many = f.int("intermediate_size"), f.int("num_experts")
    if used > many:
        raise f.refusal("moe_topk", f"at most num_experts ({many})")
    experts = Experts(hidden=hidden_size(f), experts=many, top_k=used, intermediate=width, shared_width=width)
    attention = gqa(biases=BIASES, qk_norm=stated("use_qk_norm", "head"))
    return Decoder(attention=attention, feed_forward=lambda _: lambda _: (experts,))(f)


register(
    "afmoe",
    read=Decoder(
        attention=gqa(
            biases=BIASES,
            qk_norm="head",
            gate="channel",
            windows=by_type(layer_types(full_every(4, "global_attn_every_n_layers"))),
        ),
        feed_forward=mixture(
            sparse=first_dense("num_dense_layers"),
            shared_width=shared_times("num_shared_experts"),
            router_bias=True,
        ),
        norms=norms(4),
    ),
)
register(
    "dots1",
    read=Decoder(
        attention=gqa(biases=BIASES, qk_norm="head", windows=by_type(layer_types(if_window(all_full)))),
        feed_forward=mixture(experts="n_routed_experts", sparse=first_dense(), shared_width=shared_times()),
    ),
)
register(
    "solar_open",
    read=Decoder(
        attention=gqa(biases=INPUT_BIASES),
        feed_forward=mixture(experts="n_routed_experts", shared_width=shared_times()),
    ),
)
register(
    "hy_v3",
    read=Decoder(
        attention=gqa(biases=BIASES, qk_norm="head"),
        feed_forward=mixture(
            sparse=by_mlp_types(leading_dense()),
            shared_width=lambda f: shared_times("num_shared_experts")(f) or f.int("intermediate_size"),
            dense_biases=when("mlp_bias", "gud"),
            shared_biases=when("mlp_bias", "gud"),
        ),
    ),
)
register(
    "mellum",
    read=Decoder(
        attention=gqa(biases=BIASES, qk_norm="head", windows=by_type(layer_types(all_full))),
        feed_forward=mixture(sparse=by_mlp_types(every_layer)),
    ),
)
register(
    "exaone_moe",
    read=Decoder(
        attention=gqa(
            qk_norm="head", windows=by_type(layer_types(if_window(full_every(4, "sliding_window_pattern"))))
        ),
        feed_forward=mixture(
            sparse=by_mlp_types(first_dense()), shared_width=shared_times("num_shared_experts")
        ),
    ),
)
register(
    "kolibri1",
    read=Decoder(
        attention=gqa(qk_norm="head", windows=by_type(layer_types(full_every(5)))),
        feed_forward=mixture(shared_width=lambda f: f.int("shared_expert_intermediate_size")),
        norms=norms(4),
    ),
)


def _flint_types(_: Fields, layers: int) -> tuple[str, ...]:
    """Full attention in the first two layers, every fourth and the last."""
    full = {0, 1, layers - 1, *range(1, layers, 4)}
    return tuple(FULL if index in full else SLIDING for index in range(layers))


def _flint_sparse(f: Fields, layers: int) -> Callable[[int], bool]:
    if f.ints("mlp_only_layers", None) is not None:
        return sparse_step(f, layers)
    stepped = sparse_step(f, layers)
    return lambda index: index > 1 and stepped(index)


register(
    "flint",
    read=Decoder(
        attention=gqa(biases=BIASES, qk_norm="head", sinks=True, windows=by_type(layer_types(_flint_types))),
        feed_forward=mixture(
            sparse=_flint_sparse, shared_width=lambda f: f.int("shared_expert_intermediate_size")
        ),
    ),
)


def _ernie_sparse(f: Fields, layers: int) -> Callable[[int], bool]:
    """Every ``moe_layer_interval``-th layer from the start index to the end index."""
    step, first = f.int("moe_layer_interval"), f.int("moe_layer_start_index", least=0)
    last = f.ints("moe_layer_end_index_", (f.raw("moe_layer_end_index"),))
    end = layers - 1 if last == (-1,) else (last or (0,))[0]
    return lambda index: (index + 1) % step == 0 and first <= index <= end


register(
    "ernie4_5_moe",
    repeats={"moe_gate": "topk"},
    read=Decoder(
        attention=gqa(biases=ALL_BIASES),
        feed_forward=mixture(
            experts="moe_num_experts",
            top_k="moe_k",
            sparse=_ernie_sparse,
            shared_width=shared_times("moe_num_shared_experts"),
            dense_biases=when("use_bias", "gud"),
            shared_biases=when("use_bias", "gud"),
            router_bias=True,
        ),
        head_bias=lambda f: f.flag("use_bias"),
    ),
)


def _beam_types(_: Fields, layers: int) -> tuple[str, ...]:
    """Every sixth layer and the last one see everything."""
    return tuple(FULL if (index + 1) % 6 == 0 or index == layers - 1 else SLIDING for index in range(layers))


register(
    "beam",
    read=Decoder(
        attention=gqa(
            biases=BIASES,
            qk_norm="head",
            sinks=True,
            gate="channel",
            windows=by_type(layer_types(_beam_types)),
        ),
        feed_forward=mixture(sparse=by_mlp_types(leading_dense(3))),
        norms=norms(4),
    ),
)
