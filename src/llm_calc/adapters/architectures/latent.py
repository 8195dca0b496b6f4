"""Latent attention (MLA) as a piece, with and without the sparse indexer."""

from llm_calc.adapters.architectures.fields import Fields
from llm_calc.adapters.architectures.pieces import Choice, LayerBlocks, Piece, choose, hidden_size
from llm_calc.core.blocks import Block, LatentAttention, SparseIndexer


def latent(*, biases: Choice[str] = "", indexer: bool = False) -> Piece:
    """Multi-head latent attention by the usual keys; ``indexer`` adds that of DeepSeek sparse attention."""

    def piece(f: Fields) -> LayerBlocks:
        hidden, heads = hidden_size(f), f.int("num_attention_heads")
        q_rank = f.optional_int("q_lora_rank") if f.known("q_lora_rank") else None
        f.ignore("num_key_value_heads", "head_dim", "qk_head_dim")
        attention = LatentAttention(
            hidden=hidden,
            heads=heads,
            q_rank=q_rank or None,
            kv_rank=f.int("kv_lora_rank"),
            nope_dim=f.int("qk_nope_head_dim"),
            rope_dim=f.int("qk_rope_head_dim"),
            v_dim=f.int("v_head_dim"),
            biases=choose(biases, f),
            top_k=f.int("index_topk") if indexer else None,
        )
        blocks: tuple[Block, ...] = (
            (attention, sparse_indexer(f, hidden, q_rank or hidden)) if indexer else (attention,)
        )
        return lambda _: blocks

    return piece


def sparse_indexer(f: Fields, hidden: int, q_rows: int) -> SparseIndexer:
    """The lightning indexer by its usual keys."""
    return SparseIndexer(
        hidden=hidden, q_rows=q_rows, heads=f.int("index_n_heads"), head_dim=f.int("index_head_dim")
    )
