"""The header of a GGUF file from its first bytes, through the ``gguf`` library: keys, and tensors if they are reached.

Tokenizers make headers megabytes long; their lists are passed over, only their lengths are kept.
"""

import os
import tempfile
from typing import IO, Any

import numpy as np
from gguf import GGUF_MAGIC, GGMLQuantizationType, GGUFReader, GGUFValueType, ReaderField
from gguf.constants import GGML_QUANT_SIZES

from llm_calc.adapters.gguf_types import GgufHeader, GgufTensor
from llm_calc.core.errors import InvalidInputError

MAX_TENSORS = 100_000
MAX_KEPT = 4096
"""Longer lists of numbers (scores and types of tokens) are kept as their length."""


class _Cut(Exception):  # noqa: N818 - not an error: the upload ends here
    """The bytes end."""


class _HeaderReader(GGUFReader):  # type: ignore[misc]
    """The library's reader, without the tensors' data and with an end that may come early."""

    listed: tuple[GgufTensor, ...] | None = None

    def _get(self, offset: int, dtype: Any, count: int = 1, override_order: Any = None) -> Any:  # noqa: ANN401
        if int(offset) + np.dtype(dtype).itemsize * int(count) > len(self.data):
            raise _Cut
        return super()._get(int(offset), dtype, count, override_order)

    def _get_field_parts(self, orig_offs: int, raw_type: int) -> Any:  # noqa: ANN401
        if raw_type == GGUFValueType.ARRAY:
            kind, length = self._get(orig_offs, np.uint32), self._get(orig_offs + 4, np.uint64)
            numbers = self.gguf_scalar_to_np.get(int(kind[0]))
            if kind[0] == GGUFValueType.STRING or (numbers is not None and length[0] > MAX_KEPT):
                size = self._array_size(orig_offs + 12, int(length[0]), numbers)
                return 12 + size, [kind, length], [1], [GGUFValueType.UINT64]
        return super()._get_field_parts(orig_offs, raw_type)

    def _array_size(self, start: int, count: int, numbers: Any) -> int:  # noqa: ANN401
        """Bytes of ``count`` numbers, or of ``count`` texts, each with its length before it."""
        if numbers is not None:
            return int(self._get(start, numbers, count).nbytes)
        data, at = self.data, start
        for _ in range(count):
            if at + 8 > len(data):
                raise _Cut
            at += 8 + int.from_bytes(data[at : at + 8].tobytes(), "little")
        return at - start

    def _build_tensor_info(self, offs: int, count: int) -> Any:  # noqa: ANN401
        if int(count) > MAX_TENSORS:
            raise ValueError(f"{count} tensors")
        return super()._build_tensor_info(offs, count)

    def _build_tensors(self, start_offs: int, fields: list[ReaderField]) -> None:  # noqa: ARG002
        self.listed = tuple(_tensor(field) for field in fields)


def _tensor(field: ReaderField) -> GgufTensor:
    _, _, _, dims, raw_type, _ = field.parts
    kind = GGMLQuantizationType(int(raw_type[0]))
    elements = int(np.prod([int(each) for each in dims], dtype=object))
    block, size = GGML_QUANT_SIZES[kind]
    return GgufTensor(
        name=field.name,
        type=kind.name.lower(),
        shape=tuple(int(each) for each in dims),
        elements=elements,
        bytes=elements // block * size,
    )


def read_gguf_header(data: bytes, field: str = "model.gguf_base64") -> GgufHeader:
    """What the first bytes of a GGUF file say; they may end anywhere after the first keys.

    Raises:
        InvalidInputError: not a GGUF file, or one that contradicts itself.
    """
    if len(data) < 24 or int.from_bytes(data[:4], "little") != GGUF_MAGIC:
        raise InvalidInputError(
            f"{field}: must be the first bytes of a GGUF file (they begin with GGUF)", field=field
        )
    reader = _HeaderReader.__new__(_HeaderReader)
    with _as_file(data) as file:
        try:
            reader.__init__(file)  # type: ignore[misc]
        except _Cut:
            pass
        except (ValueError, KeyError, IndexError, OverflowError) as error:
            msg = f"{field}: not a GGUF header that can be read ({error})"
            raise InvalidInputError(msg, field=field) from error
        values = {name: _plain(each) for name, each in getattr(reader, "fields", {}).items()}
    return GgufHeader(values=values, tensors=reader.listed)


def _plain(field: ReaderField) -> object:
    return field.contents()


def _as_file(data: bytes) -> IO[bytes]:
    """The bytes as the file that the library maps: in memory where the system has such files."""
    in_memory = hasattr(os, "memfd_create")
    file: IO[bytes] = os.fdopen(os.memfd_create("gguf"), "w+b") if in_memory else tempfile.TemporaryFile()  # noqa: SIM115
    file.write(data)
    file.flush()
    return file
