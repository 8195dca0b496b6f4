"""llama.cpp: everything is sized from the options and allocated at start; what is not said is fitted to the memory.

Read from llama.cpp v0.5.0 (28 September 2026) and held against its own dry run (``tools/llama_cpp_dry_run``):
``src/llama-model.cpp``, ``src/llama-kv-cache.cpp``, ``src/llama-kv-cache-iswa.cpp``, ``src/llama-context.cpp``,
``common/fit.cpp`` and ``tools/server``; checked: 2026-11-29.
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import ClassVar

from llm_calc.core.engines.base import GpuBudget, Limits, MemoryPlan, Pool, Setup, context_of, fullest
from llm_calc.core.engines.llama_cpp_cache import CacheRules, cache_bytes, claims, widened_notes
from llm_calc.core.engines.llama_cpp_compute import Graph, compute_bytes, host_compute_bytes
from llm_calc.core.engines.llama_cpp_copies import copies_of
from llm_calc.core.engines.llama_cpp_draft import draft_of
from llm_calc.core.engines.llama_cpp_fit import FitQuestion, Loading, dealt_layers, fitted
from llm_calc.core.engines.llama_cpp_loading import (
    Parts,
    check,
    device_weights,
    doubled_bytes,
    free_memory,
    host_weights,
    kept_with_host,
    longest_request,
    notes,
)
from llm_calc.core.engines.llama_cpp_placement import devices_of, placement_of, without_effect
from llm_calc.core.engines.llama_cpp_rules import LlamaCppRules
from llm_calc.core.engines.llama_cpp_slots import CELL_PADDING, Slots, padded, slots_of
from llm_calc.core.engines.llama_cpp_split import Device
from llm_calc.core.engines.llama_cpp_traits import TRAITS
from llm_calc.core.engines.places import HostBudget
from llm_calc.core.engines.traits import Traits
from llm_calc.core.overheads import OverheadConstants, framework_bytes
from llm_calc.core.serving.placement import Placement

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaCpp:
    """Options under llama.cpp's own names; None: what the server takes by itself."""

    name: ClassVar[str] = "llama.cpp"
    traits: ClassVar[Traits] = TRAITS

    overheads: OverheadConstants
    rules: LlamaCppRules
    n_ctx: int | None
    n_batch: int
    n_ubatch: int
    n_gpu_layers: int | None
    n_parallel: int | None
    kv_unified: bool | None
    flash_attn: bool
    swa_full: bool
    cache_type_k: str | None
    cache_type_v: str | None
    n_cpu_moe: int
    cpu_moe: bool
    n_cpu_ffn: int
    override_tensor: str | None
    offload_kqv: bool
    no_kv_offload: bool
    op_offload: bool
    tensor_split: tuple[float, ...] | None
    split_mode: str
    main_gpu: int
    fit: bool
    fit_target: int
    fit_ctx: int

    def slots_at(self, n_ctx: int) -> Slots:
        """Slots over so many cells."""
        automatic = self.n_parallel is None or self.n_parallel == self.rules.automatic_slots
        count = self.n_parallel or self.rules.automatic_slots
        shared = self.kv_unified if self.kv_unified is not None else automatic and count > 1
        return slots_of(n_ctx, count, shared=shared)

    @property
    def slots(self) -> int:
        """Sequences at once: ``n_parallel``, else as many as the server takes by itself [sequences].

        Definition: one a slot.
        """
        return self.n_parallel or self.rules.automatic_slots

    def limits(self, setup: Setup) -> Limits:  # noqa: ARG002
        """One sequence a slot, ``n_batch`` tokens a step (in micro-batches of ``n_ubatch``)."""
        return Limits(max_sequences=self.slots, max_batched_tokens=self.n_batch)

    def plan(self, setup: Setup) -> MemoryPlan:
        """Weights, cells and compute buffer on the fullest device, and what stays with the host [bytes, tokens].

        ``available = memory - weights - compute buffer - framework``, less the host's tensors where memory is shared.
        What the options leave open is fitted first (:func:`.llama_cpp_fit.fitted`).
        Source: llama.cpp v0.5.0 ``src/llama-model.cpp``, ``src/llama-kv-cache.cpp`` and ``common/fit.cpp``; checked:
        2026-11-30, read where the parts cite them.
        Leaves out: towers, which come in a file of their own; prediction blocks, which a server does not load.

        Raises:
            UnsupportedError: tensor or expert parallelism, or a split of rows; llama.cpp deals layers to devices.
        """
        check(setup, self.split_mode, self.tensor_split, self.main_gpu)
        loading = self.loading(setup)
        split = devices_of(setup, loading)
        host, slots = self._host(setup, loading, split), self.slots_at(loading.n_ctx)
        found = fullest([self._device(setup, loading, split, stage, host) for stage in range(len(split))])
        said = (*notes(setup, loading, split, slots), *without_effect(setup, self, slots))
        here = [device.layers for device in split] if self.cache_on_device else []
        return replace(found, notes=(*said, *widened_notes(setup, here, self._cache_rules(setup, loading))))

    def loading(self, setup: Setup) -> Loading:
        """What the server loads where: as the options say, and fitted where they say nothing."""
        return _loaded(self, setup)

    def start(self, setup: Setup) -> Loading:
        """What the options say, before anything is fitted."""
        layers, count = setup.model.num_layers + 1, setup.layout.pipeline
        asked, experts = self.n_gpu_layers, setup.model.num_layers if self.cpu_moe else self.n_cpu_moe
        offloaded = layers if asked is None or asked < 0 else min(asked, layers)
        return Loading(
            n_ctx=self.longest(setup),
            layers=dealt_layers(setup.model.num_layers, offloaded, count, self._shares(setup)),
            host=kept_with_host(setup.model, experts, self.n_cpu_ffn, self.override_tensor),
        )

    def fitted(self, setup: Setup) -> Loading:
        """The same with what they leave open chosen to fit the memory."""
        start = self.start(setup)
        if not (self.fit and self.rules.fits) or not start.offloaded:
            return start
        return fitted(self._question(setup, start), start, partial(self._needs, setup))

    def placement(self, setup: Setup) -> Placement:
        """What the host computes of a step [1].

        Definition: see :func:`.llama_cpp_placement.placement_of`.
        """
        loading = self.loading(setup)
        split = devices_of(setup, loading)
        return placement_of(setup, loading, split, cache_on_device=self.cache_on_device)

    def longest(self, setup: Setup) -> int:
        """Cells in all before anything is fitted, which makes them no more: the option, or the model's own [tokens].

        Definition: of each slot, where the server means it so.
        """
        each = self.slots if self.rules.context_for_each_slot else 1
        return self.n_ctx or context_of(setup.model, None) * each

    def _shares(self, setup: Setup) -> tuple[float, ...]:
        """Parts of the layers for each device: as said, all for one, or by the devices' memory."""
        count = setup.layout.pipeline
        if self.split_mode == "none":
            return tuple(float(device == self.main_gpu) for device in range(count))
        return self.tensor_split or free_memory(setup, framework_bytes(1, self.overheads))

    def micro_batch(self, n_ctx: int) -> int:
        """Tokens that are computed at once [tokens].

        ``min(context, n_batch, n_ubatch)``.
        Source: llama.cpp v0.5.0 ``src/llama-context.cpp``, the constructor; checked: 2026-11-30, read. Exact.
        """
        return min(n_ctx, self.n_batch, self.n_ubatch)

    def _question(self, setup: Setup, start: Loading) -> FitQuestion:
        slots, least = self.slots_at(start.n_ctx), padded(self.fit_ctx)
        margin, framework = self.fit_target * MIB, framework_bytes(1, self.overheads)
        targets = (setup.memory_of(stage) - framework - margin for stage in range(setup.layout.pipeline))
        open_layers = (self.n_gpu_layers is None or self.n_gpu_layers < 0) and not any(start.host)
        return FitQuestion(
            num_layers=setup.model.num_layers,
            targets=tuple(targets),
            longest=start.n_ctx,
            shortest=least * slots.streams,
            align=CELL_PADDING * slots.streams,
            open_context=self.n_ctx is None,
            open_layers=open_layers and self.tensor_split is None,
            experts=setup.model.num_experts > 0,
        )

    def _needs(self, setup: Setup, loading: Loading, stages: range) -> list[float]:
        """Bytes that these devices take under a loading, without the framework."""
        split = devices_of(setup, loading)
        return [self._parts(setup, loading, split, stage).total_bytes for stage in stages]

    def _parts(self, setup: Setup, loading: Loading, split: tuple[Device, ...], stage: int) -> Parts:
        """Weights, cells and compute buffer of one device."""
        layers = split[stage].layers
        own = Parts(
            weights_bytes=device_weights(setup, loading, split, stage),
            kv_cache_bytes=self._cells(setup, loading, layers) if self.cache_on_device else 0.0,
            compute_bytes=compute_bytes(self._graph(setup, loading, split, stage)),
        )
        if setup.draft is None:
            return own
        beside, its = draft_of(setup, setup.draft, loading, self._shares(setup))
        return own.beside(self._parts(beside, its, devices_of(beside, its), stage))

    @property
    def cache_on_device(self) -> bool:
        """Whether the cells of an offloaded layer lie with it."""
        return self.offload_kqv and not self.no_kv_offload

    def _cells(self, setup: Setup, loading: Loading, layers: range) -> float:
        return cache_bytes(setup.model, layers, self._cache_rules(setup, loading))

    def _cache_rules(self, setup: Setup, loading: Loading) -> CacheRules:
        numbers = setup.numbers
        return CacheRules(
            slots=self.slots_at(loading.n_ctx),
            micro_batch=self.micro_batch(loading.n_ctx),
            key_bytes=numbers.cache.bytes_per_element,
            value_bytes=numbers.value_cache.bytes_per_element,
            flash_attention=self.flash_attn,
            swa_full=self.swa_full,
        )

    def _graph(self, setup: Setup, loading: Loading, split: tuple[Device, ...], stage: int) -> Graph:
        slots = self.slots_at(loading.n_ctx)
        whole = loading.is_whole(setup.model.num_layers) and not loading.onward
        return Graph(
            model=setup.model,
            slots=slots,
            micro_batch=self.micro_batch(loading.n_ctx),
            flash_attention=self.flash_attn,
            cached_beside=self.rules.cached_beside_scores,
            swa_full=self.swa_full,
            cache_on_device=self.cache_on_device,
            outputs=slots.count if self.rules.output_rows_by_slot else self.micro_batch(loading.n_ctx),
            output=split[stage].output,
            devices=sum(bool(device.layers) or device.output for device in split) if whole else 1,
            device=stage,
            used=bool(split[stage].layers) or split[stage].output,
            copies=copies_of(
                setup,
                loading,
                split,
                self._cache_rules(setup, loading),
                cache_on_device=self.cache_on_device,
                op_offload=self.op_offload,
            ),
        )

    def _device(
        self, setup: Setup, loading: Loading, split: tuple[Device, ...], stage: int, host: HostBudget
    ) -> MemoryPlan:
        parts, slots = self._parts(setup, loading, split, stage), self.slots_at(loading.n_ctx)
        framework, memory = framework_bytes(1, self.overheads), setup.memory_of(stage)
        shared = host.needed_bytes if setup.gpu.unified_memory else 0.0
        available = memory - parts.weights_bytes - parts.compute_bytes - framework - shared
        rules = self._cache_rules(setup, loading)
        held = claims(setup.model, split[stage].layers, rules) if self.cache_on_device else ()
        return MemoryPlan(
            engine=self.name,
            budget=GpuBudget(
                memory_bytes=memory,
                usable_bytes=memory - shared,
                weights_bytes=parts.weights_bytes,
                host_weights_bytes=host.weights_bytes,
                doubled_bytes=doubled_bytes(setup, split),
                activation_peak_bytes=parts.compute_bytes,
                cuda_graphs_bytes=0.0,
                framework_bytes=framework,
                kv_cache_bytes=parts.kv_cache_bytes,
            ),
            pools=(Pool(name="cells", capacity_bytes=max(0.0, available), claims=held),) if held else (),
            available_bytes=available,
            bytes_per_token=sum(claim.bytes_per_token for claim in held),
            tokens_per_replica=slots.cells,
            max_model_len_tokens=longest_request(slots, setup.model),
            limits=self.limits(setup),
            replicas=setup.layout.data,
            stage=stage,
            places=slots,
            host=host,
        )

    def _host(self, setup: Setup, loading: Loading, split: tuple[Device, ...]) -> HostBudget:
        """What the host's memory holds; where memory is shared, the GPU's own memory bounds it."""
        placed = [layer for device in split for layer in device.layers] if self.cache_on_device else []
        first = len(placed) and setup.model.num_layers - len(placed)
        rest = range(first if placed else setup.model.num_layers)
        return HostBudget(
            weights_bytes=host_weights(setup, loading, split),
            kv_cache_bytes=self._cells(setup, loading, rest),
            compute_bytes=host_compute_bytes(self._graph(setup, loading, split, len(split) - 1)),
            memory_bytes=None if setup.gpu.unified_memory or setup.host is None else setup.host.memory_bytes,
            offloads=not loading.is_whole(setup.model.num_layers),
        )


@lru_cache(maxsize=256)
def _loaded(engine: LlamaCpp, setup: Setup) -> Loading:
    return engine.fitted(setup)
