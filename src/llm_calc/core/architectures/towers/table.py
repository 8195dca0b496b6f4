"""Which function reads which type of tower."""

from collections.abc import Mapping
from types import MappingProxyType

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.neutral import class_defaults
from llm_calc.core.architectures.towers import (
    audio,
    blip,
    clip,
    codec,
    deepseek,
    dots,
    encoder_free,
    from_timm,
    gemma,
    granite,
    inkling,
    kimi,
    lfm,
    meta,
    mimi,
    molmo,
    muse,
    phi,
    qwen_vl,
    radio,
    sam,
    speech,
    tencent,
    vq,
)
from llm_calc.core.architectures.towers.parts import Tower, TowerReader
from llm_calc.core.errors import InvalidInputError

TOWERS: Mapping[str, TowerReader] = MappingProxyType(
    {
        "apertus1p5_vision_tokenizer": vq.apertus,
        "audioflamingo3_encoder": audio.whisper,
        "blip_2_qformer": blip.queries_alone,
        "blip_2_vision_model": blip.vision,
        "chameleon_vqgan": vq.chameleon,
        "clip_vision_model": clip.clip,
        "cohere_compass_vision": qwen_vl.qwen3_vl,
        "cosmos3_edge_vision": clip.headless_siglip2,
        "deepseek_v41_vision": deepseek.deepseek_v41_vision,
        "deepseek_ocr2_vision": sam.deepseek_ocr2,
        "dots3_note_audio_encoder": dots.dots3_audio,
        "dots3_note_vision_encoder": dots.dots3_vision,
        "dots_vit": dots.dots_vit,
        "emu3_vqgan": vq.emu3,
        "ernie4_5_vl_moe_vision": qwen_vl.ernie,
        "exaone4_5_vision": qwen_vl.qwen2_5_vl,
        "fun_asr_nano_encoder": codec.fun_asr,
        "gemma3n_audio": gemma.gemma3n_audio,
        "gemma3n_vision": gemma.gemma3n_vision,
        "gemma4_audio": gemma.gemma4_audio,
        "gemma4_unified_audio": encoder_free.gemma4_unified_audio,
        "gemma4_unified_vision": encoder_free.gemma4_unified_vision,
        "gemma4_vision": gemma.gemma4_vision,
        "git_vision_model": clip.clip,
        "glm4v_moe_vision": qwen_vl.glm4v,
        "glm4v_vision": qwen_vl.glm4v,
        "glm5_next_vision": qwen_vl.glm5_next,
        "glm_ocr_vision": qwen_vl.glm_ocr,
        "glmasr_encoder": audio.glm_asr,
        "got_ocr2_vision": sam.got_ocr2,
        "granite_docling_vision": granite.granite_docling,
        "granite_speech_encoder": speech.granite_encoder,
        "granite_speech_plus_encoder": speech.granite_encoder,
        "hunyuan_vl_vision": tencent.hunyuan_vl,
        "hy_v4_vl_vision": tencent.hunyuan_v4,
        "idefics2_vision": clip.headless_siglip,
        "idefics3_vision": clip.headless_siglip,
        "idefics_vision": clip.clip,
        "inkling2_vision": inkling.inkling2,
        "inkling_audio": inkling.inkling_audio,
        "inkling_vision": inkling.inkling_vision,
        "instructblip_qformer": blip.queries_and_text,
        "instructblip_vision_model": blip.vision,
        "instructblipvideo_qformer": blip.queries_and_text,
        "instructblipvideo_vision_model": blip.vision,
        "intern_vit_6b": clip.intern_vit,
        "internvl_vision": clip.internvl,
        "janus_vision_model": clip.janus,
        "janus_vqgan": vq.janus,
        "kimi_k25_vision": kimi.kimi_k25,
        "kosmos_2_5_vision_model": clip.kosmos_2_5,
        "kosmos_2_vision_model": clip.clip,
        "lfm3_vl_vision": lfm.lfm3,
        "llama4_vision_model": meta.llama4,
        "mimi": mimi.mimi,
        "minicpm_ocr_vision": clip.minicpm,
        "minicpmv4_6_vision": clip.minicpm,
        "minicpmv4_7_vision": clip.minicpm,
        "minimax_m3_vl_vision": kimi.minimax_m3,
        "mllama_vision_model": meta.mllama,
        "molmo2_vision": molmo.molmo2,
        "moonvit": kimi.kimi_k25,
        "moss_transcribe_diarize_audio": audio.whisper,
        "muse_glimmer_vision": muse.muse_vision,
        "muse_spark_audio": muse.muse_audio,
        "muse_spark_vision": muse.muse_vision,
        "omniasr_audio": audio.omni_asr,
        "ovis2_vision": clip.ovis2,
        "paddleocr_vl_vision": clip.headless_siglip,
        "phi4_multimodal_audio": phi.phi4_audio,
        "phi4_multimodal_vision": phi.phi4_vision,
        "pixtral": clip.pixtral,
        "pp_chart2table_vision": sam.got_ocr2,
        "qianfan_ocr_vision": clip.internvl,
        "qwen2_5_omni_audio_encoder": audio.qwen2_5_omni,
        "qwen2_5_omni_vision_encoder": qwen_vl.qwen2_5_vl,
        "qwen2_5_vl_vision": qwen_vl.qwen2_5_vl,
        "qwen2_audio_encoder": audio.whisper,
        "qwen2_vl_vision": qwen_vl.qwen2_vl,
        "qwen3_5_moe_vision": qwen_vl.qwen3_5,
        "qwen3_5_vision": qwen_vl.qwen3_5,
        "qwen3_asr_encoder": audio.qwen3_asr,
        "qwen3_omni_moe_audio_encoder": audio.qwen3_omni,
        "qwen3_omni_moe_vision_encoder": qwen_vl.qwen3_vl,
        "qwen3_vl_moe_vision": qwen_vl.qwen3_vl,
        "qwen3_vl_vision": qwen_vl.qwen3_vl,
        "qwen4_exp_vision": qwen_vl.qwen3_5,
        "radio": radio.radio,
        "sam_vision_model": sam.sam,
        "siglip2_vision_model": clip.siglip2,
        "siglip_vision_model": clip.siglip,
        "smolvlm_vision": clip.headless_siglip,
        "step3p5_vision": kimi.step3p5,
        "unlimited_ocr_vision": sam.unlimited_ocr,
        "timm_wrapper": from_timm.timm,
        "vibevoice_acoustic_tokenizer": codec.vibevoice_both_ways,
        "vibevoice_acoustic_tokenizer_encoder": codec.vibevoice,
        "video_llama_3_vision": clip.without_positions,
        "voxtral_encoder": audio.whisper,
        "voxtral_realtime_encoder": audio.voxtral_realtime,
        "wavtokenizer_encoder": codec.wav_tokenizer,
    }
)


def read_tower(f: Fields, expected: str) -> Tower | None:
    """The tower that ``f`` describes.

    It is of the type that ``f`` states, or of the one that its wrapper expects if ``f`` states none or the
    family's name alone (``qwen2_5_vl`` for ``qwen2_5_vl_vision``). A type that nobody knows is read as a plain
    vision transformer where its keys allow, else it is left out; both are noted as a guess.

    Raises:
        InvalidInputError: if a key of a known type is missing or cannot be right.
    """
    kind = expected if expected.startswith(f.model_type) else f.model_type
    if kind in TOWERS:
        f.defaults = class_defaults(f.tables, kind)
        f.pass_by(kind)
        f.pass_by("when:tower")
        return TOWERS[kind](f)
    return _guessed(f)


def _guessed(f: Fields) -> Tower | None:
    try:
        tower = clip.headless_siglip(f)
    except InvalidInputError:
        f.assume(f"{f.path}: a tower of type {f.model_type!r} is not known; it is not counted")
        return None
    f.assume(
        f"{f.path}: a tower of type {f.model_type!r} is not known; it was counted as a plain vision transformer"
    )
    return tower
