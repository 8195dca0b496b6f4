"""Feed-forward pieces of mixtures of experts, and the rules by which layers are dense or sparse."""

from collections.abc import Callable, Sequence

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import Choice, LayerBlocks, Piece, choose, hidden_size, num_layers
from llm_calc.core.blocks import Block, Experts, Mlp

Sparse = Callable[[Fields, int], Callable[[int], bool]]
"""For n layers: whether a layer is a mixture of experts."""


COUNTS = ("num_experts", "n_routed_experts", "num_local_experts")
"""Names of the number of experts, of which some files write a second one."""


def every_layer(_: Fields, __: int) -> Callable[[int], bool]:
    """No dense layers."""
    return lambda _: True


def first_dense(key: str = "first_k_dense_replace") -> Sparse:
    """The first ``key`` layers are dense; a step that some files add is one in all of them."""

    def rule(f: Fields, _: int) -> Callable[[int], bool]:
        f.agree(moe_layer_freq=1)
        dense = f.optional_int(key) or 0
        return lambda index: index >= dense

    return rule


def leading_dense(count: int = 1) -> Sparse:
    """So many dense layers at the start, whatever the file says of them elsewhere."""

    def rule(f: Fields, _: int) -> Callable[[int], bool]:
        f.agree(first_k_dense_replace=count)
        return lambda index: index >= count

    return rule


def dense_then_step(dense: int = 1) -> Sparse:
    """Sparse from ``first_k_dense_replace`` on, where the index is a multiple of ``moe_layer_freq``."""

    def rule(f: Fields, _: int) -> Callable[[int], bool]:
        first, step = f.int("first_k_dense_replace", dense, least=0), f.int("moe_layer_freq", 1)
        return lambda index: index >= first and index % step == 0

    return rule


def sparse_step(f: Fields, _: int) -> Callable[[int], bool]:
    """Qwen: every ``decoder_sparse_step``-th layer that ``mlp_only_layers`` does not name."""
    step, dense = f.int("decoder_sparse_step"), frozenset(f.ints("mlp_only_layers") or ())
    experts = f.int("num_experts", least=0)
    return lambda index: experts > 0 and index not in dense and (index + 1) % step == 0


def by_mlp_types(otherwise: Sparse, key: str = "mlp_layer_types") -> Sparse:
    """A list of ``dense`` and ``sparse``; another rule where the file has none."""

    def rule(f: Fields, layers: int) -> Callable[[int], bool]:
        kinds = f.texts(key, None)
        if kinds is None:
            return otherwise(f, layers)
        f.pass_by("when:kinds_listed")
        if len(kinds) < layers or not {"dense", "sparse"}.issuperset(kinds):
            raise f.refusal(key, f"a list of {layers} of dense, sparse")
        dense = [index for index, kind in enumerate(kinds[:layers]) if kind == "dense"]
        f.agree(decoder_sparse_step=1, mlp_only_layers=dense)
        return lambda index: kinds[index] == "sparse"

    return rule


def routed(f: Fields, experts: str, top_k: str) -> tuple[int, int]:
    """Experts of a layer and how many of them a token is sent to."""
    many, used = f.int(experts), f.optional_int(top_k, least=1)
    f.agree(**dict.fromkeys(COUNTS, many))
    if used is None:
        f.assume(f"{top_k} is null; one expert a token was assumed")
        return many, 1
    if used > many:
        raise f.refusal(top_k, f"at most {experts} ({many})")
    return many, used


def mixture(
    *,
    experts: str = "num_experts",
    top_k: str = "num_experts_per_tok",
    width: str = "moe_intermediate_size",
    dense_width: str = "intermediate_size",
    sparse: Sparse = every_layer,
    shared_width: Choice[int] = 0,
    shared_gate: bool = False,
    shared_biases: Choice[str] = "",
    biases: Choice[str] = "",
    dense_biases: Choice[str] = "",
    router_bias: Choice[bool] = False,
) -> Piece:
    """Routed experts in the layers that ``sparse`` tells, a gated feed-forward block in the others."""

    def piece(f: Fields) -> LayerBlocks:
        layers, hidden = num_layers(f), hidden_size(f)
        is_sparse = sparse(f, layers)
        chosen = [is_sparse(index) for index in range(layers)]
        dense: Block | None = None
        moe: Block | None = None
        if False in chosen:
            dense = Mlp(hidden=hidden, intermediate=f.int(dense_width), biases=choose(dense_biases, f))
        if any(chosen):
            many, used = routed(f, experts, top_k)
            moe = Experts(
                hidden=hidden,
                experts=many,
                top_k=used,
                intermediate=f.int(width),
                biases=choose(biases, f),
                router_bias=many if choose(router_bias, f) else 0,
                shared_width=choose(shared_width, f),
                shared_gate=shared_gate,
                shared_biases=choose(shared_biases, f),
            )
        f.pass_by("when:kinds_differ", experts, top_k, width, dense_width)
        return by_choice(chosen, moe, dense)

    return piece


def by_choice(chosen: Sequence[bool], moe: Block | None, dense: Block | None) -> LayerBlocks:
    """The one block or the other, layer by layer."""
    blocks = {True: moe, False: dense}
    return lambda index: tuple(block for block in (blocks[chosen[index]],) if block is not None)


def shared_times(
    key: str = "n_shared_experts", width: str = "moe_intermediate_size"
) -> Callable[[Fields], int]:
    """Total width of shared experts of the routed experts' width."""
    return lambda f: (f.optional_int(key) or 0) * f.int(width)
