"""The lists of predefined models and GPUs."""

from llm_calc.adapters.catalog import CatalogModel, Catalogs
from llm_calc.adapters.documented.gpus import available_gpu
from llm_calc.adapters.documented.subject import Subject, dimensions_of, read_entry
from llm_calc.core import memory


def available_models(catalogs: Catalogs) -> list[dict[str, object]]:
    """Every predefined model, by name."""
    return [_row(read_entry(catalogs, entry.name), entry) for entry in catalogs.models]


def _row(subject: Subject, entry: CatalogModel) -> dict[str, object]:
    model = subject.model
    return {
        "name": entry.name,
        **dimensions_of(model),
        "seq_len": entry.context_length_tokens,
        "family": entry.family,
        "parameter_count": entry.nominal_parameters_billions,
        "parameters": memory.total_parameters(model),
        "active_parameters": memory.active_parameters(model),
        "aliases": list(entry.aliases),
        "hugging_face_ids": list(entry.all_hugging_face_ids),
        "confidence": subject.confidence,
    }


def available_gpus(catalogs: Catalogs) -> list[dict[str, object]]:
    """Every GPU, by id."""
    return [available_gpu(entry, catalogs.typical_price(entry.gpu.id)) for entry in catalogs.gpu_entries]
