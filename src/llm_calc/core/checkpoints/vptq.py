"""Reader of VPTQ: codes of vectors and their codebooks, a module at a time.

Source: vptq 0.0.5.post1, layers/vqlinear.py: which tensors a module holds; transformers 5.24.0, VptqLayerConfig: what
is taken where a key is absent; checked: 2026-11-30, read.
"""

from dataclasses import dataclass, replace
from math import ceil

from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.scheme import Choice, Scheme
from llm_calc.core.checkpoints.transformers_lists import replaced
from llm_calc.core.formats import NumberFormat

_INT, _HALF = 32.0, 16.0
_PAIRS = ("vector_lens", "num_centroids", "num_res_centroids")


@dataclass(frozen=True, slots=True)
class _Vectors:
    """One module of VPTQ: its shape, and what its codebooks are."""

    inputs: int
    outputs: int
    bits: float

    @property
    def number(self) -> NumberFormat:
        """All that is stored, counted a weight."""
        return NumberFormat(name="vptq", element_bits=self.bits / (self.inputs * self.outputs))

    def is_of(self, inputs: int, outputs: int) -> bool:
        """Whether a matrix of the model has this shape."""
        return (inputs, outputs) == (self.inputs, self.outputs)


def vptq(said: Said) -> Scheme:
    """VPTQ: for each listed module, packed codes of vectors of outputs, their codebooks, an order and norms of columns.

    Raises:
        InvalidInputError: no module is listed, or one of them is not understood.
    """
    modules = {name: _vectors(part) for name, part in said.parts("config_for_layers").items()}
    if not modules:
        raise said.refusal("config_for_layers", "an object of modules, each with its codebooks")
    if said.raw("shared_layer_config"):
        said.assume(
            "quantization_config.shared_layer_config was ignored: modules of config_for_layers alone were taken"
        )
    listed = tuple(
        Choice(
            pattern=f"whole:{name}",
            number=module.number,
            role="target",
            said="config_for_layers",
            written=name,
            holds=module.is_of,
        )
        for name, module in modules.items()
    )
    stored = sum(module.bits for module in modules.values())
    mean = stored / sum(module.inputs * module.outputs for module in modules.values())
    scheme = replaced(said, NumberFormat(name="vptq", element_bits=mean), "VPTQ")
    words = f"{mean:.2f} bits a weight on average (VPTQ)"
    return replace(
        scheme,
        storage=f"int{max(1, round(mean))}",
        words=words,
        choices=(*scheme.choices, *listed),
        covers=frozenset(),
    )


def _vectors(said: Said) -> _Vectors:
    inputs, outputs = (said.group(key, -1) for key in ("in_features", "out_features"))
    if inputs < 1 or outputs < 1:
        raise said.refusal("in_features", "the module's shape, with out_features")
    length, main, residual = (_pair(said, key)[1] for key in _PAIRS)
    groups, size = said.group("group_num", 1), said.group("group_size", inputs)
    if min(length, main, groups, size) < 1 or residual == 0:
        raise said.refusal("vector_lens", "lengths of vectors, with centroids for each group")
    if not said.flag("is_indice_packed", default=True):
        raise said.refusal("is_indice_packed", "true, which is all that transformers loads")
    said.flag("indices_as_float")  # of the same width
    outliers, beside = _outliers(said, outputs)
    if not 0 <= groups * size + beside - inputs < groups:
        said.assume(
            f"{_short(said)}: {groups} groups of {size} and {beside} outliers are not its {inputs} inputs"
        )
    codes = _bits(main) + (_bits(residual) if residual > 0 else 0)
    stored = groups * ceil(outputs / length) * ceil(size * codes / _INT) * _INT
    stored += groups * (main + max(residual, 0)) * length * _HALF + outliers
    columns = _HALF * said.flag("enable_perm", default=True) + 2 * _HALF * said.flag(
        "enable_norm", default=True
    )
    return _Vectors(inputs, outputs, stored + columns * inputs)


def _outliers(said: Said, outputs: int) -> tuple[float, int]:
    """What is stored of columns that are outliers [bits], and how many they are; names what says of none."""
    length, books, residual = (_pair(said, key)[0] for key in _PAIRS)
    columns = said.integer("outlier_size", 0)
    if columns < 0:
        raise said.refusal("outlier_size", "0 or more")
    if length < 2 or books < 1:
        said.notes.add_all(
            [key for key in _PAIRS if _pair(said, key)[0] > 0] + ["outlier_size"] * (columns > 0),
            f"{_short(said)}.{{}} speaks of outliers, which have no centroids; it was ignored",
        )
        return 0.0, 0
    if residual != -1:
        raise said.refusal("num_res_centroids", "-1 for outliers, which have no second centroids")
    return books * length * _HALF + ceil(outputs / length) * columns * _HALF, columns


def _bits(centroids: int) -> int:
    """Bits of a code, as the class counts them."""
    return centroids.bit_length() - 1


def _short(said: Said) -> str:
    return said.path.removeprefix("model.hf_config.")


def _pair(said: Said, key: str) -> tuple[int, int]:
    """What outliers and all others have."""
    value = said.raw(key)
    sides = [-1, -1] if value is None else value if isinstance(value, list) else []
    if len(sides) != 2 or not all(type(each) is int and -1 <= each <= 1 << 24 for each in sides):
        raise said.refusal(key, "two whole numbers, for outliers and for all others")
    return int(sides[0]), int(sides[1])
