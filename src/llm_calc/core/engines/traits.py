"""What sets engines apart beside their rules of memory: one value for each, so that no rule compares names.

Each engine's own stand in ``<engine>_traits.py``. What is left out is how an engine behaves of which nothing is known.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from llm_calc.core.engines.layout_flags import LayoutFlags
from llm_calc.core.engines.setup import Setup
from llm_calc.core.engines.starting import Needed, Options
from llm_calc.core.hardware import Gpu
from llm_calc.core.model import Model

CHECKPOINT_FORMATS = ("fp8", "int8", "int4-awq", "int4-gptq")
LoraRoom = Literal["as held", "changed matrices", "every matrix"]


def as_it_is(_: Needed) -> Iterator[Options]:
    """No options at all."""
    yield {}


def usual_cache(_model: Model, _gpu: Gpu) -> str | None:
    """No format of its own for a kind of model on a card."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionTraits:
    """What an engine calls things.

    ``context``: the longest context of a request. ``prefix_switch``: the flag that switches the cache of equal prompt
    beginnings off, and the value that does. ``contexts``: the option that deals the tokens of a cache over GPUs, and
    ``contexts_refused``: why it does not over so many. ``cache_sizes``: options that say how large the cache is;
    ``cache_share``: which share of the memory is the engine's. ``cache_types``: formats of the cache as its
    ``kv_cache_dtype`` says them. ``refused``: flags that are not taken, and what says the same. ``words``: switches
    that a command line says in words; ``sentinels``: values that stand for others, None for what it does by itself.
    ``tells_letters``: 8k and 8K are two counts. ``compiles``: a config of compilation holds some of its options,
    ``wholes``: configs of its own hold others.
    ``partition``: an environment variable that names the layers of each stage. ``states``: the option that says the
    number type of recurrent states; ``states_open``: only of those whose type no file states. ``open_state_bytes``:
    width of these where nothing is said [bytes]. ``usual_kernels``: attention kernels that it takes by itself, which
    are those of the measured runs.
    """

    context: str = "max_model_len"
    prefix_switch: tuple[str, bool] | None = None
    contexts: str | None = None
    contexts_refused: Callable[[Setup, int], tuple[str, ...]] | None = None
    cache_sizes: tuple[str, ...] = ()
    cache_share: str | None = None
    cache_types: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    sentinels: Mapping[str, Mapping[object, int | None]] = field(default_factory=dict)
    tells_letters: bool = False
    compiles: bool = False
    wholes: bool = False
    layout: LayoutFlags = field(default_factory=LayoutFlags)
    partition: bool = False
    states: str | None = None
    states_open: bool = False
    open_state_bytes: float | None = None
    usual_kernels: Callable[[Setup], frozenset[str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatTraits:
    """Number formats that an engine takes by itself.

    ``gguf_alone``: it runs GGUF files and no other checkpoints. ``cache``: its cache where nothing is said, of every
    model; ``cache_on``: of a kind of model on a card. ``fp8_with``: kinds of weights with which it keeps cache and
    activations in fp8. ``typed_by_weights``: one number type that weights in fp32 ask for. ``kept``: formats of its
    cache beside those of ``cache_types``. ``small_cache``: classes of chips and kinds of weights whose measured
    deployments kept the cache in fp8. ``advised_weights`` and ``advised_caches``: narrower ones to try; ``own_files``:
    they are kinds of files of its own, which are made from any model.
    """

    gguf_alone: bool = False
    cache: str | None = None
    cache_on: Callable[[Model, Gpu], str | None] = usual_cache
    fp8_with: frozenset[str] = frozenset()
    typed_by_weights: bool = False
    kept: tuple[str, ...] = ()
    small_cache: Mapping[str, frozenset[str]] = field(default_factory=dict)
    advised_weights: tuple[str, ...] = CHECKPOINT_FORMATS
    advised_caches: tuple[str, ...] = ("fp8",)
    own_files: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTraits:
    """How an engine serves, and what of it was measured.

    ``server``: measured as a server. ``own_machine``: for one's own machine, its kernels measured without a client.
    ``alone_only``: only single requests were measured. ``sessions``: its cache of prompts lets blocks go in the order
    of their last use. ``keeps_states``: it looks for equal beginnings where a model has recurrent states. ``slots``: a
    slot for each sequence of a batch. ``drafts_alone``: it batches nothing beside a draft. ``drafts_placed``: where a
    draft lies is known. ``caution``: the option that says how much of an answer must fit beside the prompt for its
    request to enter, in parts of the engine's own; ``caution_dealt``: such a part by itself where attention is dealt
    over groups. ``started``: options under which a plan starts it, the next where the first do not do.
    """

    server: bool = False
    own_machine: bool = False
    alone_only: bool = False
    sessions: bool = True
    keeps_states: bool = True
    slots: bool = False
    drafts_alone: bool = False
    drafts_placed: bool = True
    caution: str | None = None
    caution_dealt: float = 1.0
    started: Callable[[Needed], Iterator[Options]] = as_it_is


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraTraits:
    """What an engine takes of adapters, and reserves for them.

    ``refused``: keys with which it loads none. ``not_beside``: methods of speculation beside which it serves none.
    ``all_word``: a word for all matrices of a model.
    """

    room: LoraRoom = "as held"
    refused: tuple[str, ...] = ()
    not_beside: tuple[str, ...] = ()
    all_word: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """All of an engine.

    ``deals_layers``: it deals layers to devices where others cut matrices. ``stage_layers``: it is told the layers of
    each stage. ``half_sums``: matrices are summed in 16 bits where the GPU is faster so, in one type for all formats.
    ``packs_cache``: it keeps a quantized cache that nobody measured. ``largest_items``: it reserves for the largest
    item of a model's encoder. ``nixl``: caches travel by NIXL as vLLM runs it. ``any_engine``: stands for those without
    rules of their own. ``written``: names beside its own under which people know it.
    """

    options: OptionTraits = field(default_factory=OptionTraits)
    formats: FormatTraits = field(default_factory=FormatTraits)
    load: LoadTraits = field(default_factory=LoadTraits)
    lora: LoraTraits = field(default_factory=LoraTraits)
    written: tuple[str, ...] = ()
    deals_layers: bool = False
    stage_layers: bool = False
    half_sums: bool = False
    packs_cache: bool = False
    largest_items: bool = False
    nixl: bool = False
    any_engine: bool = False


UNKNOWN = Traits()
