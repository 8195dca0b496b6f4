"""Vision towers of Llama 4 and Llama 3.2 Vision (Mllama).

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    depth,
    encoder_of,
    linear,
    norm,
    patch_grid,
    patch_volume,
    per_patch,
    table,
    vector,
)

MLLAMA_TAPS = 5
MLLAMA_ASPECT_RATIOS = 8
"""How many tapped layers and arrangements of tiles the class assumes where the file lists none."""


def llama4(f: Fields) -> Tower:
    """Class token, learned positions, and an adapter that works on pixel-shuffled patches."""
    hidden, out = f.int("hidden_size"), f.int("projector_output_dim")
    weights = (
        vector("class_embedding", hidden),
        table("position_embedding", patch_grid(f) + 1, hidden),
        per_patch("patch_embedding", patch_volume(f), hidden, bias=False),
        norm("pre_norm", hidden),
        *encoder_of(f).weights(),
        norm("post_norm", hidden),
        linear("adapter.1", f.int("intermediate_size"), f.int("projector_input_dim"), bias=False),
        linear("adapter.2", out, out, bias=False),
    )
    return Tower(weights=weights, width=f.int("vision_output_dim"))


def mllama(f: Fields) -> Tower:
    """A local and a gated global encoder, and tables of positions for each arrangement of tiles."""
    hidden = f.int("hidden_size")
    taps = len(f.items("intermediate_layers_indices") or range(MLLAMA_TAPS))
    ratios = len(f.items("supported_aspect_ratios") or range(MLLAMA_ASPECT_RATIOS)) + 1
    tiles, patches = f.int("max_num_tiles"), patch_grid(f) + 1
    weights = (
        vector("class_embedding", hidden),
        per_patch("patch_embedding", patch_volume(f), hidden, bias=False),
        table("position_embedding", patches, hidden),
        table("tile_position_embedding", ratios, tiles * patches * hidden),
        table("pre_tile_embedding", ratios, tiles * hidden),
        table("post_tile_embedding", ratios, tiles * hidden),
        vector("gates", 3),
        norm("pre_norm", hidden),
        *_mllama_encoder(f, depth(f)).weights("local"),
        *_mllama_encoder(f, depth(f, "num_global_layers"), gates=2).weights("global"),
        norm("post_norm", hidden),
    )
    stated = f.int("vision_output_dim")
    if stated != hidden * (taps + 1):
        f.warn(f"{f.path}.vision_output_dim is {stated}; the tapped layers make {hidden * (taps + 1)}")
    return Tower(weights=weights, width=stated)


def _mllama_encoder(f: Fields, layers: int, *, gates: int = 0) -> Encoder:
    return Encoder(
        layers=layers,
        hidden=f.int("hidden_size"),
        intermediate=f.int("intermediate_size"),
        heads=f.int("attention_heads"),
        biases="ud",
        vectors=gates,
    )
