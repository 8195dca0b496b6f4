"""The kinds of block that layers are built of; each describes itself by ``Parts`` alone."""

from llm_calc.core.blocks.attention import Attention, LatentAttention, SparseIndexer
from llm_calc.core.blocks.feed_forward import Experts, Mlp
from llm_calc.core.blocks.linear_attention import GatedDeltaNet, KimiDelta, LightningAttention, MatrixLstm
from llm_calc.core.blocks.parts import Block, Custom, Norm, Parts
from llm_calc.core.blocks.recurrent import (
    Mamba,
    Mamba2,
    RgLru,
    ShortConvolution,
    Smoothing,
)
from llm_calc.core.blocks.rwkv import RwkvChannelMix, RwkvTimeMix

__all__ = [
    "Attention",
    "Block",
    "Custom",
    "Experts",
    "GatedDeltaNet",
    "KimiDelta",
    "LatentAttention",
    "LightningAttention",
    "Mamba",
    "Mamba2",
    "MatrixLstm",
    "Mlp",
    "Norm",
    "Parts",
    "RgLru",
    "RwkvChannelMix",
    "RwkvTimeMix",
    "ShortConvolution",
    "Smoothing",
    "SparseIndexer",
]
