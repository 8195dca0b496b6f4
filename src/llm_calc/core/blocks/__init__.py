"""The kinds of block that layers are built of; each describes itself by ``Parts`` alone."""

from llm_calc.core.blocks.attention import Attention, LatentAttention, SparseIndexer
from llm_calc.core.blocks.feed_forward import Experts, Mlp
from llm_calc.core.blocks.parts import Block, Custom, Norm, Parts

__all__ = ["Attention", "Block", "Custom", "Experts", "LatentAttention", "Mlp", "Norm", "Parts", "SparseIndexer"]
