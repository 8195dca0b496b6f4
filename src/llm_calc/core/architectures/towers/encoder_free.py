"""Modalities without an encoder: raw patches or frames are projected straight into the text model.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import Tower, Weights, linear, norm, table
from llm_calc.core.model import Model


def gemma4_unified_vision(f: Fields) -> Tower:
    """Pooled squares of patches through one matrix, with norms around it and one table of positions per axis."""
    side, width = f.int("patch_size") * f.int("pooling_kernel_size"), f.int("mm_embed_dim")
    pixels = 3 * side**2
    weights = (
        norm("patch_norm", pixels),
        linear("patch_embedding", pixels, width),
        table("position_embedding", 2 * f.int("mm_posemb_size"), width),
        norm("norms", width, copies=2),
    )
    return Tower(weights=weights, width=f.int("output_proj_dims"))


def gemma4_unified_audio(f: Fields) -> Tower:
    """Frames of ``audio_embed_dim`` numbers, nothing before the projector."""
    return Tower(weights=(), width=f.int("audio_embed_dim"))


def fuyu_patches(f: Fields, model: Model) -> Weights:
    """Fuyu: one matrix from the pixels of a patch to the text's width."""
    pixels = f.int("num_channels") * f.int("patch_size") ** 2
    return (linear("patch_embedding", pixels, model.hidden),)
