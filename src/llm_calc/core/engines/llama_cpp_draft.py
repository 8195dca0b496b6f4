"""A draft of llama.cpp: a model of its own, with a context of its own, loaded beside the model."""

from collections.abc import Sequence
from dataclasses import replace

from llm_calc.core.engines.llama_cpp_fit import Loading, dealt_layers
from llm_calc.core.engines.llama_cpp_split import no_host_tensors
from llm_calc.core.engines.setup import Setup
from llm_calc.core.formats import NumberFormat
from llm_calc.core.serving.drafts import DraftModel

CELLS = NumberFormat(name="fp16", element_bits=16.0, compute="fp16")
"""Cells of a draft, whatever the model's are, where no option of its own says otherwise."""


def draft_of(
    setup: Setup, draft: DraftModel, loading: Loading, shares: Sequence[float]
) -> tuple[Setup, Loading]:
    """The draft as what is loaded, and how: all layers on the devices, dealt as the model's, as many cells [layers].

    ``shares``: parts of the layers for each device [1]. Cells of the draft = ``n_ctx`` of the model.
    Source: llama.cpp ``tools/server/server-context.cpp`` at 001d906, ``load_model``: parameters of the model's become
    the draft's, whose model and context are made after the model's and fitted with them; checked: 2026-11-30, read.
    Choice: options of a draft's own are not taken here: all layers offloaded, as many cells, 16 bits each.
    Leaves out: what of a draft stays with the host (its table).
    """
    numbers = replace(setup.numbers, recipe=draft.recipe, cache=CELLS, values=None)
    layers, count = draft.model.num_layers, setup.layout.pipeline
    own = Loading(
        n_ctx=loading.n_ctx,
        layers=dealt_layers(layers, layers + 1, count, shares),
        host=no_host_tensors(layers),
    )
    return replace(setup, model=draft.model, numbers=numbers, draft=None), own
