"""What MiMo V2.5 sees and hears with: a vision transformer with windows, and a small one over codes of sound.

Source: keys of the published ``config.json`` and shapes of the tensors of its release, as a public report
of its files lists them (``tests/golden/published_multimodal.json``); ``checked: 2026-11-30``.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Weights,
    depth,
    norm,
    patch_volume,
    per_patch,
    placed,
    table,
    two_layers,
    vector,
)
from llm_calc.core.model import Model

VISION, AUDIO = "vision_config", "audio_config"
HEAD_WIDTH = 64
"""Of the vision tower, which no key says."""
WIDENED = 4
"""The projector of sound is so many times as wide as the text."""


def mimo_towers(f: Fields, _: Model) -> Weights:
    """Those that the file has; the larger model has none."""
    seen = _vision(f.part(VISION)) if f.given(VISION) else ()
    heard = _audio(f.part(AUDIO)) if f.given(AUDIO) else ()
    return (*seen, *placed(heard, "sound"))


def _vision(f: Fields) -> Weights:
    """Gated layers with biases and grouped heads; those with a window have a sink a head."""
    f.also("in_channels", "in_chans")
    hidden, heads, layers = f.int("hidden_size"), f.int("num_heads"), depth(f, "depth")
    kv_heads = f.int("num_key_value_heads")
    f.agree(num_query_groups=heads // kv_heads, spatial_patch_size=f.int("patch_size"))
    kinds = f.ints("vit_window_attn_types") or ()
    if len(kinds) != layers:
        raise f.refusal("vit_window_attn_types", f"a list of {layers} numbers")
    windowed = sum(kind >= 0 for kind in kinds) if f.flag("use_sink") else 0
    encoder = Encoder(
        layers=layers,
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=HEAD_WIDTH,
        gated=True,
        norm_bias=False,
    )
    merged, out = hidden * f.int("spatial_merge_size") ** 2, f.int("out_hidden_size")
    return (
        per_patch(
            "vision.patches",
            f.int("temporal_patch_size") * patch_volume(f, "in_channels"),
            hidden,
            bias=False,
        ),
        *encoder.weights("vision.layers"),
        *((vector("vision.sinks", heads, copies=windowed),) if windowed else ()),
        norm("vision.merger_norm", hidden, bias=False),
        *two_layers("vision.merger", (merged, merged, out), bias=False),
    )


def _audio(f: Fields) -> Weights:
    """A table for the codes of each channel, a few gated layers, and frames joined to the text's width."""
    hidden, out = f.int("input_local_dim"), f.int("out_hidden_size")
    if f.int("projection_layers") != 2:
        raise f.refusal("projection_layers", "2")
    encoder = Encoder(
        layers=depth(f, "input_local_layers"),
        hidden=hidden,
        intermediate=f.int("input_local_intermediate_size"),
        heads=f.int("input_local_attn_heads"),
        head_dim=f.int("input_local_head_dim"),
        gated=True,
        biases="qkv",
        norm_bias=False,
    )
    last = (norm("audio.final_norm", hidden, bias=False),) if f.flag("add_post_norm") else ()
    return (
        table("audio.codes", _codes(f), hidden, copies=f.int("audio_channels")),
        *encoder.weights("audio.layers"),
        *last,
        *two_layers("audio.projector", (hidden * f.int("group_size"), WIDENED * out, out), bias=False),
    )


def _codes(f: Fields) -> int:
    """Published as a string of digits."""
    stated = f.raw("speech_vocab_size")
    if isinstance(stated, str) and stated.isdigit() and int(stated):
        return int(stated)
    return f.int("speech_vocab_size")
