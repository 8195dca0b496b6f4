"""Rows of other catalogs that cannot be meant so are refused at start, with the file, the key and what is accepted."""

import re
from pathlib import Path
from shutil import copytree

import pytest

from llm_calc.adapters.catalog.files import catalog_root
from llm_calc.adapters.engine_catalog import load_engine_releases
from llm_calc.adapters.formats.catalog import format_catalog
from llm_calc.adapters.images import load_images
from llm_calc.adapters.prediction_layers import load_mtp
from llm_calc.adapters.workload_catalog import load_tiers, load_workloads
from llm_calc.core.errors import CatalogError

NUMBER = '\n[numbers.x]\nelement_bits = 3\nsource = "compressed-tensors"\n'
RECIPE = (
    '\n[recipes.x]\nstorage = "int3"\ndefault = "int3"\nvectors = "16-bit"\nsource = "compressed-tensors"\n'
)
RELEASE = '\n[[releases]]\nversion = "9.1.0"\nsince = "9.1"\nuntil = "9.1"\nread_on = "2026-11-22"\nlinks = ["https://x"]\n'
PRESET = (
    '\n[[presets]]\nid = "mine"\nname = "x"\nsource = "x"\nchosen = []\nchecked = 2026-11-22\n'
    "[presets.workload]\ninput_tokens = 100\noutput_tokens = 10\n"
)
IMAGES = '\n[[families]]\ntypes = ["zzz_vl"]\nrule = "merged"\nsource = "x"\nleast_pixels = 100\nmost_pixels = 1000\n'
MTP = '\n[[published]]\nmodel_type = "zzz"\nlayers = 1\nsource = "x"\n'
TIER = '\n[[tiers]]\nid = "cxl"\nname = "x"\nbytes_per_s = 1e9\nsource = "x"\nchecked = 2026-11-22\n'
READ = {
    "formats/checkpoints.toml": format_catalog,
    "engines/vllm.toml": load_engine_releases,
    "workloads/presets.toml": load_workloads,
    "workloads/images.toml": load_images,
    "workloads/mtp.toml": load_mtp,
    "workloads/tiers.toml": load_tiers,
}


def appended(tmp_path: Path, file: str, text: str) -> Path:
    """A copy of what is read, with a row more."""
    root = tmp_path / "catalogs"
    (root / "gpus").mkdir(parents=True)
    folder = file.partition("/")[0]
    copytree(catalog_root() / folder, root / folder)
    with (root / file).open("a", encoding="utf-8") as out:
        out.write(text)
    return root


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("formats/checkpoints.toml", NUMBER + RECIPE.replace('"int3"\nv', '"x"\nv')),
        ("engines/vllm.toml", RELEASE + "[releases.defaults]\nmax_num_seqs = 512\n"),
        ("workloads/presets.toml", PRESET),
        ("workloads/presets.toml", PRESET + "request_rate = 0.5\n"),
        ("workloads/images.toml", IMAGES),
        ("workloads/mtp.toml", MTP),
        ("workloads/tiers.toml", TIER),
    ],
)
def test_a_good_row_is_all_that_it_takes(tmp_path: Path, file: str, text: str) -> None:
    assert READ[file](appended(tmp_path, file, text))


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("formats/checkpoints.toml", NUMBER + "scale_bits = 16\n", "numbers.x: group_size: scale_bits"),
        ("formats/checkpoints.toml", NUMBER + 'compute = "int3"\n', "'int3' is no number type; known: fp64"),
        ("formats/checkpoints.toml", NUMBER + "bits = 3\n", "numbers.x.bits: is not a known field"),
        (
            "formats/checkpoints.toml",
            RECIPE + 'rules = [{ tensors = ["attn.*"], format = "16-bit" }]\n',
            "x: rules: no component of a model is called attn; known: embedding",
        ),
        (
            "formats/checkpoints.toml",
            RECIPE + 'rules = [{ tensors = ["mlp.*"], format = "16-bit", when = { moe = true } }]\n',
            "recipes.x.rules[0].when.moe: is not a known field",
        ),
        ("engines/vllm.toml", RELEASE.replace("-22", "-32"), "day is out of range"),
        ("engines/vllm.toml", RELEASE.replace('"9.1.0"', '"9.2.0"'), "version: 9.2.0 is not in 9.1 to 9.1"),
        ("engines/vllm.toml", RELEASE + '[releases.defaults]\nmax_num_seqs = "512"\n', "max_num_seqs: '512'"),
        ("engines/vllm.toml", RELEASE + "[releases.defaults]\ngpu_memory_utilization = 90\n", "equal to 1"),
        ("engines/vllm.toml", RELEASE + '[releases.rules]\nnull_block = "yes"\n', "neither true nor false"),
        ("workloads/presets.toml", PRESET.replace("mine", "chat"), "presets: id: 'chat' stands twice"),
        ("workloads/presets.toml", PRESET.replace("mine", "my-load"), "presets[5].id: must match"),
        ("workloads/presets.toml", PRESET.replace("[]", '["think"]'), "chosen: think: no field of a preset"),
        (
            "workloads/presets.toml",
            PRESET + "offline = true\nbatch = 4\n",
            "batch and offline: a preset says one",
        ),
        (
            "workloads/presets.toml",
            PRESET
            + "sessions = { turns = 2, growth_tokens = 9, think_s = 1.0, shared_prefix_tokens = 101 }\n",
            "shared_prefix_tokens: more than input_tokens",
        ),
        ("workloads/images.toml", IMAGES.replace("zzz_vl", "llava"), "types: 'llava' stands twice"),
        ("workloads/images.toml", IMAGES.replace("least_pixels = 100\n", ""), "the rule 'merged' needs it"),
        (
            "workloads/images.toml",
            IMAGES.replace("least_pixels = 100", "least_pixels = 2000"),
            "more than most",
        ),
        ("workloads/mtp.toml", MTP.replace("zzz", "qwen3_next"), "model_type: 'qwen3_next' stands twice"),
        ("workloads/tiers.toml", TIER.replace("cxl", "disk"), "tiers: id: 'disk' stands twice"),
        ("workloads/tiers.toml", TIER.replace("bytes_per_s", "gb_per_s"), "did you mean bytes_per_s"),
    ],
)
def test_what_cannot_be_meant_so_is_refused(tmp_path: Path, file: str, text: str, complaint: str) -> None:
    with pytest.raises(CatalogError, match=re.escape(complaint)) as refused:
        READ[file](appended(tmp_path, file, text))
    assert file in str(refused.value)


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    root = appended(tmp_path, "workloads/tiers.toml", "")
    path = root / "workloads/tiers.toml"
    path.write_bytes(path.read_bytes() + "# N\u00fcrnberg\n".encode("latin-1"))
    with pytest.raises(CatalogError, match=r"workloads/tiers\.toml: 'utf-8' codec"):
        load_tiers(root)
