"""dots3-note: latent attention of two shapes, with an indexer on some layers and a window on the others."""

from llm_calc.core.architectures.families.deepseek import BIASES
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.latent import LatentShape, attention_weights, sparse_indexer
from llm_calc.core.architectures.mixtures import by_mlp_types, dense_then_step, mixture
from llm_calc.core.architectures.pieces import assemble, hidden_size, norms, num_layers
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.windows import FULL, SLIDING, sizes_by_layer
from llm_calc.core.blocks import Block, Custom, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import vector

INDEXED = "indexed_attention"
WINDOWED_WIDTHS = {
    "num_attention_heads": 64,
    "q_lora_rank": 1024,
    "kv_lora_rank": 1024,
    "qk_nope_head_dim": 192,
    "v_head_dim": 128,
}
"""What windowed layers have where the file gives neither ``swa_…`` keys nor ``per_layer_config``."""
OVERRIDDEN = frozenset({*WINDOWED_WIDTHS, "qk_rope_head_dim", "num_key_value_heads", "head_dim"})


def _layer_types(f: Fields, layers: int) -> tuple[str, ...]:
    """The first two layers and every fourth see everything, by an indexer unless it is switched off."""
    settled = f.given("per_layer_config")
    stated = f.raw("use_dsa", None)
    uses_indexer = not settled if stated is None else bool(stated)
    windowed, given = f.flag("use_sliding_window", default=True), f.texts("layer_types", None)
    wide = INDEXED if stated is None or uses_indexer else FULL
    if given is None:
        return tuple(
            wide if not windowed or index < 2 or index % 4 == 1 else SLIDING for index in range(layers)
        )
    if len(given) < layers or not {INDEXED, FULL, SLIDING}.issuperset(given):
        raise f.refusal("layer_types", f"a list of {layers} of {INDEXED}, {FULL}, {SLIDING}")
    if stated is None and settled:
        return given[:layers]
    renamed = {FULL: INDEXED} if uses_indexer else {INDEXED: FULL}
    return tuple(renamed.get(kind, kind) for kind in given[:layers])


def _window_widths(f: Fields) -> dict[str, int]:
    """Widths of windowed layers by the keys of published files."""
    widths = {key: f.int(f"swa_{key}", default) for key, default in WINDOWED_WIDTHS.items()}
    head = f.int("swa_head_dim", 256)
    widths["qk_rope_head_dim"] = f.int("swa_qk_rope_head_dim", head - widths["qk_nope_head_dim"])
    return widths


def _overrides(f: Fields, kinds: tuple[str, ...]) -> dict[int, dict[str, int]]:
    stated = sizes_by_layer(f, "per_layer_config", OVERRIDDEN)
    if not stated:
        widths = _window_widths(f)
        return {index: widths for index, kind in enumerate(kinds) if kind == SLIDING}
    return stated


def _attention(f: Fields, kind: str, shape: LatentShape) -> tuple[Block, ...]:
    """Latent attention with a norm of the rotated key, a gate of every head and, where it sees all, an indexer."""
    hidden = hidden_size(f)
    window = (f.optional_int("sliding_window", least=1) or 512) if kind == SLIDING else None
    top_k = f.int("index_topk") if kind == INDEXED else None
    block = shape.attention(hidden, biases=BIASES(f), window=window, top_k=top_k)
    extra = attention_weights(head_gate=(hidden, shape.heads))
    extra = extra + Parts(weights=(vector("k_rope_norm", "attention", shape.rope_dim),))
    blocks: tuple[Block, ...] = (block, Custom(name="gate", content=extra))
    return (*blocks, sparse_indexer(f, hidden, shape.q_rank or hidden)) if kind == INDEXED else blocks


@family("dots3_note_text")
def dots3_note_text(f: Fields) -> Model:
    """dots3-note, text part."""
    f.also("sliding_window", "sliding_window_size")
    layers, shape = num_layers(f), LatentShape.of(f)
    kinds = _layer_types(f, layers)
    overrides = _overrides(f, kinds)
    f.also("shared_experts_intermediate_size", "moe_shared_expert_intermediate_size")
    experts = mixture(
        experts="n_routed_experts",
        sparse=by_mlp_types(dense_then_step()),
        shared_width=lambda fields: fields.int("shared_experts_intermediate_size"),
    )(f)
    norm, stack = norms(2)(f), []
    for index, kind in enumerate(kinds):
        attention = _attention(f, kind, shape.overridden(overrides.get(index, {})))
        stack.append((*norm(index), *attention, *experts(index)))
    f.agree(n_shared_experts=1)
    return assemble(f, stack)
