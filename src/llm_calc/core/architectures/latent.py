"""Latent attention (MLA) as a piece, with and without the sparse indexer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import Choice, LayerBlocks, Piece, choose, hidden_size, num_layers
from llm_calc.core.blocks import Block, Custom, LatentAttention, Parts, SparseIndexer
from llm_calc.core.weights import Weight, vector

Indexed = Callable[[Fields, int], Callable[[int], bool]]
"""For n layers: whether a layer has an indexer of its own."""


def everywhere(_: Fields, __: int) -> Callable[[int], bool]:
    """Every layer has its own indexer."""
    return lambda _: True


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentShape:
    """The widths of latent attention as files name them."""

    heads: int
    q_rank: int | None
    kv_rank: int
    nope_dim: int
    rope_dim: int
    v_dim: int

    @classmethod
    def of(cls, f: Fields) -> "LatentShape":
        """Reads the usual keys; keys that repeat them are marked as understood.

        Values are as wide as an equal share of the hidden size where no width is stated.
        """
        f.pass_by("when:latent_attention")
        q_rank = f.optional_int("q_lora_rank", least=1) if f.known("q_lora_rank") else None
        heads = f.int("num_attention_heads")
        share = max(1, hidden_size(f) // heads)
        nope_dim, rope_dim = f.int("qk_nope_head_dim"), f.int("qk_rope_head_dim")
        f.agree(qk_head_dim=nope_dim + rope_dim)
        return cls(
            heads=heads,
            q_rank=q_rank,
            kv_rank=f.int("kv_lora_rank"),
            nope_dim=nope_dim,
            rope_dim=rope_dim,
            v_dim=f.int("v_head_dim") if f.known("v_head_dim") else share,
        )

    def overridden(self, values: Mapping[str, int]) -> "LatentShape":
        """The same with some widths replaced, by the names that files use."""
        names = {
            "num_attention_heads": "heads",
            "q_lora_rank": "q_rank",
            "kv_lora_rank": "kv_rank",
            "qk_nope_head_dim": "nope_dim",
            "qk_rope_head_dim": "rope_dim",
            "v_head_dim": "v_dim",
        }
        return replace(self, **{names[key]: value for key, value in values.items() if key in names})

    def attention(
        self, hidden: int, *, biases: str = "", window: int | None = None, top_k: int | None = None
    ) -> LatentAttention:
        """The block of these widths."""
        return LatentAttention(
            hidden=hidden,
            heads=self.heads,
            q_rank=self.q_rank,
            kv_rank=self.kv_rank,
            nope_dim=self.nope_dim,
            rope_dim=self.rope_dim,
            v_dim=self.v_dim,
            biases=biases,
            window=window,
            top_k=top_k,
        )


def latent(
    *, biases: Choice[str] = "", indexed: Indexed | None = None, extra: Choice[Parts] | None = None
) -> Piece:
    """Multi-head latent attention by the usual keys.

    ``indexed``: layers with an indexer of DeepSeek sparse attention; the others of such a model reuse its choice.
    ``extra``: further weights of the attention.
    """

    def piece(f: Fields) -> LayerBlocks:
        hidden, shape = hidden_size(f), LatentShape.of(f)
        top_k = f.int("index_topk") if indexed else None
        attention: tuple[Block, ...] = (shape.attention(hidden, biases=choose(biases, f), top_k=top_k),)
        if extra is not None:
            attention = (*attention, Custom(name="attention_extras", content=choose(extra, f)))
        if indexed is None:
            return lambda _: attention
        refuse_other_kinds(f)
        has_indexer = indexed(f, num_layers(f))
        with_indexer = (*attention, sparse_indexer(f, hidden, shape.q_rank or hidden))
        return lambda index: with_indexer if has_indexer(index) else attention

    return piece


INDEXED = frozenset({"indexed_attention", "deepseek_sparse_attention", "full_attention"})
"""Kinds by which files call the layers of such a stack, all alike."""


def refuse_other_kinds(f: Fields) -> None:
    """A stack of sparse attention has layers of no other kind."""
    if not INDEXED.issuperset(f.texts("layer_types", None) or ()):
        raise f.refusal("layer_types", f"a list of {', '.join(sorted(INDEXED))}")


def sparse_indexer(f: Fields, hidden: int, q_rows: int) -> SparseIndexer:
    """The lightning indexer by its usual keys."""
    return SparseIndexer(
        hidden=hidden, q_rows=q_rows, heads=f.int("index_n_heads"), head_dim=f.int("index_head_dim")
    )


def attention_weights(**shapes: tuple[int, int]) -> Parts:
    """Matrices of the attention by name: (input width, output width)."""
    weights = (
        Weight(name=name, component="attention", rows=rows, cols=cols)
        for name, (rows, cols) in shapes.items()
    )
    return Parts(weights=tuple(weights))


def attention_vectors(name: str, elements: int) -> Parts:
    """A vector of the attention."""
    return Parts(weights=(vector(name, "attention", elements),))
