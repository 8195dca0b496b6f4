"""Zamba and Zamba2: Mamba layers, and a few sets of attention weights that many layers share."""

from dataclasses import replace

from llm_calc.core.architectures.fields import MOST_LAYERS, Fields
from llm_calc.core.architectures.hybrids import LINEAR, expanded, mamba, stated
from llm_calc.core.architectures.pieces import assemble, hidden_size, kv_head_count
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Attention, Block, Custom, Mamba2, Mlp, Norm, Parts
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.weights import Component, Weight

HYBRID = "hybrid"


def _kinds(f: Fields, default: tuple[str, ...]) -> tuple[str, ...]:
    """The stated kinds of layers, which also tell how many there are."""
    given = f.texts("layers_block_type", None)
    if given is None:
        return default
    kinds = stated(lambda _, __: (), key="layers_block_type")(f, len(given))
    if not {LINEAR, HYBRID}.issuperset(kinds):
        raise f.refusal("layers_block_type", f"a list of {LINEAR}, {HYBRID}")
    return kinds


def _own_projection(hidden: int) -> Block:
    """What leads from the shared block into the stream of a layer; each layer has its own."""
    linear = Weight(name="linear", component="other", rows=hidden, cols=hidden)
    return Custom(name="hybrid_projection", content=Parts(weights=(linear,)))


def _check_sharing(f: Fields) -> None:
    """The class shares its block through the tying of weights, so that an untied file stores one a call."""
    if not f.flag("tie_word_embeddings", default=True):
        f.assume(
            "tie_word_embeddings is false: the shared block was counted once although the class may not share it"
        )


def _shared(model: Model, at: tuple[int, ...], blocks: tuple[Block, ...], sets: int) -> Model:
    """The model with ``sets`` copies of shared blocks that take turns in the layers ``at``."""
    turns = [at[start::sets] for start in range(sets) if at[start::sets]]
    groups = tuple(LayerGroup(indices=turn, blocks=blocks, stored=1) for turn in turns)
    return replace(model, groups=model.groups + groups)


def _transformer(
    f: Fields, *, width: int, heads: int, head_dim: int, intermediate: int, biases: str
) -> tuple[Block, ...]:
    """Attention over the stream beside the embedding (``width``), a feed-forward block, two norms."""
    hidden = hidden_size(f)
    return (
        Attention(hidden=width, heads=heads, kv_heads=kv_head_count(f, heads), head_dim=head_dim, out=hidden),
        Mlp(hidden=hidden, intermediate=intermediate, biases=biases),
        Norm(width=width),
        Norm(width=hidden),
    )


def _stack(
    f: Fields, kinds: tuple[str, ...], mixer: Block, extra: tuple[Block, ...], *, adapted: int | None = None
) -> Model:
    """Every layer has a Mamba mixer with a norm; hybrid layers have ``extra``, the last only in ``adapted`` of them."""
    base = (Norm(width=hidden_size(f)), mixer)
    hybrids = _hybrids(kinds)
    whole = frozenset(hybrids if adapted is None else hybrids[:adapted])
    stack = [
        base if kind != HYBRID else base + (extra if index in whole else extra[:-1])
        for index, kind in enumerate(kinds)
    ]
    return assemble(f, stack)


def _adapted(f: Fields, kinds: tuple[str, ...]) -> int:
    """How many of the hybrid layers have additions of their own: one for each that the file names."""
    hybrids, named = _hybrids(kinds), f.ints("hybrid_layer_ids", None)
    if named is None or named == hybrids:
        return len(hybrids)
    if len(named) > len(hybrids):
        raise f.refusal("hybrid_layer_ids", f"the hybrid layers of layers_block_type, {list(hybrids)}")
    f.assume(
        f"hybrid_layer_ids names {len(named)} layers, of which the stack has {len(hybrids)}; the first were taken"
    )
    return len(named)


def _hybrids(kinds: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(index for index, kind in enumerate(kinds) if kind == HYBRID)


def _periodic(f: Fields) -> tuple[str, ...]:
    """Two Mamba layers and a hybrid one, then one hybrid layer a period."""
    layers = f.int("num_hidden_layers", least=3, most=MOST_LAYERS)
    period, offset = f.int("attn_layer_period"), f.int("attn_layer_offset", least=0)
    later = (HYBRID if index % period == offset else LINEAR for index in range(layers - 3))
    return (LINEAR, LINEAR, HYBRID, *later)


@family("zamba")
def zamba(f: Fields) -> Model:
    """Zamba: one shared block; channels of the first Mamba fall into heads."""
    _check_sharing(f)
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    kinds = _kinds(f, _periodic(f))
    mixer = mamba(f, fused=True)
    if mixer.inner % f.int("n_mamba_heads"):
        raise f.refusal("n_mamba_heads", f"a divisor of the {mixer.inner} inner channels")
    blocks = _transformer(
        f,
        width=f.optional_int("attention_hidden_size", least=1) or 2 * hidden,
        heads=heads,
        head_dim=f.optional_int("attention_head_dim", least=1) or max(1, 2 * hidden // heads),
        intermediate=f.int("intermediate_size"),
        biases="",
    )
    model = _stack(f, kinds, mixer, (_own_projection(hidden),))
    return _shared(model, _hybrids(kinds), blocks, 1)


ZAMBA2_LAYERS = (
    (LINEAR,)
    + (*(LINEAR,) * 5, HYBRID) * 7
    + (*(LINEAR,) * 4, HYBRID, *(LINEAR,) * 3, HYBRID, LINEAR, LINEAR)
)


def _adapters(name: str, component: Component, rows: int, cols: int, rank: int) -> tuple[Weight, ...]:
    """A low-rank addition to a shared projection, which each layer has for itself."""
    return (
        Weight(name=f"{name}_adapter_a", component=component, rows=rows, cols=rank),
        Weight(name=f"{name}_adapter_b", component=component, rows=rank, cols=cols),
    )


def _layer_adapters(f: Fields, intermediate: int) -> Block:
    hidden, rank = hidden_size(f), f.int("adapter_rank")
    weights = _adapters("gate_up_proj", "mlp", hidden, 2 * intermediate, rank)
    if f.flag("use_shared_attention_adapter"):
        for name in ("q_proj", "k_proj", "v_proj"):
            weights += _adapters(name, "attention", 2 * hidden, 2 * hidden, rank)
    return Custom(name="adapters", content=Parts(weights=weights))


def _zamba2_mixer(f: Fields) -> Mamba2:
    """The convolution has a bias whatever ``use_conv_bias`` says."""
    inner, heads = expanded(f, "mamba_expand"), f.int("n_mamba_heads")
    bias = f.flag("add_bias_linear")
    head_dim = f.int("mamba_headdim", max(1, inner // heads))
    if heads * head_dim != inner:
        raise f.refusal("n_mamba_heads", f"a number that times mamba_headdim ({head_dim}) gives {inner}")
    f.agree(use_shared_mlp_adapter=True, state_size=f.int("mamba_d_state"))
    return Mamba2(
        hidden=hidden_size(f),
        heads=heads,
        head_dim=head_dim,
        state=f.int("mamba_d_state"),
        groups=f.int("mamba_ngroups"),
        conv_kernel=f.int("mamba_d_conv"),
        proj_bias=bias,
        out_bias=bias,
    )


@family(
    "zamba2",
)
def zamba2(f: Fields) -> Model:
    """Zamba2: ``num_mem_blocks`` shared blocks in turn, each layer with low-rank additions of its own."""
    _check_sharing(f)
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    kinds = _kinds(f, ZAMBA2_LAYERS)
    intermediate = f.optional_int("intermediate_size", least=1) or 4 * hidden
    blocks = _transformer(
        f,
        width=f.int("attention_hidden_size", 2 * hidden),
        heads=heads,
        head_dim=f.int("attention_head_dim", max(1, 2 * hidden // heads)),
        intermediate=intermediate,
        biases="gud" if f.flag("add_bias_linear") else "",
    )
    extra = (_own_projection(hidden), _layer_adapters(f, intermediate))
    model = _stack(f, kinds, _zamba2_mixer(f), extra, adapted=_adapted(f, kinds))
    return _shared(model, _hybrids(kinds), blocks, f.int("num_mem_blocks"))
