#!/usr/bin/env bash
# onnxruntime 1.31.1: 4-bit weights whose rows are no multiple of the block take up to 8.4 bits each, and symmetric ones carry
# float32 scales.
#
# Behaviour: MatMulNBits stores whole blocks. A row of 130 inputs in blocks of 128 is stored as 256 numbers, the rest of them
#   padding; the scale of a block has the type of the original weight, float32 where GGUF and GPTQ have 16 bits.
# One would guess: 4 bits and a 16-bit scale for 128, 4.13 bits a weight; the remainder costs a short block.
# Matters: other libraries meet the same row by refusing it, by another type, or by leaving it alone; a formula of bits a
#   weight that knows only "4 bits in groups of 128" is off by two here.
# Seen:
#   256 inputs in blocks of  32: stored 256, scales float32, 5.00 bits a weight
#   100 inputs in blocks of  32: stored 128, scales float32, 6.40 bits a weight
#   130 inputs in blocks of 128: stored 256, scales float32, 8.37 bits a weight
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
  onnxruntime==1.31.1 onnx==1.23.2 onnx-ir==1.1.0 numpy==2.4.6

venv/bin/python - 2>/dev/null <<'PY'
import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer


def stored(inputs: int, block: int, outputs: int = 64) -> tuple[int, str, float]:
    weight = numpy_helper.from_array(np.random.default_rng(0).standard_normal((inputs, outputs)).astype(np.float32), "W")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, n]) for name, n in (("A", inputs), ("Y", outputs))]
    graph = helper.make_graph([helper.make_node("MatMul", ["A", "W"], ["Y"])], "one", ends[:1], ends[1:], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    quantizer = MatMulNBitsQuantizer(model, block_size=block, is_symmetric=True)
    quantizer.process()
    arrays = {t.name: numpy_helper.to_array(t) for t in quantizer.model.model.graph.initializer}
    numbers = 2 * arrays["W_Q4"].size // outputs
    bits = 8 * sum(a.nbytes for a in arrays.values()) / (inputs * outputs)
    return numbers, str(arrays["W_scales"].dtype), round(bits, 2)


seen = {}
for inputs, block in ((256, 32), (100, 32), (130, 128)):
    seen[inputs] = stored(inputs, block)
    print(f"{inputs} inputs in blocks of {block:3}: stored %d, scales %s, %.2f bits a weight" % seen[inputs])
assert seen == {256: (256, "float32", 5.0), 100: (128, "float32", 6.4), 130: (256, "float32", 8.37)}
PY
