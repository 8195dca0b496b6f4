"""Parts of recurrent and linear-attention mixers, against published layers and against each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.blocks import (
    Block,
    GatedDeltaNet,
    KimiDelta,
    LightningAttention,
    Mamba,
    Mamba2,
    MatrixLstm,
    RgLru,
    RwkvChannelMix,
    RwkvTimeMix,
    ShortConvolution,
    Smoothing,
)

SIZES = st.sampled_from([8, 16, 24, 64])

MAMBA_2_8B = Mamba(hidden=2560, inner=5120, state=16, conv_kernel=4, dt_rank=160)
MAMBA2_2_7B = Mamba2(hidden=2560, heads=80, head_dim=64, state=128, groups=1, conv_kernel=4)
QWEN3_NEXT = GatedDeltaNet(
    hidden=2048, key_heads=16, value_heads=32, key_dim=128, value_dim=128, conv_kernel=4
)
KIMI_LINEAR = KimiDelta(hidden=2304, heads=32, head_dim=128, conv_kernel=4, gate_rank=128)
MINIMAX_M1 = LightningAttention(hidden=6144, heads=64, head_dim=128)
XLSTM_7B = MatrixLstm(hidden=4096, heads=8, key_width=2048, value_width=4096)
LFM2_350M = ShortConvolution(hidden=1024, conv_kernel=3)
RECURRENT_GEMMA_2B = RgLru(hidden=2560, width=2560, heads=10, conv_kernel=4)
RWKV_7B = RwkvTimeMix(hidden=4096, width=4096)
RWKV_7B_CHANNELS = RwkvChannelMix(hidden=4096, intermediate=16384)

# Parameters and state elements of one layer, counted on the classes of transformers 5.23.0.
COUNTED: list[tuple[Block, int, int]] = [
    (MAMBA_2_8B, 41_241_600, 5120 * 4 + 5120 * 16),
    (MAMBA2_2_7B, 40_214_000, 5376 * 4 + 80 * 64 * 128),
    (QWEN3_NEXT, 33_718_464, 8192 * 4 + 32 * 128 * 128),
    (KIMI_LINEAR, 39_514_272, 12288 * 4 + 32 * 128 * 128),
    (MINIMAX_M1, 251_666_432, 64 * 128 * 128),
    (XLSTM_7B, 67_178_512, 8 * (256 * 512 + 256 + 1)),
    (LFM2_350M, 4_197_376, 1024 * 3),
    (RECURRENT_GEMMA_2B, 20_999_680, 2560 * 4 + 2560),
    (RWKV_7B, 67_129_344, 4 * 4096),
    (RWKV_7B_CHANNELS, 151_003_136, 4096),
    (Smoothing(channels=2 * 2048 + 2 * 6144, conv_kernel=4), 65_536, 16384 * 4),
]


def params(block: Block) -> int:
    return sum(weight.params for weight in block.parts().weights)


def state(block: Block) -> int:
    return sum(cache.state_elements for cache in block.parts().caches)


@pytest.mark.parametrize(("block", "parameters", "elements"), COUNTED, ids=lambda value: type(value).__name__)
def test_layers_of_published_models(block: Block, parameters: int, elements: int) -> None:
    assert params(block) == parameters
    assert state(block) == elements


@pytest.mark.parametrize("block", [block for block, _, _ in COUNTED], ids=lambda block: type(block).__name__)
def test_nothing_grows_with_the_context(block: Block) -> None:
    parts = block.parts()
    assert not parts.scores
    assert all(cache.kind == "state" and cache.elements_per_token == 0 for cache in parts.caches)
    assert all(cache.state_bits in (16, 32) for cache in parts.caches)


def test_projections_count_and_convolutions_do_not() -> None:
    counted = {weight.name for weight in MAMBA_2_8B.parts().weights if weight.flops_per_token}
    assert counted == {"in_proj", "x_proj", "out_proj"}
    flops = sum(weight.flops_per_token for weight in MAMBA_2_8B.parts().weights)
    assert flops == 2 * (2560 * 10240 + 5120 * 192 + 5120 * 2560)


def test_scan_of_mamba_is_convolution_steps_and_recurrence() -> None:
    scan = 2 * 4 * 5120 + 2 * 160 * 5120 + 6 * 5120 * 16
    assert MAMBA_2_8B.parts().scan_flops_per_token == scan


def test_zamba_counts_its_selection_with_the_scan() -> None:
    fused = Mamba(hidden=64, inner=128, state=8, conv_kernel=4, dt_rank=4, fused_selection=True)
    plain = Mamba(hidden=64, inner=128, state=8, conv_kernel=4, dt_rank=4)
    assert params(fused) == params(plain)
    moved = fused.parts().scan_flops_per_token - plain.parts().scan_flops_per_token
    assert moved == 2 * 128 * (4 + 2 * 8)


def test_options_add_what_they_name() -> None:
    plain = Mamba2(hidden=64, heads=4, head_dim=32, state=16, groups=2, conv_kernel=4, conv_bias=False)
    full = Mamba2(
        hidden=64, heads=4, head_dim=32, state=16, groups=2, conv_kernel=4, proj_bias=True, out_bias=True
    )
    channels = 128 + 2 * 2 * 16
    assert params(full) - params(plain) == (128 + channels + 4) + 64 + channels
    bare = Mamba2(hidden=64, heads=4, head_dim=32, state=16, groups=2, conv_kernel=4, gate_norm=False)
    assert params(plain) + channels - params(bare) == 128


def test_gates_of_full_rank_are_larger() -> None:
    full = KimiDelta(hidden=2304, heads=32, head_dim=128, conv_kernel=4)
    assert params(full) - params(KIMI_LINEAR) == 2 * (2304 * 4096 - 128 * (2304 + 4096))


@given(hidden=SIZES, heads=SIZES, dim=SIZES, state_size=SIZES, groups=st.sampled_from([1, 2, 4]))
def test_mamba2_state_is_its_heads_times_their_state(
    hidden: int, heads: int, dim: int, state_size: int, groups: int
) -> None:
    block = Mamba2(hidden=hidden, heads=heads, head_dim=dim, state=state_size, groups=groups, conv_kernel=4)
    conv, recurrent = block.parts().caches
    assert recurrent.state_elements == heads * dim * state_size
    assert conv.state_elements == 4 * (heads * dim + 2 * groups * state_size)
    assert recurrent.units == heads


@given(hidden=SIZES, heads=SIZES, dim=SIZES)
def test_wider_mixers_hold_and_do_more(hidden: int, heads: int, dim: int) -> None:
    narrow = GatedDeltaNet(
        hidden=hidden, key_heads=heads, value_heads=heads, key_dim=dim, value_dim=dim, conv_kernel=4
    )
    wide = GatedDeltaNet(
        hidden=hidden, key_heads=heads, value_heads=2 * heads, key_dim=dim, value_dim=dim, conv_kernel=4
    )
    assert params(wide) > params(narrow)
    assert state(wide) > state(narrow)
    assert wide.parts().scan_flops_per_token > narrow.parts().scan_flops_per_token


@pytest.mark.parametrize(
    ("block", "flops"),
    [
        # 80 heads of 64 x 128 numbers, six operations each; filters of 4 over 80 x 64 + 2 x 128 channels.
        (MAMBA2_2_7B, 2 * 4 * 5376 + 6 * 80 * 64 * 128),
        # The delta rule reads what it corrects: eight operations for each of 32 x 128 x 128; 2 x 16 x 128 + 32 x 128.
        (QWEN3_NEXT, 2 * 4 * 8192 + 8 * 32 * 128 * 128),
        (KIMI_LINEAR, 2 * 4 * 3 * 4096 + 8 * 32 * 128 * 128),
        (MINIMAX_M1, 6 * 64 * 128 * 128),
        # Eight heads of 256 x 512, and a normaliser of 256 a head.
        (XLSTM_7B, 6 * (8 * 256 * 512 + 8 * 256)),
        # A numerator and a denominator.
        (RWKV_7B, 2 * 6 * 4096),
        (RWKV_7B_CHANNELS, 0),
        (LFM2_350M, 2 * 3 * 1024),
    ],
)
def test_scans_by_hand(block: Block, flops: int) -> None:
    assert block.parts().scan_flops_per_token == flops
