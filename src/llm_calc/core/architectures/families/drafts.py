"""Draft models that read the caches of the model that they draft for: the assistants of Gemma 4.

Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``.
"""

from dataclasses import replace

from llm_calc.core.architectures.dispatch import read_model
from llm_calc.core.architectures.families.gemma_small import DRAFTS
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.registry import family
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight

FORBIDDEN = ("hidden_size_per_layer_input", "enable_moe_block", "use_double_wide_mlp")


@family("gemma4_assistant", "gemma4_unified_assistant")
def gemma4_assistant(f: Fields) -> Model:
    """A small Gemma 4 without keys and values of its own, between two matrices from and to the larger one's width."""
    part = f.part("text_config")
    part.fallbacks = {DRAFTS: True, "tie_word_embeddings": True}
    for key in FORBIDDEN:
        if part.raw(key, part.defaults.keys.get(key)):
            raise part.refusal(key, "0 or false in a draft model")
    text, wide = read_model(part), f.int("backbone_hidden_size")
    ends = (
        _other("pre_projection", 2 * wide, text.hidden),
        _other("post_projection", text.hidden, wide),
        *_centroids(f, text.hidden),
    )
    return replace(
        text,
        model_type=f.model_type,
        outside=(*text.outside, *ends),
        head_tied=f.flag("tie_word_embeddings"),
    )


def _other(name: str, rows: int, cols: int) -> Weight:
    return Weight(name=name, component="other", rows=rows, cols=cols)


def _centroids(f: Fields, hidden: int) -> tuple[Weight, ...]:
    """Groups of the vocabulary, of which only the likeliest are computed."""
    if not f.flag("use_ordered_embeddings"):
        return ()
    f.assume("the head is counted as computed whole, where the likeliest groups of the vocabulary suffice")
    return (_other("centroids", hidden, f.int("num_centroids")),)
