"""Vision towers of Kimi-VL, Kimi K2.5, Step 3.7 and MiniMax M3.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    depth,
    encoder_of,
    linear,
    norm,
    pair,
    patch_grid,
    patch_volume,
    per_patch,
    positive,
    table,
    two_layers,
)


def kimi_k25(f: Fields) -> Tower:
    """MoonViT: plain layers with biases, a learned grid of positions, a final norm."""
    f.agree(merge_type="sd2_tpool", mm_projector_type="patchmerger", pos_emb_type="divided_fixed")
    hidden = f.int(_published(f, "hidden_size", "vt_hidden_size"))
    encoder = Encoder(
        layers=depth(f, _published(f, "num_hidden_layers", "vt_num_hidden_layers")),
        hidden=hidden,
        intermediate=f.int(_published(f, "intermediate_size", "vt_intermediate_size")),
        heads=f.int(_published(f, "num_attention_heads", "vt_num_attention_heads")),
    )
    height, width = (
        f.int(_published(f, f"pos_emb_{side}", f"init_pos_emb_{side}")) for side in ("height", "width")
    )
    weights = (
        per_patch("patch_embedding", 3 * f.int("patch_size") ** 2, hidden),
        table("position_embedding", height * width, hidden),
        *encoder.weights(),
        norm("final_norm", hidden),
    )
    return Tower(weights=weights, width=hidden)


def kimi_k3(f: Fields, text: int) -> Weights:
    """MoonViT without biases, with RMS norms and attention of its own width; two matrices over merged patches."""
    f.agree(
        merge_type="sd2_tpool",
        mm_projector_type="patchmergerv2",
        pos_emb_type="divided_fixed",
        norm_type="rmsnorm",
    )
    f.agree(mlp_type="mlp2", attn_bias=False, linear_bias=False, patch_embed_proj_bias=False)
    hidden, heads = f.int("vt_hidden_size"), f.int("vt_num_attention_heads")
    inner = f.int("qkv_hidden_size", hidden)
    if inner % heads:
        raise f.refusal("qkv_hidden_size", f"a multiple of the {heads} heads")
    encoder = Encoder(
        layers=depth(f, "vt_num_hidden_layers"),
        hidden=hidden,
        intermediate=f.int("vt_intermediate_size"),
        heads=heads,
        head_dim=inner // heads,
        biases="",
        norm_bias=False,
    )
    height, width = pair(f, "merge_kernel_size")
    merged = f.int("mm_hidden_size", hidden) * height * width
    return (
        per_patch("patch_embedding", 3 * f.int("patch_size") ** 2, hidden, bias=False),
        table("position_embedding", f.int("init_pos_emb_height") * f.int("init_pos_emb_width"), hidden),
        *encoder.weights(),
        norm("final_norm", hidden, bias=False),
        norm("projector.norm", hidden, bias=False),
        *two_layers("projector", (merged, merged, text), bias=False),
    )


def _published(f: Fields, key: str, published: str) -> str:
    """The name of a key in the authors' own files, if the file has that."""
    return published if f.given(published) else key


def step3p5(f: Fields) -> Tower:
    """Layer scales, learned positions of the patch grid, and two convolutions that halve each side at the end.

    The inner width is ``mlp_ratio`` times the hidden one, whatever ``intermediate_size`` says; published files
    write ``width``, ``layers`` and ``heads``.
    """
    hidden = f.int(_published(f, "hidden_size", "width"))
    encoder = Encoder(
        layers=depth(f, _published(f, "num_hidden_layers", "layers")),
        hidden=hidden,
        intermediate=int(hidden * positive(f, "mlp_ratio")),
        heads=f.int(_published(f, "num_attention_heads", "heads")),
        vectors=2 * hidden,
    )
    weights = (
        per_patch("patch_embedding", patch_volume(f), hidden, bias=False),
        table("position_embedding", patch_grid(f), hidden),
        norm("pre_norm", hidden),
        *encoder.weights(),
        linear("downsample_1", 9 * hidden, 2 * hidden),
        linear("downsample_2", 9 * 2 * hidden, 4 * hidden),
    )
    return Tower(weights=weights, width=4 * hidden)


def minimax_m3(f: Fields) -> Tower:
    """Plain layers with biases over patches of several frames, rotary positions, a norm before."""
    f.agree(position_embedding_type="rope", rope_mode="3d")
    hidden = f.int("hidden_size")
    weights = (
        per_patch("patch_embedding", f.int("temporal_patch_size") * patch_volume(f), hidden, bias=False),
        norm("pre_norm", hidden),
        *encoder_of(f).weights(),
    )
    return Tower(weights=weights, width=hidden)
