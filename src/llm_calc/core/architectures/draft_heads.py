"""An EAGLE or EAGLE-3 head as a request or the model that it drafts for describes it."""

from collections.abc import Iterator, Mapping

from llm_calc.core.blocks import Attention, Mlp
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.model import Model
from llm_calc.core.serving.heads import EagleHead

FIELD = "speculative.draft"
CONFIG = f"{FIELD}.hf_config"
USUAL_VOCABULARY, USUAL_HEAD_DIM, USUAL_KV_HEADS, USUAL_WIDENING = 32_000, 128, 8, 6
"""What heads have in sgl-project/SpecForge@a6b6b02 ``configs``; feed-forward layers of the ten for mixtures of experts
are 2.7 to 8 times as wide as the model, 6 in the middle; checked: 2026-11-30, read."""
LAYER, AUXILIARY = "transformer_layer_config", "eagle_config"
"""Parts of a head's configuration that may hold what describes it."""
NOT_LLAMA = ("kv_lora_rank", "n_routed_experts", "num_experts", "num_local_experts")
IDLE = frozenset(
    {
        "architectures", "auto_map", "bos_token_id", "eos_token_id", "pad_token_id", "hidden_act", "initializer_range",
        "max_position_embeddings", "model_type", "pretraining_tp", "rms_norm_eps", "rope_scaling", "rope_theta",
        "rope_parameters", "tie_word_embeddings", "torch_dtype", "dtype", "transformers_version", "use_cache",
        "attention_dropout", "max_window_layers", "use_sliding_window", "speculators_config", "speculators_version",
        "speculators_model_type", "norm_before_residual", "norm_before_fc", "norm_output", "mlp_bias", "_name_or_path",
        "quantization_config", "embed_requires_grad", "fc_norm", "use_aux_norm", "parallel_drafting", "tie_weights",
    }
)  # fmt: skip
"""Keys that change neither tensors nor caches of a head by more than a vector."""
READ = frozenset(
    {
        "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
        "draft_vocab_size", "target_hidden_size", "num_hidden_layers", "num_aux_hidden_states", "attention_bias",
        "eagle_aux_hidden_state_layer_ids", "use_aux_hidden_state", LAYER, AUXILIARY,
    }
)  # fmt: skip


def read_head(
    config: Mapping[str, object], features: int, target: Model
) -> tuple[EagleHead, tuple[str, ...]]:
    """The head that a configuration describes, and its keys that nothing here reads.

    Raises:
        InvalidInputError: names the key that is missing or no number.
        UnsupportedError: a head that is not built like Llama's layers, or of a model of another width or vocabulary.
    """
    flat = _flat(config)
    if found := [key for key in NOT_LLAMA if flat.get(key)]:
        msg = (
            f"{CONFIG}.{found[0]}: heads of plain attention and feed-forward layers are known, and no others"
        )
        raise UnsupportedError(msg, field=f"{CONFIG}.{found[0]}")
    hidden, heads = _int(flat, "hidden_size"), _int(flat, "num_attention_heads")
    vocab = _int(flat, "vocab_size", target.vocab)
    _fits_tokens(vocab, _int(flat, "draft_vocab_size", vocab), target)
    head = EagleHead(
        hidden=hidden,
        intermediate=_int(flat, "intermediate_size"),
        heads=heads,
        kv_heads=_int(flat, "num_key_value_heads", heads),
        head_dim=_int(flat, "head_dim", max(1, hidden // heads)),
        vocab=vocab,
        draft_vocab=_int(flat, "draft_vocab_size", vocab) if features else vocab,
        target_hidden=_read_width(flat, hidden, features, target, own=LAYER not in config),
        layers=_int(flat, "num_hidden_layers", 1),
        features=_features(flat, features),
        biases="qkv" if flat.get("attention_bias") is True else "",
    )
    return head, tuple(_unread(flat))


def _read_width(flat: Mapping[str, object], hidden: int, features: int, target: Model, *, own: bool) -> int:
    """Width of what the head reads of the model; ``own``: as wide as the head where nothing says so.

    As vLLM 0.33.0 ``model_executor/models/llama_eagle3.py`` reads it; a head of the first kind has the model's width.
    """
    key = "target_hidden_size" if features else "hidden_size"
    width = _int(flat, "target_hidden_size", hidden if own else target.hidden) if features else hidden
    if width != target.hidden:
        said = width if flat.get(key) is not None else f"missing, which stands for hidden_size, {width}"
        msg = (
            f"{CONFIG}.{key}: it is {said}, and the model is {target.hidden} wide; a head drafts for the model that "
            "it was trained for alone"
        )
        raise UnsupportedError(msg, field=f"{CONFIG}.{key}", accepted=[target.hidden])
    return width


def _fits_tokens(vocab: int, drafted: int, target: Model) -> None:
    """Refuses tokens of another model, and more that are drafted than there are."""
    if vocab != target.vocab:
        msg = (
            f"{CONFIG}.vocab_size: the head has {vocab} tokens and the model {target.vocab}; a head drafts for the "
            "model that it was trained for alone"
        )
        raise UnsupportedError(msg, field=f"{CONFIG}.vocab_size", accepted=[target.vocab])
    if drafted > vocab:
        msg = f"{CONFIG}.draft_vocab_size: {drafted} is more than the {vocab} tokens that the model has"
        raise InvalidInputError(msg, field=f"{CONFIG}.draft_vocab_size")


def _flat(config: Mapping[str, object]) -> dict[str, object]:
    """A configuration with the parts that describe the layer and what it reads, the whole's own keys first."""
    flat = dict(config)
    for name in (LAYER, AUXILIARY):
        part = config.get(name)
        if isinstance(part, Mapping):
            flat = {**part, **flat}
    return flat


def _features(flat: Mapping[str, object], usual: int) -> int:
    if not usual:
        return 0
    layers = flat.get("eagle_aux_hidden_state_layer_ids")
    listed = len(layers) if isinstance(layers, list) and layers else usual
    return 1 if flat.get("use_aux_hidden_state") is False else _int(flat, "num_aux_hidden_states", listed)


def _int(flat: Mapping[str, object], key: str, otherwise: int | None = None) -> int:
    value = flat.get(key)
    if value is None and otherwise is not None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000_000:
        said = (
            "is missing" if value is None else f"must be a whole number from 1 to 10000000; it is {value!r}"
        )
        raise InvalidInputError(f"{CONFIG}.{key}: {said}", field=f"{CONFIG}.{key}")
    return value


def _unread(flat: Mapping[str, object]) -> Iterator[str]:
    for key in sorted(set(flat) - READ - IDLE):
        if flat[key] is not None:
            yield f"{CONFIG}.{key}: nothing of a head is known to follow from it; it is not used"


def usual_head(model: Model, features: int) -> EagleHead:
    """A head by the dimensions of the model that it drafts for.

    Attention as in the model's last layer of plain attention, else as wide as the model in heads of 128 with 8 KV
    heads; feed-forward as in its widest plain one, of a mixture of experts six times the model's width.
    """
    blocks = [block for group in model.groups for block in group.blocks]
    attention = next((block for block in reversed(blocks) if isinstance(block, Attention)), None)
    plain = [block.intermediate for block in blocks if isinstance(block, Mlp) and block.component == "mlp"]
    heads = max(1, model.hidden // USUAL_HEAD_DIM)
    return EagleHead(
        hidden=model.hidden,
        intermediate=USUAL_WIDENING * model.hidden if model.num_experts or not plain else max(plain),
        heads=attention.heads if attention else heads,
        kv_heads=attention.kv_heads if attention else min(USUAL_KV_HEADS, heads),
        head_dim=attention.head_dim if attention else USUAL_HEAD_DIM,
        vocab=model.vocab,
        draft_vocab=min(USUAL_VOCABULARY, model.vocab) if features else model.vocab,
        target_hidden=model.hidden,
        features=features,
    )
