#!/usr/bin/env bash
# transformers 5.24.0: GLM-4V's image processor holds one still image against its pixel limits as if it were two frames.
#
# Behaviour: Glm4vImageProcessor resizes an image with num_frames = temporal_patch_size (2) and compares 2 x height x width
#   with size["longest_edge"] and size["shortest_edge"]. Qwen2VLImageProcessor, which has the same keys, the same patches and
#   the same rounding, compares height x width. Nothing in either file says so.
# One would guess: equal limits give equal sizes: longest_edge is the most pixels of an image in both.
# Matters: a large image costs half the tokens that the limit in preprocessor_config.json stands for, and a small one is
#   enlarged only below half of the least. Prompt lengths, caches and first tokens of one family are wrong by two with the
#   other's formula.
# Seen, limits 12544 and 9633792 in both, tokens after merging 2 x 2 patches of 14:
#   4000 x 3000: Qwen2-VL 12288, GLM-4V 6030
#   1920 x 1080: Qwen2-VL 2691, GLM-4V 2691
#   84 x 84: Qwen2-VL 16, GLM-4V 9
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check transformers==5.24.0 pillow==12.1.0 numpy

venv/bin/python - 2>/dev/null <<'PY'
from PIL import Image
from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

limits = {"shortest_edge": 12544, "longest_edge": 9633792}
processors = {"Qwen2-VL": Qwen2VLImageProcessorPil(size=limits), "GLM-4V": Glm4vImageProcessorPil(size=limits)}
seen = {}
for width, height in ((4000, 3000), (1920, 1080), (84, 84)):
    image = Image.new("RGB", (width, height))
    for name, processor in processors.items():
        _, rows, columns = processor(images=[image], return_tensors="np")["image_grid_thw"][0].tolist()
        seen[name, width] = rows * columns // 4
    print(f"{width} x {height}: " + ", ".join(f"{name} {seen[name, width]}" for name in processors))
assert seen["GLM-4V", 4000] < 0.51 * seen["Qwen2-VL", 4000]
assert seen["GLM-4V", 1920] == seen["Qwen2-VL", 1920]
assert seen["GLM-4V", 84] < seen["Qwen2-VL", 84]
PY
