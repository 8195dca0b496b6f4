"""Multimodal models: a text model of its own type with towers and projectors beside it.

Source: the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of them (``tests/golden/towers.json``);
checked: 2026-11-30, by count. What an absent nested configuration holds is in the class table.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import Decoder, gqa, mlp, when
from llm_calc.core.architectures.registry import Reader, register
from llm_calc.core.architectures.towers import (
    audio,
    blip,
    clip,
    codec,
    encoder_free,
    gemma,
    granite,
    molmo,
    muse,
    phi,
    projectors,
    radio,
    sam,
    speech,
    tencent,
)
from llm_calc.core.architectures.towers.wrapper import TowerPart, Wrapper
from llm_calc.core.architectures.windows import sliding_everywhere
from llm_calc.core.model import Model

VISION, AUDIO = "vision_config", "audio_config"


def vision(projector: projectors.Projector = projectors.nothing, *, copies: int = 1) -> tuple[TowerPart, ...]:
    """One vision tower."""
    return (TowerPart(key=VISION, projector=projector, copies=copies),)


def sound(projector: projectors.Projector = projectors.nothing) -> tuple[TowerPart, ...]:
    """One audio tower."""
    return (TowerPart(key=AUDIO, projector=projector, heard=True),)


def codes() -> tuple[TowerPart, ...]:
    """One autoencoder that turns images into tokens."""
    return (TowerPart(key="vq_config"),)


BLIP = Wrapper(
    towers=(*vision(), TowerPart(key="qformer_config", projector=blip.projector)),
    tying="text",
    whole_text=True,
)
SOUNDS = tuple(
    TowerPart(key=f"{kind}_tokenizer_encoder_config", projector=codec.vibevoice_projector, heard=True)
    for kind in ("acoustic", "semantic")
)
CHAMELEON = Decoder(
    attention=gqa(biases=when("attention_bias", "qkvo"), qk_norm="full_biased"),
    feed_forward=mlp(biases=when("mlp_bias", "gud")),
)
PHI3 = Decoder(attention=gqa(windows=sliding_everywhere))
GRANITE_ENCODER = TowerPart(key="encoder_config", projector=speech.granite_projector, heard=True)

WRAPPERS: dict[str, Reader] = {
    "audioflamingo3": Wrapper(towers=sound(audio.flamingo_projector), tying="never"),
    "musicflamingo": Wrapper(towers=sound(audio.flamingo_projector), tying="never"),
    "muse_glimmer": Wrapper(towers=vision(muse.muse_projector)),
    "muse_spark": Wrapper(towers=(*vision(muse.muse_projector), *sound()), tying="never"),
    "fast_vlm": Wrapper(towers=vision(projectors.llava)),
    "fuyu": Wrapper(towers=(), further=encoder_free.fuyu_patches),
    "gemma4_unified": Wrapper(
        towers=(*vision(projectors.matrix(bias=False)), *sound(projectors.matrix(bias=False))),
    ),
    "got_ocr2": Wrapper(towers=vision(projectors.got_ocr2)),
    "granite4_vision": Wrapper(towers=vision(blip.granite4)),
    "granite_docling": Wrapper(towers=vision(granite.density_router)),
    "granite_speech": Wrapper(towers=(GRANITE_ENCODER,)),
    "granite_speech_plus": Wrapper(towers=(GRANITE_ENCODER,)),
    "minicpm_ocr": Wrapper(towers=vision(projectors.minicpm)),
    "minicpmv4_6": Wrapper(towers=vision(projectors.minicpm)),
    "minicpmv4_7": Wrapper(towers=vision(projectors.minicpm)),
    "omniasr": Wrapper(towers=sound(projectors.matrix()), tying="never"),
    "ovis2": Wrapper(towers=vision(projectors.visual_tokens)),
    "perception_lm": Wrapper(towers=vision(projectors.plain_mlp), tying="first"),
    "phi4_multimodal": Wrapper(
        towers=(*vision(phi.phi4_vision_projector), *sound(phi.phi4_audio_projector)),
        text_reader=PHI3,
    ),
    "pp_chart2table": Wrapper(towers=vision(projectors.got_ocr2)),
    "apertus1p5": Wrapper(towers=(*vision(), *sound()), whole_text=True),
    "aria": Wrapper(towers=vision(projectors.aria)),
    "aya_vision": Wrapper(towers=vision(projectors.aya)),
    "blip-2": blip.of_image_width(BLIP),
    "chameleon": Wrapper(towers=codes(), text_reader=CHAMELEON),
    "cohere2_vision": Wrapper(towers=vision(projectors.cohere2)),
    "cohere_compass": Wrapper(towers=vision(), text_class="CohereCompassForCausalLM"),
    "cosmos3_edge": Wrapper(towers=vision(projectors.cosmos3_edge), tying="never"),
    "cosmos3_omni": Wrapper(towers=vision()),
    "deepseek_ocr2": Wrapper(towers=vision(sam.separated(rows=False))),
    "deepseek_vl": Wrapper(towers=vision(projectors.plain_mlp)),
    "deepseek_vl_hybrid": Wrapper(
        towers=(
            *vision(sam.low_resolution),
            TowerPart(key="high_res_vision_config", projector=sam.high_resolution),
        ),
    ),
    "dots3_note": Wrapper(towers=(*vision(), *sound()), text_class="Dots3NoteForCausalLM"),
    "emu3": Wrapper(towers=codes(), text_class="Emu3ForCausalLM"),
    "ernie4_5_vl_moe": Wrapper(towers=vision(projectors.ernie)),
    "exaone4_5": Wrapper(towers=vision()),
    "fun_asr_nano": Wrapper(towers=sound(codec.fun_asr_adaptor)),
    "gemma3": Wrapper(towers=vision(projectors.gemma3)),
    "gemma3n": Wrapper(towers=(*vision(gemma.gemma3n_projector), *sound(gemma.gemma3n_projector))),
    "gemma4": Wrapper(
        towers=(*vision(projectors.matrix(bias=False)), *sound(projectors.matrix(bias=False))),
    ),
    "glm46v": Wrapper(towers=vision(), tying="own"),
    "glm4v": Wrapper(towers=vision(), tying="either"),
    "glm4v_moe": Wrapper(towers=vision(), tying="either"),
    "glm5_next": Wrapper(towers=vision()),
    "glm_ocr": Wrapper(towers=vision(), tying="either"),
    "glmasr": Wrapper(towers=sound(audio.glm_asr_projector), completed=True),
    "glmga": Wrapper(towers=vision()),
    "hunyuan_vl": Wrapper(towers=vision(tencent.hunyuan_projector), tying="either", flat=True),
    "hy_v4_vl": Wrapper(towers=vision()),
    "hyperclovax_vision_v2": Wrapper(towers=vision(projectors.matrix())),
    "idefics2": Wrapper(towers=vision(projectors.idefics2)),
    "idefics3": Wrapper(towers=vision(projectors.idefics3)),
    "inkling2": Wrapper(towers=vision(), tying="never", whole_text=True),
    "inkling2_loop": Wrapper(towers=vision(), tying="never", whole_text=True),
    "inkling_mm_model": Wrapper(
        towers=(
            TowerPart(key=VISION, text_width="text_hidden_size"),
            TowerPart(key=AUDIO, heard=True, text_width="text_hidden_size"),
        ),
        tying="never",
    ),
    "instructblip": blip.of_image_width(BLIP),
    "instructblipvideo": blip.of_image_width(BLIP),
    "internvl": Wrapper(towers=vision(projectors.internvl)),
    "internvl_chat": Wrapper(towers=vision(projectors.internvl), text_key="llm_config", tying="text"),
    "janus": Wrapper(towers=(*vision(clip.janus_aligner), *codes())),
    "kimi_k25": Wrapper(towers=vision(projectors.kimi)),
    "lfm2_vl": Wrapper(towers=vision(projectors.lfm2), tie_key="tie_embedding"),
    "lfm3_vl": Wrapper(towers=vision(projectors.lfm3)),
    "lighton_ocr": Wrapper(towers=vision(projectors.lighton)),
    "llama4": Wrapper(
        towers=vision(projectors.matrix(bias=False)), tying="text", text_class="Llama4ForCausalLM"
    ),
    "llava": Wrapper(towers=vision(projectors.llava), tying="either"),
    "llava_next": Wrapper(towers=vision(projectors.llava_next)),
    "llava_next_video": Wrapper(towers=vision(projectors.llava_next), tying="either"),
    "llava_onevision": Wrapper(towers=vision(projectors.llava_next), tying="either"),
    "minimax_m3_vl": Wrapper(towers=vision(projectors.minimax_m3), tying="either"),
    "mistral3": Wrapper(towers=vision(projectors.mistral3)),
    "mistral_large4": Wrapper(towers=vision(projectors.mistral3)),
    "mllama": Wrapper(towers=vision(projectors.matrix()), tying="never", text_class="MllamaForCausalLM"),
    "molmo2": Wrapper(towers=vision(molmo.molmo2_projector), tying="never"),
    "moss_transcribe_diarize": Wrapper(towers=sound(audio.moss_projector)),
    "paddleocr_vl": Wrapper(towers=vision(projectors.merged_mlp), tying="either", flat=True),
    "paligemma": Wrapper(towers=vision(projectors.paligemma)),
    "qianfan_ocr": Wrapper(towers=vision(projectors.internvl)),
    "qwen2_5_omni_thinker": Wrapper(towers=(*vision(), *sound())),
    "qwen2_5_vl": Wrapper(towers=vision(), tying="either", flat=True),
    "qwen2_audio": Wrapper(towers=sound(projectors.matrix()), tying="never"),
    "qwen2_vl": Wrapper(towers=vision(), tying="either", flat=True),
    "qwen3_5": Wrapper(towers=vision(), text_class="Qwen3_5ForCausalLM"),
    "qwen3_5_moe": Wrapper(towers=vision(), text_class="Qwen3_5MoeForCausalLM"),
    "qwen3_asr": Wrapper(towers=sound(audio.qwen3_asr_projector)),
    "qwen3_omni_moe_thinker": Wrapper(towers=(*vision(), *sound())),
    "qwen3_vl": Wrapper(towers=vision()),
    "qwen3_vl_moe": Wrapper(towers=vision()),
    "qwen4_exp": Wrapper(towers=vision(), text_class="Qwen4ExpForCausalLM"),
    "shieldgemma2": Wrapper(towers=vision(projectors.gemma3), tying="either"),
    "smolvlm": Wrapper(towers=vision(projectors.idefics3)),
    "step3p7": Wrapper(towers=vision(projectors.matrix_biased_by("projector_bias"))),
    "unlimited_ocr": Wrapper(towers=vision(sam.separated(rows=True))),
    "vibevoice": Wrapper(
        towers=(
            *sound(codec.vibevoice_projector),
            TowerPart(key="semantic_model_config", projector=codec.vibevoice_projector, heard=True),
        ),
        tying="text",
        further=codec.vibevoice_diffusion,
    ),
    "vibevoice_asr": Wrapper(towers=SOUNDS, tying="never"),
    "video_llama_3": Wrapper(towers=vision(projectors.plain_mlp), tying="either"),
    "video_llava": Wrapper(towers=vision(projectors.llava, copies=2)),
    "vipllava": Wrapper(towers=vision(projectors.vip_llava)),
    "voxtral": Wrapper(towers=sound(audio.voxtral_projector), tying="never", completed=True),
    "voxtral_realtime": Wrapper(
        towers=sound(audio.voxtral_realtime_projector), completed=True, own_text=True
    ),
}


register("phi3_v", read=Wrapper(towers=(), text_reader=PHI3, further=phi.phi3_vision), defaults="phi3")


NEMOTRON_OMNI = Wrapper(towers=(*vision(radio.nemotron_projector), *sound()), tying="never", whole_text=True)


def nemotron_omni(f: Fields) -> Model:
    """Nemotron 3 Omni; with a text part of another type its class builds a little more than that type has."""
    model = NEMOTRON_OMNI(f)
    kind = f.part("text_config").model_type
    if kind != "nemotron_h":
        f.assume(f"text_config is of type {kind!r}: the class was made for nemotron_h")
    return model


register("nemotron_h_omni", read=nemotron_omni, group="multimodal")

for name, wrapper in WRAPPERS.items():
    register(name, read=wrapper, group="multimodal")
