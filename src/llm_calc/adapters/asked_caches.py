"""The cache that a checkpoint asks for, as an engine's release takes it where no request names a format."""

from llm_calc.adapters.formats import Precision
from llm_calc.adapters.model_source import SourcedModel, model_precision
from llm_calc.adapters.runs_on import load_runs_on
from llm_calc.adapters.runs_on_rows import TakesCaches, release_of
from llm_calc.adapters.wire.parts import PrecisionPart
from llm_calc.core.checkpoints.recipes.precision import AUTO, sixteen_bit


def as_taken(
    source: SourcedModel, stated: PrecisionPart, engine: str | None, version: str | None
) -> tuple[Precision, tuple[str, ...]]:
    """The formats with the cache that the engine takes from the checkpoint, and what is said where that is another.

    Raises:
        UnknownNameError: a format that the catalog does not hold.
        InvalidInputError: a ``quantization_config`` that cannot be read, where it is needed.
    """
    formats = model_precision(source, stated, engine)
    asked, method = formats.weights.kv_cache, formats.weights.method
    rules = load_runs_on().get(engine or "")
    if stated.kv_cache != AUTO or asked is None or rules is None or not rules.asked_caches:
        return formats, ()
    row = _taken(rules.asked_caches, asked, method, version)
    kept = sixteen_bit(source.model) if row is None else row.kept or asked
    if kept == formats.kv_cache:
        return formats, ()
    release = f"{rules.title} {version or rules.newest_read}"
    said = (
        f"precision.kv_cache: the checkpoint ({method}) asks for a cache in {asked}; {release} keeps one in {kept} by "
        "itself, which is counted; name a format for another"
    )
    return model_precision(source, stated.model_copy(update={"kv_cache": kept}), engine), (said,)


def _taken(
    rows: tuple[TakesCaches, ...], asked: str, method: str | None, version: str | None
) -> TakesCaches | None:
    release = release_of(version)
    fitting = (row for row in rows if method in row.methods and asked in row.formats)
    return next((row for row in fitting if not row.missing(release)), None)
