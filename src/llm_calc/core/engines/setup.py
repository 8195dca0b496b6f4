"""What an engine is asked to run: a model with its number formats on GPUs and their host."""

from dataclasses import dataclass

from llm_calc.core.footprint import Numbers
from llm_calc.core.hardware import Gpu
from llm_calc.core.host import Host
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.drafts import DraftModel
from llm_calc.core.workloads.largest_images import LargestItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A model with its number formats, cut over GPUs of one kind, or over ``unlike`` ones, one a pipeline stage.

    ``drafted_tokens``: proposed a step by speculation. ``largest_item``: of what its encoder sees, where that is known.
    ``draft``: a model that is loaded beside it as one of its own.
    """

    model: Model
    numbers: Numbers
    layout: Layout
    gpu: Gpu
    unlike: tuple[Gpu, ...] = ()
    host: Host | None = None
    drafted_tokens: int = 0
    largest_item: LargestItem | None = None
    draft: DraftModel | None = None

    def memory_of(self, stage: int) -> int:
        """What a process finds on the idle device of a pipeline stage [bytes].

        Definition: see :attr:`memory_bytes`.
        """
        return self.unlike[stage].usable_memory_bytes if self.unlike else self.gpu.usable_memory_bytes

    @property
    def memory_bytes(self) -> int:
        """What a process finds on the idle device [bytes].

        Definition: ``usable_memory_gib`` of the GPU's file, not what is sold.
        """
        return self.gpu.usable_memory_bytes

    @property
    def activation_bytes_per_element(self) -> float:
        """Width of activations between kernels; arithmetic in fewer bits still leaves them in 16 [bytes].

        ``max(2, bytes of the activation format)``.
        Choice: kernels in 8 and 4 bits quantize their inputs on the fly and put out 16 bits.
        Leaves out: fused kernels that hand on 8 bits.
        """
        return max(2.0, self.numbers.activations.bytes_per_element)
