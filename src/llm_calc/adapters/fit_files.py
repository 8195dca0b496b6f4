"""Which GGUF files a fit looks at, and what they are called."""

from dataclasses import dataclass

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.model_source import SourcedModel, own_precision
from llm_calc.adapters.presets import OWN_KIND
from llm_calc.adapters.said_as import said_as
from llm_calc.adapters.variants import FIELD, WEIGHTS, Wanted, published
from llm_calc.adapters.wire.fitting import FitRequest
from llm_calc.adapters.wire.parts import ModelPart
from llm_calc.core.engines import OWN_MACHINE
from llm_calc.core.errors import UnsupportedError

USUAL_FORMATS = ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "iq4_xs", "q3_k_m", "q2_k")
ALIKE_FORMATS = (OWN_KIND, "q4_k_m")
"""Of a model whose experts lie in the first of them, which all kinds leave as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What files of a model are called; ``hub``: their repository, ``file``: the one file, where a request names it."""

    title: str
    hub: str | None = None
    file: str | None = None


def files_of(part: ModelPart, catalogs: Catalogs, name: str) -> Files:
    """The files that a request's name says; of any other those of the model's own name."""
    if part.name is None:
        return Files(title=name)
    found = published(catalogs, part.name)
    title = name if found.base is None else found.title(part.name)
    return Files(title=title, hub=found.files, file=found.file)


def formats_of(request: FitRequest, source: SourcedModel) -> list[str]:
    """The kinds to look at: those asked for, the one that the name says, else the usual ones of such files.

    Raises:
        InvalidInputError: a kind that the files of the name do not have.
        UnsupportedError: the name stands for files that llama.cpp does not read.
    """
    if source.offered is not None:
        _check(request, source.offered)
    said = request.formats or ([source.variant.file_kind] if source.variant else None)
    if said is not None:
        return list(dict.fromkeys(each.strip().lower() for each in said))
    own = own_precision(source, OWN_MACHINE).weights
    usual = ALIKE_FORMATS if own.storage == OWN_KIND else USUAL_FORMATS
    if source.offered is None:
        return list(usual)
    return [each for each in usual if source.offered.holds(each)] or list(source.offered.plans)


def _check(request: FitRequest, files: Wanted) -> None:
    if not files.is_gguf:
        msg = (
            f"{FIELD}: {files.name!r} stands for files that llama.cpp does not read; name {files.model!r} for those of "
            "its GGUF files"
        )
        raise UnsupportedError(msg, field=FIELD, accepted=[files.model])
    with said_as({WEIGHTS: "formats"}):
        for each in request.formats or ():
            files.check(each.strip().lower())
