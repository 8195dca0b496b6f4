"""The GPU of a request by a name that says how many there are, or which instance of a cloud they are."""

from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, PrivateAttr, model_validator

from llm_calc.adapters.gpu_counts import Counted, read_counted
from llm_calc.adapters.wire.base import StrictRequest, fault_at


class NamesCount(StrictRequest):
    """A part whose ``gpu`` may say its ``count`` as well: ``8x h200``, ``p5.48xlarge``."""

    _instance: str | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _counted(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401 - as it was sent
        name = data.get("gpu") if isinstance(data, dict) else None
        read = read_counted(name) if isinstance(name, str) else Counted(gpu="")
        if read.count is None:
            return handler(data)
        stated = data.get("count")
        if stated is not None and stated != read.count:
            says = f"must be {read.count} or left out beside gpu {name!r}, which is {read.count} x {read.gpu}"
            raise fault_at(cls, "count", f"{says}; it is {stated!r}", stated)
        node = {} if read.node in (None, read.count) else {"gpus_per_node": read.node}
        said = {name: value for name, value in data.items() if value is not None}
        part = handler({**node, **said, "gpu": read.gpu, "count": read.count})
        if read.gpu not in str(name):
            part._instance = name  # noqa: SLF001 - its own
        return part

    @property
    def instance(self) -> str | None:
        """The instance that GPU and count were named by; None where they were named themselves."""
        return self._instance
