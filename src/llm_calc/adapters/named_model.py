"""The model that an engine's own option names: a pasted command may load another than the request describes."""

from dataclasses import replace

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.model_source import SourcedModel, own_precision, served_model
from llm_calc.adapters.runs_on import EngineRunsOn, load_runs_on
from llm_calc.adapters.served import BITSANDBYTES
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.parts import ModelPart
from llm_calc.core.errors import CalcError, InvalidInputError
from llm_calc.core.hardware import Gpu
from llm_calc.core.memory import total_parameters
from llm_calc.core.model import Model

OPTIONS = ("model", "model_path", "hf_repo")
"""Options by which engines are told what to load: vLLM's, TensorRT-LLM's and MLX's, SGLang's, llama.cpp's."""
LOADED = {BITSANDBYTES: ("nf4", "int8"), "gguf": ("gguf", "16-bit", "32-bit")}
"""Kinds of files by which engines load weights (``load_format``) and what they hold; GGUF unquantized ones too."""
MOST_CHARACTERS = 200
ROUGH = ("num_layers", "hidden_size")
"""Sizes that files in GGUF and dimensions state as a model's own file does."""


def with_named_model(subject: Subject, engine: EnginePart, part: ModelPart, catalogs: Catalogs) -> Subject:
    """The subject, where its engine is told to load that model; with a word where that cannot be told.

    Raises:
        InvalidInputError: the option names another model, or its weights in another format.
    """
    for option, value in (engine.further_values or {}).items():
        if option in OPTIONS and isinstance(value, str) and value:
            subject = _checked(subject, f"engine.{option}", value[:MOST_CHARACTERS], part, catalogs)
        elif option == "load_format":
            _check_loaded(subject, engine, value)
    return subject


def _check_loaded(subject: Subject, engine: EnginePart, said: object) -> None:
    """Refuses a kind of file that the release does not read, or in which weights have another format."""
    weights, kind = subject.precision.weights, said.lower() if isinstance(said, str) else ""
    stored = LOADED.get(kind)
    if stored is None:
        return
    rules, field, gpu = load_runs_on().get(engine.name), "engine.load_format", subject.setup.gpu
    if rules is not None and not _reads(rules, kind, gpu, engine.version):
        others = [name for name, other in load_runs_on().items() if _reads(other, kind, gpu)]
        read_by = f"; {', '.join(others)} reads them there" if others else ""
        msg = (
            f"{field}: {engine.name} ({rules.title} {engine.version or rules.newest_read}) reads no {kind} files on "
            f"{gpu.id}; leave it out, with weights of another kind{read_by}"
        )
        raise InvalidInputError(msg, field=field)
    if weights.storage not in stored:
        such = "nf4" if kind == BITSANDBYTES else "bf16"
        msg = (
            f"{field}: {kind} holds weights in formats such as {such}, but the request's are {weights.name}; they "
            "must agree (precision.weights)"
        )
        raise InvalidInputError(msg, field=field)


def _reads(rules: EngineRunsOn, kind: str, gpu: Gpu, version: str | None = None) -> bool:
    """Whether a release has a reader of such files."""
    return kind in (rules.tools(version) if kind == BITSANDBYTES else rules.formats_on(gpu, version))


def _checked(subject: Subject, field: str, name: str, part: ModelPart, catalogs: Catalogs) -> Subject:
    if not _is_id(name):
        words = f"{field}: {name!r} is a place; that it holds the model of the request was not checked"
        return replace(subject, assumptions=(*subject.assumptions, words))
    try:
        other = served_model(ModelPart(name=name), catalogs)
    except CalcError:
        words = f"{field}: {name!r} is not known here; it is taken to be the model of the request"
        return replace(
            subject,
            confidence="approximate",
            assumptions=(*subject.assumptions, words),
        )
    _check_sizes(subject.setup.model, other.model, field, name, part)
    _check_format(subject, other, field, name)
    return subject


def _is_id(name: str) -> bool:
    """Whether a name is a hub's, or the catalog's, and no path or address."""
    return not (name.startswith(("/", ".", "~", "\\")) or "://" in name or name.count("/") > 1)


def _check_sizes(model: Model, other: Model, field: str, name: str, part: ModelPart) -> None:
    """Refuses a model of other sizes; files in GGUF may pad what they store, and dimensions leave much out."""
    said, named = _sizes(model), _sizes(other)
    if part.name is None and part.hf_config is None:
        said, named = {key: said[key] for key in ROUGH}, {key: named[key] for key in ROUGH}
    unlike = [key for key in said if said[key] != named[key]]
    if unlike:
        of = repr(part.name) if part.name else "the request's"
        msg = (
            f"{field}: {name!r} is another model than {of}: {unlike[0]} is {named[unlike[0]]}, not "
            f"{said[unlike[0]]}; they must agree"
        )
        raise InvalidInputError(msg, field=field)


def _sizes(model: Model) -> dict[str, int | None]:
    return {
        "num_layers": model.num_layers,
        "hidden_size": model.hidden,
        "parameters": total_parameters(model),
        "context_length": model.context_length_tokens,
    }


def _check_format(subject: Subject, other: SourcedModel, field: str, name: str) -> None:
    """Refuses weights in another format, where the id stands for one beside the model's own 16 bits."""
    weights = subject.precision.weights
    if other.wanted is not None:
        return
    if other.variant is None and not other.quantization:
        return
    stored = own_precision(other).weights
    if stored.storage != weights.storage:
        msg = f"{field}: {name!r} holds weights in {stored.name}, but the request's are {weights.name}; they must agree"
        raise InvalidInputError(msg, field=field)
