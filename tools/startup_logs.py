"""Start-up logs of engines as settings that can be planned, and the constants fitted to them."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.catalog.files import read_toml
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.engine_catalog import EngineFile, EngineRules
from llm_calc.adapters.engines import build_engine, engine_releases, engine_rules
from llm_calc.adapters.formats import FormatWishes, resolve_precision
from llm_calc.adapters.units import GIB
from llm_calc.core.engines import Engine, MemoryPlan, Setup
from llm_calc.core.engines.releases import version_numbers
from llm_calc.core.engines.vllm import Vllm
from llm_calc.core.engines.vllm_graphs import captured_graphs
from llm_calc.core.overheads import OverheadConstants, forward_peak_bytes
from llm_calc.core.parallelism import Layout

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / "catalogs" / "engines" / "startup_logs.csv"
MOST_UNKNOWN = 2
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
    def release(self) -> str:
        """The release whose rules answer for it."""
        return _release(self.cells).version

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
    layout = Layout(
        tensor=int(cells["tensor"]),
        pipeline=int(cells["pipeline"] or 1),
        data=int(cells["data"]),
        shared=True if engine == "sglang" else None,
    )
    setup = Setup(model=reading.model, numbers=numbers, layout=layout, gpu=gpu)
    return Log(
        cells=cells, setup=setup, engine=build_engine(engine, _release(cells).version, **_options(cells))
    )


def _release(cells: dict[str, str]) -> EngineRules:
    """The release of a log; one that names none is as old as the oldest rules."""
    engine, version = cells["engine"], cells["version"]
    return engine_rules(engine, version) if version_numbers(version) else engine_releases(engine)[0]


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


Key = tuple[str, str]
"""The release that states a constant, and the constant."""


def fit(logs: Sequence[Log]) -> dict[Key, Fitted]:
    """Every constant of vLLM's that logs give, for the releases from the one that states it to the next that does."""
    own = [log for log in logs if isinstance(log.engine, Vllm)]
    found: dict[Key, Fitted] = {}
    for names, fitted in (
        (("sampler_bytes_per_logit",), _sampler),
        (("context_bytes",), _context),
        (("stage_context_bytes",), _stage_context),
        (("group_bytes", "peer_bytes"), _communication),
        (("graph_bytes_per_layer",), _graph_ratio),
    ):
        for release, members in _by_statement(own, names):
            for name, constant in zip(names, fitted(members), strict=False):
                found[release, name] = constant
    return found


def _by_statement(logs: Sequence[Log], names: tuple[str, ...]) -> list[tuple[str, list[Log]]]:
    """The logs of each stretch of releases that share exactly these constants as stated."""
    stretches: list[tuple[str, list[str]]] = []
    for release, stated in zip(engine_releases("vllm"), _stated(), strict=True):
        graphs = {name for name in stated if name.startswith("graph_bytes")}
        if set(names) <= stated and (not graphs & set(names) or graphs == set(names)):
            stretches.append((release.version, []))
        elif set(names) & stated and stretches:
            stretches.append(("", []))
        if stretches:
            stretches[-1][1].append(release.version)
    return [(first, [log for log in logs if log.release in members]) for first, members in stretches if first]


def _stated() -> list[set[str]]:
    """The constants that each release of vLLM states itself."""
    read = read_toml(EngineFile, LOGS.with_name("vllm.toml"))
    return [{constant.name for constant in row.constants} for row in read.releases]


def _median(values: Iterable[float | None]) -> Fitted | None:
    found = [value for value in values if value is not None]
    return Fitted(value=median(found), logs=len(found)) if found else None


def _present(*found: Fitted | None) -> list[Fitted]:
    return [each for each in found if each is not None]


def _sampler(logs: Sequence[Log]) -> list[Fitted]:
    return _present(_median(map(_bytes_per_logit, logs)))


def _bytes_per_logit(log: Log) -> float | None:
    """What the sampler takes an entry, where it and not the forward pass is the peak; experts add to it."""
    peak, limits, model = log.value("activation_peak_gib"), log.engine.limits(log.setup), log.setup.model
    if peak is None or log.setup.layout.pipeline > 1 or model.num_experts:
        return None
    width = log.setup.activation_bytes_per_element
    forward = float(forward_peak_bytes(model, limits.max_batched_tokens, width, log.setup.layout.tensor))
    left = peak * GIB - limits.max_batched_tokens * model.hidden * width
    return None if peak * GIB < 1.1 * forward else left / (limits.max_sequences * model.vocab)


def _outside(logs: Iterable[Log]) -> Fitted | None:
    return _median(
        None if log.value("non_torch_gib") is None else (log.value("non_torch_gib") or 0.0) * GIB
        for log in logs
    )


def _context(logs: Sequence[Log]) -> list[Fitted]:
    return _present(_outside(log for log in logs if log.setup.layout.gpus == 1))


def _stage_context(logs: Sequence[Log]) -> list[Fitted]:
    layouts = [(log, log.setup.layout) for log in logs]
    return _present(_outside(log for log, layout in layouts if layout.pipeline > 1 and layout.tensor == 1))


def _communication(logs: Sequence[Log]) -> list[Fitted]:
    """A straight line over the GPUs of the group, through the medians at each size, above the context alone."""
    context = _context(logs)
    by_size: dict[int, list[float]] = defaultdict(list)
    for log in logs:
        value = log.value("non_torch_gib")
        if value is not None and log.setup.layout.tensor > 1 and context:
            by_size[log.setup.layout.tensor].append(value * GIB - context[0].value)
    if len(by_size) < MOST_UNKNOWN:
        return []
    peers = np.array([[1.0, size - 1] for size in by_size])
    middle = np.array([median(values) for values in by_size.values()])
    count = sum(len(values) for values in by_size.values())
    return [Fitted(value=float(value), logs=count) for value in np.linalg.lstsq(peers, middle, rcond=None)[0]]


def _captured(log: Log) -> int:
    assert isinstance(log.engine, Vllm)
    limits = log.engine.limits(log.setup)
    return captured_graphs(log.setup, limits, log.engine.rules, log.engine.graph_wishes())


def _graph_ratio(logs: Sequence[Log]) -> list[Fitted]:
    """Logged graph memory over layers and captured graphs; the median lets memory freed meanwhile weigh no more."""
    return _present(
        _median(
            (log.value("cuda_graph_gib") or 0.0) * GIB / (log.setup.model.num_layers * _captured(log))
            for log in logs
            if log.value("cuda_graph_gib") is not None and not log.cells["eager"]
        )
    )


def overheads(fitted: Mapping[Key, Fitted], release: str) -> OverheadConstants:
    """The constants of one release as the core takes them: those that the logs give in place of the catalog's."""
    values = {constant.name: constant.value for constant in engine_rules("vllm", release).constants}
    for rules in engine_releases("vllm"):
        values |= {name: each.value for (stated, name), each in fitted.items() if stated == rules.version}
        if rules.version == release:
            break
    return OverheadConstants(**values)


def left_out(logs: Sequence[Log]) -> list[tuple[Log, OverheadConstants]]:
    """Every vLLM log with the constants fitted without its model."""
    own = [log for log in logs if isinstance(log.engine, Vllm)]
    fits = {
        model: fit([log for log in own if log.cells["model"] != model])
        for model in {log.cells["model"] for log in own}
    }
    return [(log, overheads(fits[log.cells["model"]], log.release)) for log in own]
