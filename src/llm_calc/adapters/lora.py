"""Adapters of a request: what they have, what engines reserve for them, and what they cost of time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from llm_calc.adapters.formats import number_format
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.lora import LoraAnswer, LoraPart
from llm_calc.core.checkpoints.lora_config import FIELD, read_adapter
from llm_calc.core.checkpoints.recipes.precision import sixteen_bit
from llm_calc.core.engines import Setup, traits_of
from llm_calc.core.engines.lora import (
    ALL,
    BUFFERS,
    HEAD,
    PRODUCTS,
    TABLE,
    Adapter,
    Reserve,
    adapter_elements,
    adapter_flops_per_token,
    buffer_elements,
    with_buffers,
    with_products,
)
from llm_calc.core.engines.lora_checks import adapter_words, check_adapter
from llm_calc.core.engines.lora_modules import modules_of
from llm_calc.core.engines.lora_refusals import taken_words
from llm_calc.core.engines.lora_stacked import as_stacked
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.formats import RecipeRule
from llm_calc.core.model import Model
from llm_calc.core.names import counted

VLLM_RANK = 16
VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
VLLM_MOST_VOCABULARY = 258_048
"""``MaxLoRARanks`` of vLLM 0.33.0 ``config/lora.py`` and its default; ``lora/layers/logits_processor.py``; checked:
2026-11-30, read."""
WITH_ENDS = frozenset(
    {
        "apertus", "cohere", "cohere2", "exaone", "exaone4", "exaone_moe", "falcon_h1", "granite", "granitemoe",
        "granitemoehybrid", "granitemoeshared", "jamba", "lfm2", "lfm2_moe", "llama", "minicpm", "mistral", "mixtral",
        "nemotron", "nemotron_h", "nemotron-nas", "phi3", "phimoe", "qwen3", "qwen3_5", "qwen3_5_moe", "qwen3_moe",
        "ernie4_5", "ministral3",
    }
)  # fmt: skip
"""Model types whose classes in vLLM 0.33.0 name ``embedding_modules``: table and head have adapters as well; checked:
2026-11-30, read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Adapters with what the engine reserves for them; ``words``: what was taken for granted.

    ``modules``: last names of the matrices that they change.
    """

    part: LoraPart
    model: Model
    adapter: Adapter
    reserve: Reserve
    modules: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def elements(self) -> int:
        """Of one adapter."""
        return adapter_elements(self.model, self.adapter)

    @property
    def flops_per_token(self) -> float:
        """Of one adapter [FLOP]."""
        return adapter_flops_per_token(self.model, self.adapter)

    def beside(self, setup: Setup) -> Setup:
        """A deployment with what is reserved for adapters."""
        return _in_sixteen(setup, with_buffers(setup.model, setup.layout, self.reserve))

    def worked(self, setup: Setup) -> Setup:
        """A deployment whose steps pass through one adapter."""
        return _in_sixteen(setup, with_products(setup.model, self.adapter))

    def answer(self, setup: Setup) -> LoraAnswer:
        """What an answer says of them."""
        kept = self.part.cpu_adapters or self.part.adapters
        return LoraAnswer(
            adapter_parameters=self.elements,
            adapter_bytes=2 * self.elements,
            reserved_bytes=round(2 * _reserved(self, setup)),
            host_bytes=2 * self.elements * kept,
            flops_per_token=self.flops_per_token,
        )


def _in_sixteen(setup: Setup, model: Model) -> Setup:
    """Another model, what adapters have in it in 16 bits."""
    names = frozenset({BUFFERS, PRODUCTS})
    rule = RecipeRule(format=number_format(sixteen_bit(setup.model)), names=names, vectors=True)
    recipe = replace(setup.numbers.recipe, rules=(rule, *setup.numbers.recipe.rules))
    return replace(setup, model=model, numbers=replace(setup.numbers, recipe=recipe))


def _reserved(served: Served, setup: Setup) -> float:
    """Numbers on the fullest GPU, were all layers on it over the stages that there are."""
    model, reserve = served.model, served.reserve
    layers = sum(
        group.calls * buffer_elements(weight, setup.layout, reserve)
        for group in model.groups
        for weight in group.parts.weights
    )
    ends = len(reserve.ends) * reserve.slots * reserve.rank * (model.hidden + model.vocab)
    return layers / setup.layout.pipeline + ends


def served_lora(part: LoraPart | None, subject: Subject, engine: str) -> Served | None:
    """The adapters of a request; None where there are none.

    Raises:
        InvalidInputError: an adapter that cannot be read; names the key.
        UnsupportedError: matrices that the model does not have, a rank or a vocabulary that the engine does not take.
    """
    if part is None:
        return None
    model = subject.setup.model
    said, unread = read_adapter(part)
    adapter = as_stacked(model, said)
    check_adapter(part, said, adapter, model)
    taken = tuple(taken_words(part, engine))
    reserve, words = _reserve(part, said, adapter, model, engine)
    return Served(
        part=part,
        model=model,
        adapter=adapter,
        reserve=reserve,
        modules=_last_names(adapter, model),
        words=(*unread, *words, *taken, *adapter_words(said, adapter, model)),
    )


def _last_names(adapter: Adapter, model: Model) -> tuple[str, ...]:
    """What engines call the matrices that an adapter changes: the ends of their names, each once."""
    taken = (module.name.rpartition(".")[2] for module in modules_of(model) if adapter.takes(module))
    return tuple(dict.fromkeys(taken))


def _reserve(
    part: LoraPart, said: Adapter, adapter: Adapter, model: Model, engine: str
) -> tuple[Reserve, tuple[str, ...]]:
    """What the engine reserves; engines hold gate and up apart, each of the rank that was said."""
    rank = max(said.rank, *(each for _, each in said.ranks), 1)
    if part.max_rank is not None and part.max_rank < rank:
        msg = f"{FIELD}.max_rank: {part.max_rank} is below the adapter's rank of {rank}; engines refuse it"
        raise InvalidInputError(msg, field=f"{FIELD}.max_rank")
    kept = traits_of(engine).lora.room
    if kept == "every matrix":
        return _vllm(part, rank, model)
    slots, room = part.adapters, part.max_rank or rank
    taken = [module for module in modules_of(model) if adapter.takes(module)]
    names = None if said.targets == ALL else frozenset(name for module in taken for name in module.held)
    if kept == "changed matrices":
        reserved = f"SGLang reserves {_adapters(slots)} of rank {room} for the matrices that adapters change"
        words = (f"{FIELD}: {reserved}; a request without one takes a place as well",)
    else:
        room, unused = rank, f"; {FIELD}.max_rank reserves nothing there" if part.max_rank else ""
        are = "is held as it is" if slots == 1 else "are held as they are"
        held = f"{FIELD}: {_adapters(slots)} of rank {rank} {are}"
        words = (f"{held}; {engine}'s own buffers are not known{unused}",)
    ends = tuple(module.name for module in taken if module.layer is None)
    return Reserve(slots=slots, rank=room, names=names, ends=ends), words


def _adapters(number: int) -> str:
    return counted(number, "adapter")


def _vllm(part: LoraPart, rank: int, model: Model) -> tuple[Reserve, tuple[str, ...]]:
    """All matrices have room, whatever adapters change; ranks are those that its option takes."""
    room = part.max_rank or next((each for each in VLLM_RANKS if each >= max(rank, VLLM_RANK)), 0)
    if room not in VLLM_RANKS:
        msg = f"{FIELD}.max_rank: vLLM takes {', '.join(map(str, VLLM_RANKS))}; the adapter's rank is {rank}"
        raise UnsupportedError(msg, field=f"{FIELD}.max_rank", accepted=list(VLLM_RANKS))
    ends = (TABLE, HEAD) if model.model_type in WITH_ENDS else ()
    if ends and model.vocab > VLLM_MOST_VOCABULARY:
        msg = (
            f"{FIELD}: vLLM refuses adapters for a head of more than {VLLM_MOST_VOCABULARY} tokens; the model has "
            f"{model.vocab}"
        )
        raise UnsupportedError(msg, field=FIELD)
    beside = ", table and head" if ends else ""
    said = f"vLLM reserves max_loras {part.adapters} x max_lora_rank {room} for every matrix of its layers{beside}"
    words = (f"{FIELD}: {said}, whatever an adapter changes",)
    return Reserve(slots=part.adapters, rank=room, ends=ends), words


def lora_answer(served: Served | None, setup: Setup) -> LoraAnswer | None:
    """What an answer says of adapters, if there are any."""
    return None if served is None else served.answer(setup)


def with_lora(subject: Subject, served: Served | None) -> Subject:
    """What was resolved, with what is reserved for adapters and what was taken for granted of them."""
    if served is None:
        return subject
    return replace(
        subject, setup=served.beside(subject.setup), assumptions=(*subject.assumptions, *served.words)
    )


def lora_words(served: Served | None) -> Iterator[str]:
    """What an estimate takes for granted of adapters."""
    if served is None:
        return
    yield from served.words
    yield (
        f"{FIELD}: every step passes through the matrices of one adapter; their launches and further adapters of the "
        "same step are not counted, and nothing of it was calibrated"
    )
