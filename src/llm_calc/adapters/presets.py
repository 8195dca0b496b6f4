"""What llama.cpp is started with where a request does not say it: presets (``catalogs/presets``), slots of a batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.files import STRICT, Many, Named, read_named
from llm_calc.adapters.engines import engine_from
from llm_calc.adapters.model_source import own_precision, served_model
from llm_calc.adapters.ollama_flags import ollama_settings, unsaid_of_ollama
from llm_calc.adapters.setup import resolve_setup
from llm_calc.adapters.units import GIB
from llm_calc.adapters.unnamed_engine import unnamed_words, with_an_engine_that_runs, with_engine
from llm_calc.adapters.wire.engines import LlamaCppEngine
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.parts import PrecisionPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.engines import Setup
from llm_calc.core.engines.llama_cpp import LlamaCpp
from llm_calc.core.engines.llama_cpp_slots import padded
from llm_calc.core.engines.llama_cpp_split import layer_bytes
from llm_calc.core.engines.llama_cpp_traits import MOST_PARALLEL
from llm_calc.core.errors import UnknownNameError, UnsupportedError

MIB = 1 << 20
OWN_KIND = "mxfp4"
"""Checkpoints whose experts GGUF files keep as they are."""
RequestT = TypeVar("RequestT", MemoryPlanRequest, ServingEstimateRequest)


class ContextTier(BaseModel):
    """The context of a slot where the GPUs have so much memory."""

    model_config = STRICT

    from_gib: float
    tokens: int


class BatchTier(BaseModel):
    """Tokens at once above such a context, where the memory is used so far at most and spares so much."""

    model_config = STRICT

    above_context: int
    tokens: int
    most_used_fraction: float
    spare_mib: float


class Preset(Named):
    """A file of ``catalogs/presets``."""

    model_config = STRICT

    title: str
    engine: str
    version: str
    engine_version: str
    read_on: str
    links: Many[str] = Field(min_length=1)
    slots: int
    weights: str
    one_slot: Many[str] = ()
    used_fraction: float
    contexts: Many[ContextTier] = Field(min_length=1)
    batches: Many[BatchTier] = Field(min_length=1)


@cache
def load_presets(path: Path | None = None) -> Mapping[str, Preset]:
    """All presets by name.

    Raises:
        CatalogError: a file is wrong or misnamed.
    """
    return read_named(Preset, "presets", path)


def with_preset(request: RequestT, catalogs: Catalogs) -> RequestT:
    """The request with what its preset chooses for llama.cpp; what it says itself stays.

    Raises:
        CalcError: as :func:`.setup.resolve_setup`.
    """
    request = with_an_engine_that_runs(request, catalogs)
    part = request.engine
    if not isinstance(part, LlamaCppEngine):
        return request
    if part.preset is None:
        return _with_a_slot_each(request, part, catalogs)
    preset = _preset(part.preset)
    request = _with_weights(request, preset, catalogs)
    if _is_chosen(part):
        return request
    setup = resolve_setup(
        catalogs,
        model=request.model,
        precision=request.precision,
        hardware=request.hardware,
        parallelism=request.parallelism,
        engine=part.name,
        version=part.version or preset.engine_version,
    ).setup
    return request.model_copy(update={"engine": part.model_copy(update=_chosen(preset, part, setup))})


def _with_weights(request: RequestT, preset: Preset, catalogs: Catalogs) -> RequestT:
    """The kind that its library holds, where none is named; experts in MXFP4 stay so."""
    if request.precision.weights is not None:
        return request
    source = served_model(request.model, catalogs)
    own = own_precision(source, preset.engine).weights
    if source.gguf is not None or source.variant is not None or own.storage == OWN_KIND:
        return request
    chosen = request.precision.model_copy(update={"weights": preset.weights})
    chosen.model_fields_set.discard("weights")
    return request.model_copy(update={"precision": chosen})


def _with_a_slot_each(request: RequestT, part: LlamaCppEngine, catalogs: Catalogs) -> RequestT:
    """A static batch runs at once: llama.cpp's own tools that time one give each of its sequences a slot.

    Where the model's own context does not hold them all, they are given one that does.
    """
    sequences, longest = _batch_of(request)
    if not sequences or part.n_parallel is not None or part.n_ctx is not None:
        return request
    slots = min(sequences, MOST_PARALLEL)
    needed = slots * padded(longest)
    part = part.model_copy(update={"n_parallel": slots})
    if slots > 1 and _own_context(request, part, catalogs) < needed:
        part = part.model_copy(update={"n_ctx": needed})
    return with_engine(request, part)


def _batch_of(request: MemoryPlanRequest | ServingEstimateRequest) -> tuple[int, int]:
    """Sequences of a static batch that the fullest server has, none under another load; tokens of the longest."""
    workload, servers = request.workload, request.parallelism.data if request.parallelism else 1
    if workload is None or workload.batch is None:
        return 0, 0
    return -(-workload.batch // servers), workload.longest_tokens


def _own_context(
    request: MemoryPlanRequest | ServingEstimateRequest, part: LlamaCppEngine, catalogs: Catalogs
) -> int:
    """Cells that llama.cpp takes by itself at most, for all slots together [tokens]."""
    setup = resolve_setup(
        catalogs,
        model=request.model,
        precision=request.precision,
        hardware=request.hardware,
        parallelism=request.parallelism,
        engine=part.name,
        version=part.version,
    ).setup
    return cast("LlamaCpp", engine_from(part)).start(setup).n_ctx


def _preset(name: str) -> Preset:
    found = load_presets().get(name.strip().lower().partition(" ")[0])
    if found is None:
        raise UnknownNameError("preset", name[:60], tuple(load_presets()), field="engine.preset")
    return found


def _is_chosen(part: LlamaCppEngine) -> bool:
    return None not in (part.n_ctx, part.n_parallel, part.n_ubatch, part.n_batch, part.version)


def _chosen(preset: Preset, part: LlamaCppEngine, setup: Setup) -> dict[str, Any]:
    machine = _Machine(setup=setup, count=len(setup.unlike) or setup.layout.gpus)
    single = setup.model.model_type in preset.one_slot
    if single and part.n_parallel not in (None, 1):
        msg = f"engine.n_parallel: {preset.title} gives {setup.model.model_type} one slot; it is {part.n_parallel}"
        raise UnsupportedError(msg, field="engine.n_parallel", accepted=[1])
    slots = 1 if single else part.n_parallel or preset.slots
    n_ctx = part.n_ctx or machine.context(preset) * slots
    batch = machine.batch(preset, n_ctx)
    return {
        "version": part.version or preset.engine_version,
        "n_parallel": slots,
        "kv_unified": bool(part.kv_unified),
        "n_ctx": n_ctx,
        "n_batch": part.n_batch or batch,
        "n_ubatch": part.n_ubatch or min(batch, part.n_batch or batch),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    """A model on GPUs as a preset looks at them."""

    setup: Setup
    count: int

    @property
    def memory_bytes(self) -> int:
        gpus = self.setup.unlike or (self.setup.gpu,) * self.count
        return sum(gpu.usable_memory_bytes for gpu in gpus)

    def context(self, preset: Preset) -> int:
        """Tokens of a slot, at most the model's own."""
        found = next(tier.tokens for tier in preset.contexts if self.memory_bytes >= tier.from_gib * GIB)
        return min(found, self.setup.model.context_length_tokens or found)

    def batch(self, preset: Preset, n_ctx: int) -> int:
        """Tokens at once, by the file and a 16-bit cache of all layers."""
        used, room = self._predicted_bytes(n_ctx), float(self.memory_bytes)
        for tier in preset.batches:
            spare = preset.used_fraction * room - used
            small = used <= tier.most_used_fraction * room and tier.spare_mib * MIB <= spare
            if n_ctx > tier.above_context and (small or not tier.spare_mib):
                return tier.tokens
        return preset.batches[-1].tokens

    def _predicted_bytes(self, n_ctx: int) -> float:
        model = self.setup.model
        each = sum(
            2.0 * cache.elements_per_token * len(group.indices)
            for group in model.groups
            for cache in group.parts.caches
        )
        return layer_bytes(model, self.setup.numbers.recipe).file_bytes + each * n_ctx


def chosen_words(request: MemoryPlanRequest | ServingEstimateRequest) -> list[str]:
    """What was chosen for llama.cpp, in words."""
    part = request.engine
    found = unnamed_words(request)
    if not isinstance(part, LlamaCppEngine):
        return found
    if part.preset is not None:
        started = f"engine.preset: started by {ollama_settings(part, request.precision.kv_cache)}"
        return [
            *found,
            *_weights_words(request.precision),
            _preset_words(part),
            started,
            *unsaid_of_ollama(part),
        ]
    sequences, _ = _batch_of(request)
    if sequences and part.n_parallel == min(sequences, MOST_PARALLEL):
        found.append(f"engine.n_parallel: {part.n_parallel}, a slot for each sequence of the static batch")
        found.extend([f"engine.n_ctx: {part.n_ctx}, room for each of them"] if part.n_ctx else [])
    return found


def _weights_words(precision: PrecisionPart) -> list[str]:
    if precision.weights is None or "weights" in precision.model_fields_set:
        return []
    return [
        f"precision.weights: {precision.weights}, which the preset's library holds where no kind is named"
    ]


def _preset_words(part: LlamaCppEngine) -> str:
    """What a preset chose, in words."""
    preset = _preset(part.preset or "")
    slots = f"{part.n_parallel} slot{'' if part.n_parallel == 1 else 's'}"
    versions = (
        f"{preset.title} {preset.version} with llama.cpp {preset.engine_version} (read {preset.read_on})"
    )
    asked = (part.preset or "").strip().partition(" ")[2]
    if asked.lstrip("v") not in ("", preset.version.lstrip("v")):
        versions += f", by whose rules {asked[:40]} was answered"
    chosen = f"n_ctx {part.n_ctx}, {slots}, n_batch {part.n_batch}; longer prompts are cut"
    return f"engine.preset: {versions}: {chosen}"
