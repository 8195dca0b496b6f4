"""Rates and host times of many candidates: of all GPUs that reach the same efficiencies at once."""

from collections.abc import Mapping, Sequence

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.calibration import Calibration, offset_load
from llm_calc.core.hardware import Gpu
from llm_calc.core.operators import StepWork
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.stacking import Columns, Places, as_one
from llm_calc.core.serving.calibrated import host_of, keys_of, measured_gpus, offsets_in, rates_of, stack_key
from llm_calc.core.serving.host import HostTimes, format_of
from llm_calc.core.serving.rates import Machine, Rates


class Timed:
    """Rates of one engine, those of GPUs that reach the same efficiencies in the same formats worked out together."""

    def __init__(self, calibration: Calibration, engine: str) -> None:
        self.calibration, self.engine = calibration, engine
        self.machines: dict[tuple[str, ...], list[Machine]] = {}
        self.first: dict[tuple[str, ...], tuple[Gpu, StepWork]] = {}
        self.slots: list[tuple[tuple[str, ...], int]] = []
        self.hosts: dict[tuple[str, ...], list[HostTimes]] = {}

    def slot(self, gpu: Gpu, work: StepWork, machine: Machine) -> int:
        """The place of what will be known of these peaks [1].

        Definition: places are counted as they are asked for.
        """
        key = (*keys_of(self.engine, gpu), *(each.format for each in work.linear))
        self.first.setdefault(key, (gpu, work))
        machines = self.machines.setdefault(key, [])
        self.slots.append((key, len(machines)))
        machines.append(machine)
        return len(self.slots) - 1

    def numbers_in(self, columns: Columns[Rates]) -> Places:
        """Adds all rates; where those of each slot are among the columns [rows].

        Definition: the rates of each key stand together.
        """
        starts = {
            key: columns.add(
                rates_of(
                    self.calibration, as_one(machines), self.first[key][1], self.engine, self.first[key][0]
                ),
                len(machines),
            )
            for key, machines in self.machines.items()
        }
        return np.array([starts[key] + place for key, place in self.slots], dtype=np.intp)

    def hosts_on(self, gpu: Gpu, kinds: Mapping[int, StepWork], shape: str) -> list[HostTimes]:
        """What servers add to first tokens where attention is not dealt, and where it is; each looks at every step."""
        usual = next(iter(kinds.values()))
        key = (*keys_of(self.engine, gpu), *map(str, kinds), format_of(usual), shape)
        if key not in self.hosts:
            works = [kinds.get(dealt, usual) for dealt in (0, 1)]
            self.hosts[key] = [
                host_of(self.calibration, self.engine, gpu, work, shape, polled=1) for work in works
            ]
        return self.hosts[key]


class Measured:
    """Offsets of one engine's candidates of one model, which a full estimate applies as well."""

    def __init__(self, calibration: Calibration, engine: str, load: str, shape: str) -> None:
        self.calibration, self.engine, self.shape = calibration, engine, shape
        self.load = offset_load(engine, load)
        self.gpus = measured_gpus(calibration, engine)

    def on(self, gpu: Gpu, layouts: Sequence[Layout], works: Sequence[StepWork]) -> FloatArray:
        """Of first tokens, of further ones and of output, each for every layout [1].

        Definition: ``offsets_in`` of each; 1 where nothing was measured on the GPU.
        """
        found: FloatArray = np.ones((3, len(layouts)))
        if gpu.id in self.gpus:
            for at, (layout, work) in enumerate(zip(layouts, works, strict=True)):
                stack = stack_key(self.engine, gpu.id, self.shape, work)
                own = offsets_in(self.calibration, self.load, stack, layout)
                found[:, at] = own.ttft, own.tpot, own.output
        return found
