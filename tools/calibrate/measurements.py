"""The measurements that a fit takes, and the rules that set some of them aside."""

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2] / "catalogs" / "calibration"
ENGINES = ("vllm", "sglang", "trtllm", "llama.cpp", "mlx")
SPECULATIVE_VERSIONS = frozenset(("1.2.0rc6.post3", "1.1.0rc2.post2"))
"""TensorRT-LLM releases whose published runs of models with draft layers are 1.5 to 2.3 times faster than those of
their neighbours: drafting was on, though no source says so."""

OTHER_TRAFFIC = {
    ("sglang", "0.5.1.post1"): "all requests were sent once, together: first tokens are half of all prompts",
    ("sglang", "0.5.8.post1"): "the first token takes longer the longer the answer is",
}
"""Releases whose published first tokens (means) are of other traffic than a loop of ten requests a slot: those of the
first fit runs of one request a slot within 9 %, and grow with the prompts of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One published number in base units, with what ran where. ``aside``: the rule that keeps it out of the fit.

    ``cells``: the line as it stands in the file, where what a source does not say is empty.
    """

    source: str
    engine: str
    engine_version: str
    date: str
    model: str
    gpu: str
    tensor: int
    pipeline: int
    data: int
    expert: int
    weights: str
    kv_cache: str
    input_tokens: float
    output_tokens: float
    load: str
    requests: int
    metric: str
    value: float
    prompt_known: bool
    aside: str | None = None
    cells: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def setting(self) -> tuple[object, ...]:
        """Everything but the version, the number of requests and what was measured."""
        layout = (self.tensor, self.pipeline, self.data, self.expert)
        lengths = (self.input_tokens, self.output_tokens)
        what = (self.engine, self.model, self.gpu, self.weights, self.kv_cache)
        return (*what, *layout, *lengths, self.load)


def read_measurements() -> list[Measurement]:
    """All rows of ``measurements.csv``; engines that have no rules of their own are ``generic``."""
    with (ROOT / "measurements.csv").open(newline="") as file:
        return _marked([_measurement(row) for row in csv.DictReader(file)])


def read_config_of(model: str) -> dict[str, Any]:
    """The configuration of a measured model."""
    config: dict[str, Any] = json.loads((ROOT / "models" / f"{model}.json").read_text())
    return config


def _measurement(row: dict[str, str]) -> Measurement:
    return Measurement(
        source=row["source"],
        engine=row["engine"] if row["engine"] in ENGINES else "generic",
        engine_version=row["engine_version"],
        date=row["date"],
        model=row["model"],
        gpu=row["gpu"],
        tensor=int(row["tensor"]),
        pipeline=int(row["pipeline"]),
        data=int(row["data"]),
        expert=int(row["expert"]),
        weights=row["weights"],
        kv_cache=row["kv_cache"],
        input_tokens=max(1.0, float(row["input_tokens"] or 1)),
        output_tokens=max(1.0, float(row["output_tokens"] or 1)),
        load=row["load"],
        requests=int(row["requests"] or 1),
        metric=row["metric"],
        value=float(row["value"]),
        prompt_known=bool(row["input_tokens"]),
        cells=row,
    )


def _marked(rows: Sequence[Measurement]) -> list[Measurement]:
    peers: dict[tuple[object, ...], list[Measurement]] = defaultdict(list)
    for row in rows:
        peers[(*row.setting, row.metric)].append(row)
    return [replace(row, aside=_aside(row, peers[(*row.setting, row.metric)])) for row in rows]


def _aside(row: Measurement, peers: Sequence[Measurement]) -> str | None:
    """The first rule that a row breaks."""
    if row.load == "offline" and not row.prompt_known:
        return "the source does not say how long prompts are"
    if row.load == "static_batch" and row.metric in ("ttft_s", "tpot_s"):
        return "listed as a static batch, but sent by clients to a server"
    if row.load != "closed_loop":
        return None
    if row.source not in STATE_DRAFTS and row.engine_version in SPECULATIVE_VERSIONS and _drafts(row.model):
        return "speculative decoding was on without being named"
    if row.source not in STATE_DRAFTS and _drafts(row.model) and _far_faster(row, peers):
        return "another run of this release, setting and load took a quarter longer: drafting, not named"
    if row.metric == "tpot_s" and _faster_than_half(row, peers):
        return "a token takes 25 % less than under half the load"
    if row.metric == "ttft_s" and any(
        o.requests >= 2 * row.requests and row.value > 3 * o.value for o in peers
    ):
        return "the first token takes three times as long as under twice the load"
    if row.metric == "ttft_s" and (row.engine, row.engine_version) in OTHER_TRAFFIC:
        return OTHER_TRAFFIC[row.engine, row.engine_version]
    if row.metric == "ttft_s" and row.engine == "sglang" and not row.engine_version and row.value > STARTUP_S:
        return "a constant start-up of seconds is part of the mean"
    return None


STARTUP_S = 4.5
STATE_DRAFTS = frozenset(("s065", "s066"))
"""Sources that say of every run whether drafting was on."""


def _faster_than_half(row: Measurement, peers: Sequence[Measurement]) -> bool:
    return any(2 * other.requests <= row.requests and row.value < 0.75 * other.value for other in peers)


def _far_faster(row: Measurement, peers: Sequence[Measurement]) -> bool:
    same = [o for o in peers if o.requests == row.requests and o.engine_version == row.engine_version]
    return (
        row.metric == "tpot_s" and row.engine_version != "" and any(row.value < 0.78 * o.value for o in same)
    )


def _drafts(model: str) -> bool:
    config = read_config_of(model)
    text = config.get("text_config") or {}
    return bool(config.get("num_nextn_predict_layers") or text.get("num_nextn_predict_layers"))
