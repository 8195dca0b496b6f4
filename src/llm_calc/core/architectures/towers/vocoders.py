"""What turns codes into sound in Qwen's omni models: a diffusion transformer with BigVGAN, or a causal decoder.

Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``, by count.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Weights,
    depth,
    linear,
    norm,
    table,
    two_layers,
    vector,
)

TIME_WIDTH = 256
"""Width of the sinusoidal embedding of a diffusion step."""
RESIDUAL_CONVOLUTIONS = 3
"""Pairs of convolutions in a residual block of BigVGAN, and residual units after each step up in ``code2wav``."""


def _conv(name: str, taps: int, before: int, after: int, *, bias: bool = True, copies: int = 1) -> Weights:
    return (linear(name, taps * before, after, bias=bias, copies=copies),)


def token2wav(f: Fields) -> Weights:
    """Qwen2.5-Omni: codes to a mel spectrogram, and that to sound."""
    return (*_diffusion(f.part("dit_config")), *_bigvgan(f.part("bigvgan_config")))


def _diffusion(f: Fields) -> Weights:
    hidden, mel = f.int("hidden_size"), f.int("mel_dim")
    codes, speaker = f.int("emb_dim"), f.int("enc_dim")
    layers, inner = depth(f), f.int("num_attention_heads") * f.int("head_dim")
    return (
        *two_layers("dit.time", (TIME_WIDTH, hidden, hidden)),
        table("dit.codec_embedding", f.int("num_embeds") + 1, codes),
        linear("dit.input", mel + speaker + f.int("enc_emb_dim") + codes, hidden),
        *_speaker_encoder(f, mel, speaker),
        linear("dit.modulation", hidden, 6 * hidden, copies=layers),
        linear("dit.qkv", hidden, inner, copies=3 * layers),
        linear("dit.out", inner, hidden, copies=layers),
        *two_layers("dit.ff", (hidden, hidden * f.int("ff_mult"), hidden), copies=layers),
        linear("dit.last_modulation", hidden, 2 * hidden),
        linear("dit.proj_out", hidden, mel),
    )


def _speaker_encoder(f: Fields, mel: int, out: int) -> Weights:
    """ECAPA-TDNN: convolutions in parts of the channels, gates, and statistics weighed by attention."""
    channels, kernels = f.ints("enc_channels") or (), f.ints("enc_kernel_sizes") or ()
    dilations = f.ints("enc_dilations") or ()
    if len(channels) < 2 or not len(channels) == len(kernels) == len(dilations):
        raise f.refusal("enc_channels", "as many numbers as enc_kernel_sizes and enc_dilations have")
    last, pooled = channels[-1], f.int("enc_attention_channels")
    weights = _conv("speaker.conv", kernels[0], mel, channels[0])
    for before, width, taps in zip(channels[:-2], channels[1:-1], kernels[1:-1], strict=True):
        weights += _speaker_block(f, before, width, taps)
    return (
        *weights,
        *_conv("speaker.mfa", kernels[-1], last, last),
        *_conv("speaker.pool_in", 1, 3 * last, pooled),
        *_conv("speaker.pool_out", 1, pooled, last),
        *_conv("speaker.fc", 1, 2 * last, out),
    )


def _speaker_block(f: Fields, before: int, width: int, taps: int) -> Weights:
    scale, gate = f.int("enc_res2net_scale"), f.int("enc_se_channels")
    part = width // scale
    parts = _conv("speaker.part", taps, part, part, copies=scale - 1) if scale > 1 else ()
    return (
        *_conv("speaker.in", 1, before, width),
        *parts,
        *_conv("speaker.out", 1, width, width),
        *two_layers("speaker.gate", (width, gate, width)),
    )


def _bigvgan(f: Fields) -> Weights:
    """Steps up in time, each halving the channels, with residual blocks of several widths behind each."""
    width = f.int("upsample_initial_channel")
    rates, taps = f.ints("upsample_rates") or (), f.ints("upsample_kernel_sizes") or ()
    blocks = f.ints("resblock_kernel_sizes") or ()
    if len(rates) != len(taps):
        raise f.refusal("upsample_kernel_sizes", "as many numbers as upsample_rates has")
    if len(f.items("resblock_dilation_sizes") or ()) != len(blocks):
        raise f.refusal("resblock_dilation_sizes", "as many lists as resblock_kernel_sizes has")
    weights = _conv("bigvgan.conv_pre", 7, f.int("mel_dim"), width)
    for step, kernel in enumerate(taps):
        before, after = width // 2**step, width // 2 ** (step + 1)
        weights += _conv("bigvgan.up", kernel, before, after)
        for block in blocks:
            weights += _conv("bigvgan.block", block, after, after, copies=2 * RESIDUAL_CONVOLUTIONS)
            weights += (vector("bigvgan.snake", 2 * after, copies=2 * RESIDUAL_CONVOLUTIONS),)
    last = width // 2 ** len(rates)
    return (
        *weights,
        vector("bigvgan.last_snake", 2 * last),
        *_conv("bigvgan.conv_post", 7, last, 1, bias=False),
    )


def code2wav(f: Fields) -> Weights:
    """Qwen3-Omni: a transformer over the sums of code embeddings, then steps up in time."""
    hidden, heads = f.int("hidden_size"), f.int("num_attention_heads")
    encoder = Encoder(
        layers=depth(f),
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=heads,
        kv_heads=f.optional_int("num_key_value_heads", least=1) or heads,
        head_dim=f.optional_int("head_dim", None, least=1) or hidden // heads,
        gated=True,
        biases="qkvo" if f.flag("attention_bias") else "",
        norm_bias=False,
        vectors=2 * hidden,
    )
    weights: Weights = (
        table("code2wav.embedding", f.int("codebook_size") * f.int("num_quantizers"), hidden),
        *encoder.weights("code2wav.layers"),
        norm("code2wav.final_norm", hidden, bias=False),
    )
    for factor in f.ints("upsampling_ratios") or ():
        weights += (*_conv("code2wav.up", factor, hidden, hidden), *_conv_next(hidden))
    return weights + _sound_decoder(f, hidden, f.int("decoder_dim"))


def _conv_next(width: int) -> Weights:
    """A convolution a channel, a norm, a perceptron four times as wide, and a scale."""
    return (
        *_conv("code2wav.depthwise", 7, 1, width),
        norm("code2wav.norm", width),
        *two_layers("code2wav.pointwise", (width, 4 * width, width)),
        vector("code2wav.gamma", width),
    )


def _sound_decoder(f: Fields, hidden: int, width: int) -> Weights:
    rates = f.ints("upsample_rates") or ()
    weights = _conv("code2wav.conv_in", 7, hidden, width)
    for step, rate in enumerate(rates):
        before, after = width // 2**step, width // 2 ** (step + 1)
        weights += (
            vector("code2wav.snake", 2 * before),
            *_conv("code2wav.step", 2 * rate, before, after),
            vector("code2wav.unit_snakes", 4 * after, copies=RESIDUAL_CONVOLUTIONS),
            *_conv("code2wav.unit_wide", 7, after, after, copies=RESIDUAL_CONVOLUTIONS),
            *_conv("code2wav.unit_point", 1, after, after, copies=RESIDUAL_CONVOLUTIONS),
        )
    last = width // 2 ** len(rates)
    return (*weights, vector("code2wav.last_snake", 2 * last), *_conv("code2wav.conv_out", 7, last, 1))
