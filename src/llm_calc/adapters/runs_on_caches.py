"""Formats of the cache that an engine keeps on some chips, or in some of its releases, only."""

from llm_calc.adapters.runs_on import load_runs_on
from llm_calc.adapters.runs_on_rows import KeepsCaches, release_of
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.hardware import Gpu


def default_cache(engine: str, version: str | None, gpu: Gpu, model_type: str) -> str | None:
    """The format that an engine keeps the cache of such a model in where none is named; None: as for any other."""
    for row in _kept(engine, version, gpu):
        if model_type in row.default_of:
            return row.formats[0]
    return None


def check_only(engine: str, version: str | None, gpu: Gpu, name: str, model_type: str) -> None:
    """Refuses a format that the kernels of such a model keep no cache in on this chip.

    Raises:
        UnsupportedError: they do not; names the formats that they keep.
    """
    for row in _kept(engine, version, gpu):
        if row.only and model_type in row.default_of and name not in row.formats:
            kept = ", ".join(row.formats)
            msg = f"precision.kv_cache: {engine} keeps the cache of {model_type} in {kept} on {gpu.id}, not in {name}"
            raise UnsupportedError(msg, field="precision.kv_cache", accepted=[*row.formats])


def check_cache(engine: str, version: str | None, gpu: Gpu, name: str) -> None:
    """Refuses a format that this release keeps no cache in on this chip.

    Raises:
        UnsupportedError: it does not; names the chips and releases that do.
    """
    rules = load_runs_on().get(engine)
    rows = (
        ()
        if rules is None
        else tuple(row for row in rules.caches if name in row.formats and not row.default_of)
    )
    if rules is None or not rows or any(name in row.formats for row in _kept(engine, version, gpu)):
        return
    where = "; ".join(_words(row) for row in rows)
    msg = (
        f"precision.kv_cache: {engine} ({rules.title} {version or rules.newest_read}) keeps no cache in {name} on "
        f"{gpu.id}; it does on {where}"
    )
    raise UnsupportedError(msg, field="precision.kv_cache")


def _kept(engine: str, version: str | None, gpu: Gpu) -> tuple[KeepsCaches, ...]:
    rules, release = load_runs_on().get(engine), release_of(version)
    rows = () if rules is None else rules.caches
    return tuple(row for row in rows if row.covers(gpu) and not row.missing(release))


def _words(row: KeepsCaches) -> str:
    after = f" after release {row.missing_up_to}" if row.missing_up_to else ""
    return row.words + after + (f" before release {row.missing_from}" if row.missing_from else "")
