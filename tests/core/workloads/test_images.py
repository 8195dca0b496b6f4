"""What an image costs: rules of families against their processors' own code (transformers 5.24.0)."""

import json
from pathlib import Path

import pytest

from llm_calc.core.errors import InvalidInputError
from llm_calc.core.workloads.images import (
    CanvasImage,
    FixedImage,
    ImageCost,
    ImageRule,
    MergedPatches,
    PaddedPatches,
    PooledPatches,
    RowsOfPatches,
    TiledImage,
)

GOLDEN = Path(__file__).parents[2] / "golden"

RULES: dict[str, ImageRule] = {
    "qwen2_vl": MergedPatches(patch=14, merge=2, least_pixels=3136, most_pixels=12_845_056),
    "qwen3_vl": MergedPatches(patch=16, merge=2, least_pixels=65536, most_pixels=16_777_216),
    "glm4v": MergedPatches(
        patch=14, merge=2, least_pixels=12544, most_pixels=11_760_000, frames=2, grows_small=True
    ),
    "internvl": TiledImage(tile=448, tile_tokens=256, tile_positions=1025, least_tiles=1, most_tiles=12),
    "pixtral": RowsOfPatches(patch=16, merge=1, longest_edge=1024),
    "mistral3": RowsOfPatches(patch=14, merge=2, longest_edge=1540),
    "gemma4": PooledPatches(patch=16, pool=3, most_tokens=280),
    "llama4": CanvasImage(tile=336, tile_tokens=144, tile_positions=577, most_tiles=16),
    "kimi_k25": PaddedPatches(patch=14, merge=2, most_patches=16384, most_a_side=512),
}


@pytest.mark.parametrize("family", RULES)
def test_tokens_are_those_of_the_processors_own_code(family: str) -> None:
    """``tests/golden/images.json``: width, height and what the library's code answers; null: it refuses."""
    rows = json.loads((GOLDEN / "images.json").read_text())["tokens"][family]
    assert len(rows) > 40
    for width, height, expected in rows:
        if expected is None:
            with pytest.raises(InvalidInputError, match=r"workload\.images"):
                RULES[family].cost(width, height)
        else:
            assert RULES[family].cost(width, height).tokens == expected, (width, height)


def test_an_image_of_one_size_costs_the_same_whatever_it_was() -> None:
    fixed = FixedImage(embeddings=256, positions=4096, around=4)
    assert (
        fixed.cost(10, 2000) == fixed.cost(896, 896) == ImageCost(tokens=260, embeddings=256, positions=4096)
    )
