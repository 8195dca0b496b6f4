"""Every key of a GGUF header acts, is in a table with its reason, or is named."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from llm_calc.adapters.formats.gguf_rows import architectures_file
from llm_calc.adapters.gguf_header import GgufFile, gguf_file
from llm_calc.adapters.gguf_reader import read_gguf_header
from llm_calc.core.checkpoints.gguf.header import GgufHeader
from llm_calc.core.errors import CalcError
from tests.adapters.gguf_bytes import Value, header, keys_of
from tests.adapters.test_gguf_architectures import FILES, catalog_model, tensors_of

TABLE = architectures_file()
DESCRIBED: dict[str, Value] = {"general.type": "model", "general.name": "any", "tokenizer.ggml.model": "gpt2"}


def whole(row: dict[str, Any]) -> GgufHeader:
    model = catalog_model(row["model"])
    sizes = {"block_count": model.num_layers, "embedding_length": model.hidden, "context_length": 4096}
    keys = keys_of(row["architecture"], {**sizes, **row["keys"]})
    return read_gguf_header(header({**keys, **DESCRIBED}, tensors_of(model)))


def changes(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, list):
        yield [*value[:-1], 1 if value[-1] == 0 else 0]
    if not isinstance(value, bool):
        yield "unheard_of"


def said(file: GgufFile) -> tuple[object, ...]:
    return (file.name, file.model, file.kind, file.notes, file.doubts, file.warnings)


def explained(architecture: str, key: str) -> bool:
    own = key.removeprefix(f"{architecture}.")
    rows = TABLE.beside if own == key else TABLE.change_nothing
    return any(fnmatchcase(own, name) for row in rows for name in row.names)


@pytest.mark.parametrize("row", FILES, ids=[each["model"] for each in FILES])
def test_no_key_is_dropped_without_a_word(row: dict[str, Any]) -> None:
    full = whole(row)
    before, silent = said(gguf_file(full)), []
    for key, value in full.values.items():
        rest = {name: each for name, each in full.values.items() if name != key}
        for new in ({**rest, key: each} for each in changes(value)):
            try:
                after = said(gguf_file(GgufHeader(values=new, tensors=full.tensors)))
            except CalcError:
                continue
            if after == before and not explained(row["architecture"], key):
                silent.append((key, new[key]))
    assert silent == []


@pytest.mark.parametrize("row", FILES[::6], ids=[each["model"] for each in FILES[::6]])
@pytest.mark.parametrize("key", ["{}.attention.width_of_all", "{}.experts", "general.weights", "width"])
def test_a_key_that_nobody_knows_is_named(row: dict[str, Any], key: str) -> None:
    name = key.format(row["architecture"])
    full = whole(row)
    found = gguf_file(GgufHeader(values={**full.values, name: 7}, tensors=full.tensors))
    assert any(name.removeprefix(f"{row['architecture']}.") in doubt for doubt in found.doubts)


def test_every_pattern_has_its_reason_once() -> None:
    for rows in (TABLE.change_nothing, TABLE.beside):
        names = [name for row in rows for name in row.names]
        assert len(set(names)) == len(names)
        assert len({row.reason for row in rows}) == len(rows)
