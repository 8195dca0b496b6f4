"""Qwen's omni models: a thinker that reads and answers, a talker and what turns its codes into sound.

Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``, by count.
"""

from collections.abc import Callable
from dataclasses import replace

from llm_calc.core.architectures.dispatch import read_model
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.registry import family
from llm_calc.core.architectures.towers.parts import Weights, placed
from llm_calc.core.architectures.towers.talkers import qwen2_5_talker, qwen3_talker
from llm_calc.core.architectures.towers.vocoders import code2wav, token2wav
from llm_calc.core.model import Model

THINKER, TALKER = "thinker_config", "talker_config"
Speaking = Callable[[Fields], Weights]


@family("qwen2_5_omni")
def qwen2_5_omni(f: Fields) -> Model:
    """Qwen2.5-Omni."""
    return _omni(f, qwen2_5_talker, "token2wav_config", token2wav)


@family("qwen3_omni_moe")
def qwen3_omni(f: Fields) -> Model:
    """Qwen3-Omni."""
    return _omni(f, qwen3_talker, "code2wav_config", code2wav)


def _omni(f: Fields, talker: Speaking, codec: str, vocoder: Speaking) -> Model:
    """The thinker with what speaks beside it, unless ``enable_audio_output`` is off."""
    model = replace(read_model(f.part(THINKER)), model_type=f.model_type)
    if not f.flag("enable_audio_output"):
        f.pass_by("when:silent")
        return model
    absent = [key for key in (TALKER, codec) if not f.given(key)]
    for key in absent:
        f.assume(f"{key} is absent: what speaks is what the class assumes")
    spoken, sound = talker(f.part(TALKER)), vocoder(f.part(codec))
    f.warn(
        f"of the parameters {_total(spoken):,} are the talker's and {_total(sound):,} those of what turns its codes "
        "into sound: counted where a model is inspected, left out of plans and times, whose engines run the thinker "
        "alone; their steps and the talker's cache are in no figure"
    )
    return replace(model, outside=model.outside + placed(spoken + sound, "speech"))


def _total(weights: Weights) -> int:
    return sum(weight.params for weight in weights)
