"""Work of the encoder for an image: families by hand, from the sizes in their files."""

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.model_source import source_model
from llm_calc.adapters.wire.parts import ModelPart
from llm_calc.core.model import Model
from llm_calc.core.workloads.image_encoder import encoder_bytes, encoder_flops, has_encoder
from llm_calc.core.workloads.images import FixedImage, ImageCost


def model_of(name: str) -> Model:
    return source_model(ModelPart(name=name), load_catalogs()).model


def attention(layers: int, positions: int, width: int) -> int:
    return layers * 4 * positions**2 * width


def test_the_encoder_multiplies_every_patch_with_its_layers() -> None:
    """Gemma 3: 27 layers 1152 wide, 4304 inside, 4096 patches of 588 numbers, 256 tokens of 1152 x 3840."""
    model = model_of("gemma-3-12b")
    layers = 27 * (4 * 1152**2 + 2 * 1152 * 4304)
    matrices = 2 * 4096 * (layers + 588 * 1152) + 2 * 256 * 1152 * 3840
    cost = FixedImage(embeddings=256, positions=4096).cost(1, 1)
    assert encoder_flops(model, cost) == matrices + attention(27, 4096, 1152)
    assert encoder_bytes(model, cost, 2.0) == 2 * (4096 * (4 * 1152 + 4304) + 256 * 3840)


def test_patches_meet_two_experts_of_a_layer_and_no_layer_of_sound() -> None:
    """dots3-note, 980 x 980: 4900 patches, 25 dense layers 4224 wide, 17 of two experts 2112 wide each, 608 routes."""
    layers = 42 * 4 * 1536**2 + 25 * 3 * 1536 * 4224 + 17 * 2 * 3 * 1536 * 2112 + 608 * 1536
    matrices = 2 * 4900 * (588 * 1536 + layers) + 2 * 1225 * (6144**2 + 6144 * 5120)
    found = encoder_flops(
        model_of("dots3-note-prev"), ImageCost(tokens=1225, embeddings=1225, positions=4900)
    )
    assert found == matrices + attention(42, 4900, 1536)


@pytest.mark.parametrize(
    ("name", "layers", "wide", "inside", "text"),
    [("gemma-4-e2b", 16, 768, 3072, 1536), ("gemma-4-e4b", 16, 768, 3072, 2560)],
)
def test_an_image_meets_no_conformer(name: str, layers: int, wide: int, inside: int, text: int) -> None:
    """Gemma 4: 2304 patches of 768 numbers, 256 tokens into the text; the conformer hears and sees nothing."""
    matrices = 2 * 2304 * (768 * wide + layers * (4 * wide**2 + 3 * wide * inside)) + 2 * 256 * wide * text
    found = encoder_flops(model_of(name), ImageCost(tokens=258, embeddings=256, positions=2304))
    assert found == matrices + attention(layers, 2304, wide)


def test_squares_of_pixels_without_an_encoder_are_multiplied_once_a_token() -> None:
    """Gemma 4 12B: 48 x 48 pixels of three colours into 3840, and one matrix more."""
    cost = ImageCost(tokens=258, embeddings=256, positions=2304)
    assert encoder_flops(model_of("gemma-4-12b"), cost) == 2 * 256 * (3 * 48**2 * 3840 + 3840**2)


def test_mergers_see_tokens_and_all_three_taps_have_their_own() -> None:
    """Qwen3-VL 8B: 27 layers, patches of two frames of 16 x 16; four mergers of 4608 x 4608 and 4608 x 4096."""
    layers = 27 * (4 * 1152**2 + 2 * 1152 * 4304)
    matrices = 2 * 400 * (1536 * 1152 + layers) + 2 * 100 * 4 * (4608**2 + 4608 * 4096)
    found = encoder_flops(model_of("qwen3-vl-8b"), ImageCost(tokens=100, embeddings=100, positions=400))
    assert found == matrices + attention(27, 400, 1152)


def test_glm_merges_before_its_widest_matrices() -> None:
    """GLM-4.1V: 24 gated layers 1536 wide, 4096 inside; 6144 x 4096, 4096^2 and a gated 13696 for each token."""
    layers = 24 * (4 * 1536**2 + 3 * 1536 * 4096)
    merger = 6144 * 4096 + 4096**2 + 3 * 4096 * 13696
    matrices = 2 * 400 * (2 * 588 * 1536 + layers) + 2 * 100 * merger
    found = encoder_flops(model_of("glm-4.1v-9b"), ImageCost(tokens=102, embeddings=100, positions=400))
    assert found == matrices + attention(24, 400, 1536)


def test_tiles_are_computed_apart() -> None:
    """Llama 4: each of two tiles has 577 positions that see each other; what is shuffled together has 5632 numbers."""
    layers = 34 * (4 * 768**2 + 2 * 768 * 5632)
    behind = 5632 * 4096 + 4096**2 + 7680 * 5120
    matrices = 2 * 1154 * (588 * 768 + layers) + 2 * 288 * behind
    cost = ImageCost(tokens=292, embeddings=288, positions=577, tiles=2)
    assert encoder_flops(model_of("llama-4-scout"), cost) == matrices + 2 * attention(34, 577, 768)


@pytest.mark.parametrize(
    ("name", "sees"), [("qwen3-vl-8b", True), ("gemma-4-12b", True), ("llama-3.1-8b", False)]
)
def test_who_sees(name: str, sees: bool) -> None:
    assert has_encoder(model_of(name)) is sees
