"""Start-up logs of engines as settings that can be planned, and the constants fitted to them."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from llm_calc.adapters.architectures import read_config
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.engines import build_engine
from llm_calc.adapters.formats import FormatWishes, resolve_precision
from llm_calc.adapters.units import GIB
from llm_calc.core.engines import Engine, MemoryPlan, Setup
from llm_calc.core.engines.vllm import Vllm, captured_sizes
from llm_calc.core.overheads import OverheadConstants, forward_peak_bytes
from llm_calc.core.parallelism import Layout

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / "catalogs" / "engines" / "startup_logs.csv"
OPTION_NAMES = {
    "vllm": {"max_model_len": "max_model_len", "utilization": "gpu_memory_utilization", "eager": "enforce_eager",
             "batched_tokens": "max_num_batched_tokens", "sequences": "max_num_seqs"},
    "sglang": {"max_model_len": "context_length", "utilization": "mem_fraction_static"},
    "llama.cpp": {"max_model_len": "n_ctx"},
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One start-up: what ran, and what the engine printed."""

    cells: dict[str, str]
    setup: Setup
    engine: Engine

    def value(self, name: str) -> float | None:
        """A cell as a number."""
        return float(self.cells[name]) if self.cells[name] else None

    def plan(self, constants: OverheadConstants | None = None) -> MemoryPlan:
        """The plan, with other constants if given."""
        engine = self.engine if constants is None else replace(self.engine, overheads=constants)  # type: ignore[type-var]
        return engine.plan(self.setup)

    @property
    def setting(self) -> tuple[str, ...]:
        """Logs of one setting count once."""
        return tuple(self.cells[name] for name in ("engine", "model", "weights", "kv_cache", "tensor"))


def read_logs() -> list[Log]:
    """All logs that the table holds."""
    with LOGS.open(newline="", encoding="utf-8") as lines:
        return [_log(cells) for cells in csv.DictReader(lines)]


def _log(cells: dict[str, str]) -> Log:
    catalogs = load_catalogs()
    engine, entry = cells["engine"], catalogs.model(cells["model"])
    wishes = FormatWishes(weights=cells["weights"], kv_cache=cells["kv_cache"], engine=engine)
    reading = read_config(entry.config, name=entry.name)
    gpu = catalogs.gpu(cells["gpu"] or "h100-80gb-sxm")
    if cells["gpu_memory_gib"]:
        gpu = gpu.with_memory(int(float(cells["gpu_memory_gib"]) * GIB))
    numbers = resolve_precision(reading.model, wishes, reading.quantization).numbers
    layout = Layout(tensor=int(cells["tensor"]), data=int(cells["data"]))
    setup = Setup(model=reading.model, numbers=numbers, layout=layout, gpu=gpu)
    return Log(cells=cells, setup=setup, engine=build_engine(engine, None, **_options(cells)))


def _options(cells: dict[str, str]) -> dict[str, float | int | bool]:
    options: dict[str, float | int | bool] = {}
    for name, option in OPTION_NAMES.get(cells["engine"], {}).items():
        if cells[name]:
            number = float(cells[name])
            options[option] = (
                bool(number) if name == "eager" else number if name == "utilization" else int(number)
            )
    return options


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A constant and the number of logs that it rests on."""

    value: float
    logs: int


def fit(logs: Sequence[Log]) -> dict[str, Fitted]:
    """All constants of vLLM's, from vLLM's logs."""
    own = [log for log in logs if isinstance(log.engine, Vllm)]
    single = [log.value("non_torch_gib") for log in own if log.setup.layout.tensor == 1]
    context = _median(value for value in single if value is not None)
    return {
        "sampler_bytes_per_logit": _median(map(_bytes_per_logit, own)),
        "context_bytes": Fitted(value=context.value * GIB, logs=context.logs),
        **_communication(own, context.value),
        "graph_bytes_per_layer": _median(map(_graph_bytes_per_layer, own)),
    }


def _median(values: Iterable[float | None]) -> Fitted:
    found = [value for value in values if value is not None]
    return Fitted(value=median(found), logs=len(found))


def _bytes_per_logit(log: Log) -> float | None:
    """What the sampler takes an entry, where it and not the forward pass is the peak."""
    peak, limits, model = log.value("activation_peak_gib"), log.engine.limits(log.setup), log.setup.model
    if peak is None:
        return None
    forward = forward_peak_bytes(model, limits.max_batched_tokens, 2.0, log.setup.layout.tensor)
    left = peak * GIB - limits.max_batched_tokens * model.hidden * 2.0
    return None if peak * GIB < 1.1 * forward else left / (limits.max_sequences * model.vocab)


def _communication(logs: Sequence[Log], context_gib: float) -> dict[str, Fitted]:
    """A straight line over the GPUs of the group, through the medians at each size."""
    by_size: dict[int, list[float]] = defaultdict(list)
    for log in logs:
        value = log.value("non_torch_gib")
        if value is not None and log.setup.layout.tensor > 1:
            by_size[log.setup.layout.tensor].append((value - context_gib) * GIB)
    peers = np.array([[1.0, size - 1] for size in by_size])
    group, peer = np.linalg.lstsq(
        peers, np.array([median(values) for values in by_size.values()]), rcond=None
    )[0]
    count = sum(len(values) for values in by_size.values())
    return {
        "group_bytes": Fitted(value=float(group), logs=count),
        "peer_bytes": Fitted(value=float(peer), logs=count),
    }


def _graph_bytes_per_layer(log: Log) -> float | None:
    """Logged graph memory over layers and captured sizes; the median lets memory freed meanwhile weigh no more."""
    graphs = log.value("cuda_graph_gib")
    if graphs is None or log.cells["eager"]:
        return None
    sizes = captured_sizes(log.engine.limits(log.setup).max_sequences)
    return graphs * GIB / (log.setup.model.num_layers * sizes)


def overheads(fitted: dict[str, Fitted]) -> OverheadConstants:
    """The constants as the core takes them."""
    return OverheadConstants(**{name: constant.value for name, constant in fitted.items()})


def left_out(logs: Sequence[Log]) -> list[tuple[Log, OverheadConstants]]:
    """Every vLLM log with the constants fitted without its model."""
    own = [log for log in logs if isinstance(log.engine, Vllm)]
    constants = {}
    for model in {log.cells["model"] for log in own}:
        constants[model] = overheads(fit([log for log in own if log.cells["model"] != model]))
    return [(log, constants[log.cells["model"]]) for log in own]
