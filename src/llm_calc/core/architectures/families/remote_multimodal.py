"""Multimodal models whose class only their authors' repository holds: Kimi-VL, dots.ocr, MiniCPM-V to 4.5."""

from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.generic import read_generic
from llm_calc.core.architectures.registry import family, read_as
from llm_calc.core.architectures.towers import projectors
from llm_calc.core.architectures.towers.clip import headless_siglip
from llm_calc.core.architectures.towers.parts import Weights
from llm_calc.core.architectures.towers.wrapper import TowerPart, Wrapper
from llm_calc.core.model import Model

KIMI_VL = Wrapper(towers=(TowerPart(projector=projectors.kimi_vl),))
MINICPM_TEXTS = {2.5: "llama", 2.6: "qwen2", 4: "llama", 4.5: "qwen3"}
"""The text part of each release that ``version`` names."""


@family("kimi_vl")
def kimi_vl(f: Fields) -> Model:
    """DeepSeek-V3's decoder and MoonViT."""
    model = KIMI_VL(f)
    f.agree(vocab_size=model.vocab)
    return model


@family("dots_ocr")
def dots_ocr(f: Fields) -> Model:
    """Qwen 2, whose keys stand at the file's own level, and a tower of the authors'."""
    f.agree(attention_bias=True)
    f.defaults = replace(f.defaults, parts={"vision_config": "dots_vit"})
    return Wrapper(text_reader=lambda fields: read_as(fields, "qwen2"))(f)


@family("minicpmv")
def minicpmv(f: Fields) -> Model:
    """MiniCPM-V 2.5 to 4.5: a decoder by its ``version``, SigLIP without its head, queries between them.

    Source: vLLM, ``model_executor/models/minicpmv.py`` (which text each version has); ``checked: 2026-11-30``, read.
    """
    version = f.raw("version", None)
    kind = MINICPM_TEXTS.get(version) if isinstance(version, int | float) else None
    if kind is None:
        f.assume(
            f"version {version!r} of MiniCPM-V is not known: its text part was read by its keys, no tower was counted"
        )
        return read_generic(f)
    return Wrapper(towers=(), text_reader=lambda fields: read_as(fields, kind), further=_minicpm_tower)(f)


def _minicpm_tower(f: Fields, text: Model) -> Weights:
    part = f.part("vision_config")
    part.adopt("siglip_vision_model")
    part.pass_by("siglip_vision_model")
    tower = headless_siglip(part)
    if f.flag("drop_vision_last_layer", default=False):
        f.assume("drop_vision_last_layer: the tower was counted with its last layer")
    return (*tower.weights, *projectors.queries(f, part, tower, text.hidden))
