"""Every model of the catalog: names, sizes, where the config is from."""

import json

import pytest

import llm_calc
from llm_calc.adapters.catalog import CatalogModel, load_catalogs
from llm_calc.adapters.catalog.models import Checkpoint
from tests.catalogs.golden import COUNTED

MODELS = load_catalogs().models
IDS = [row.name for row in MODELS]

EVERYDAY = [
    "llama2-7b", "llama2-13b", "llama2-70b", "codellama-34b", "llama-3-8b", "llama-3-70b", "llama-3.1-8b",
    "llama-3.1-70b", "llama-3.1-405b", "llama-3.2-1b", "llama-3.2-3b", "llama-3.3-70b", "llama-4-scout",
    "llama-4-maverick", "qwen2.5-7b", "qwen2.5-72b", "qwen3-8b", "qwen3-30b-a3b", "qwen3-235b-a22b",
    "qwen3-next-80b-a3b", "deepseek-v2-lite", "deepseek-v3", "deepseek-r1", "deepseek-v3.1", "deepseek-v3.2",
    "gpt-oss-20b", "gpt-oss-120b", "gemma-2-9b", "gemma-3-27b", "gemma-4-31b", "mistral-7b", "mixtral-8x7b",
    "mixtral-8x22b", "phi-4", "gpt2", "opt-66b", "falcon-7b", "mpt-7b", "bloom", "starcoder2-15b", "olmo2-13b",
    "command-r", "glm-4.5", "glm-4.5-air", "kimi-k2", "minimax-m2", "yi-34b", "mamba-2.8b", "jamba-v0.1",
    "tinyllama", "smollm2-1.7b", "granite-3.1-8b", "nemotron-3-nano", "dbrx",
]  # fmt: skip


def test_there_are_enough() -> None:
    assert len(MODELS) >= 140


@pytest.mark.parametrize("name", EVERYDAY)
def test_names_that_people_use(name: str) -> None:
    assert load_catalogs().model(name).config


@pytest.mark.parametrize("row", MODELS, ids=IDS)
def test_entry_is_complete(row: CatalogModel) -> None:
    assert row.description.endswith(".")
    assert row.hugging_face_ids
    assert row.config.get("model_type")
    assert row.source.kind != "config.json" or row.source.path
    assert json.loads(json.dumps(row.config)) == row.config


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_golden_rows_are_catalog_models(name: str) -> None:
    row, counted = load_catalogs().model(name), COUNTED[name]
    assert row.name == name
    assert sum(counted["params_by_component"].values()) == counted["params_total"]
    assert counted["params_total"] / 1e9 == pytest.approx(row.nominal_parameters_billions, rel=0.26)


CHECKPOINTS = [(row, checkpoint) for row in MODELS for checkpoint in row.checkpoints]


@pytest.mark.parametrize(
    ("row", "checkpoint"), CHECKPOINTS, ids=[checkpoint.hugging_face_ids[0] for _, checkpoint in CHECKPOINTS]
)
def test_a_checkpoint_is_stored_in_its_own_format(row: CatalogModel, checkpoint: Checkpoint) -> None:
    plain = row.stored_as(checkpoint).config
    for name in checkpoint.hugging_face_ids:
        assert load_catalogs().model(name).config == plain
        answer = llm_calc.inspect_model(model=name)
        assert answer.model.name == row.name
        assert checkpoint.quantization_config is None or 4 < answer.bits_per_weight < 13


@pytest.mark.parametrize(
    ("name", "context", "repository"),
    [
        ("Qwen/Qwen2.5-7B", 131072, "Qwen/Qwen2.5-7B"),
        ("Qwen/Qwen2.5-7B-Instruct", 32768, "Qwen/Qwen2.5-7B-Instruct"),
        ("qwen2.5 coder 7b", 32768, "Qwen/Qwen2.5-Coder-7B"),
        ("qwq", 131072, "Qwen/QwQ-32B"),
        ("Qwen/QwQ-32B-Preview", 32768, "Qwen/QwQ-32B-Preview"),
        ("deepseek-r1:32b", 131072, "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"),
        ("Qwen/Qwen3-30B-A3B", 40960, "Qwen/Qwen3-30B-A3B"),
        ("Qwen/Qwen3-30B-A3B-Thinking-2507", 262144, "Qwen/Qwen3-30B-A3B-Thinking-2507"),
        ("qwen3-coder:30b", 262144, "Qwen/Qwen3-Coder-30B-A3B-Instruct"),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", 262144, "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8"),
        ("deepseek-r1:8b", 131072, "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"),
        ("moonshotai/Kimi-K2-Instruct-0905", 262144, "moonshotai/Kimi-K2-Instruct-0905"),
        ("LGAI-EXAONE/EXAONE-3.0-7.8B-Instruct", 4096, "LGAI-EXAONE/EXAONE-3.0-7.8B-Instruct"),
        ("zephyr-7b", 32768, "HuggingFaceH4/zephyr-7b-beta"),
        ("llama 3.1 8b instruct", 131072, "meta-llama/Llama-3.1-8B-Instruct"),
        ("llama-3.1-8b", 131072, "meta-llama/Llama-3.1-8B"),
        ("smollm3", 65536, "HuggingFaceTB/SmolLM3-3B"),
        ("qwen2:7b", 32768, "Qwen/Qwen2-7B-Instruct"),
        ("Qwen/Qwen2-7B", 131072, "Qwen/Qwen2-7B"),
        ("Qwen/Qwen2-72B", 131072, "Qwen/Qwen2-72B"),
        ("intellect-3", 131072, "PrimeIntellect/INTELLECT-3"),
        ("qwen3-coder-next", 262144, "Qwen/Qwen3-Coder-Next"),
        ("hermes 3 8b", 131072, "NousResearch/Hermes-3-Llama-3.1-8B"),
        ("hermes 4 70b", 131072, "NousResearch/Hermes-4-70B"),
        ("glm-4.6v", 131072, "zai-org/GLM-4.6V"),
        ("mistralai/Devstral-Small-2507", 131072, "mistralai/Devstral-Small-2507"),
        ("kimi dev 72b", 131072, "moonshotai/Kimi-Dev-72B"),
        ("Kwaipilot/KAT-Dev", 131072, "Kwaipilot/KAT-Dev"),
        ("NovaSky-AI/Sky-T1-32B-Preview", 32768, "NovaSky-AI/Sky-T1-32B-Preview"),
    ],
)
def test_releases_of_one_shape_keep_their_context_and_name(name: str, context: int, repository: str) -> None:
    """Positions as the releases' own config.json have them, read on the hub or in copies of it."""
    row = load_catalogs().model(name)
    assert row.context_length_tokens == context
    assert llm_calc.inspect_model(model=name).model.context_length_tokens == context
    assert row.repository_of(name) == repository


LONGER_BY_FILE = {"qwen-7b": 32768, "qwen-14b": 32768, "mistral-small-4-119b": 1048576}
"""Qwen's first files state ``seq_length`` beside more positions; Mistral Small 4's class more than its card."""


@pytest.mark.parametrize("row", MODELS, ids=IDS)
def test_the_context_of_a_row_is_that_of_its_config(row: CatalogModel) -> None:
    answered = llm_calc.inspect_model(model=row.name).model.context_length_tokens
    assert answered in (None, LONGER_BY_FILE.get(row.name, row.context_length_tokens))


PUBLISHED = {
    "allam-7b": "7", "command-a": "111", "deepseek-r1-distill-qwen-1.5b": "1.78", "dots.llm1": "142.8",
    "falcon-h1-3b": "3.15", "falcon-h1-7b": "7.59", "glm-4.5v": "107.7", "granite-3.3-2b": "2.53",
    "granite-3.3-8b": "8.17", "granite-4.0-h-micro": "3.2", "granite-4.0-h-small": "32.2",
    "granite-4.0-micro": "3.4", "hunyuan-a13b": "80", "lfm2-1.2b": "1.17", "lfm2-350m": "0.354",
    "lfm2-700m": "0.742", "lfm2.5-vl-1.6b": "1.6", "ling-mini-2.0": "16.26",
    "llama-3.2-11b-vision": "10.67", "llama-3.2-90b-vision": "88.6", "nemotron-nano-12b-v2": "12.31",
    "nemotron-nano-9b-v2": "8.89", "qwen2-vl-2b": "2.21", "qwen2-vl-72b": "73.4", "qwen2-vl-7b": "8.29",
    "qwen2.5-vl-3b": "3.75", "seed-coder-8b": "8.25", "voxtral-small-24b": "24",
}  # fmt: skip
"""Billions of parameters that the hub counts in the release's tensors, or that makers and hosts state."""


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_total_is_that_of_the_releases_tensors(name: str) -> None:
    figure = PUBLISHED[name]
    answer = llm_calc.inspect_model(model=name)
    unread = load_catalogs().model(name).assumed
    assert answer.confidence == ("approximate" if unread else "exact")
    assert f"{answer.parameters.total / 1e9:.{len(figure.partition('.')[2])}f}" == figure


@pytest.mark.parametrize(
    ("name", "published", "shared"), [("gemma-3n-e4b", "7.85", 15), ("gemma-3n-e2b", "5.44", 10)]
)
def test_a_release_that_holds_keys_and_values_nobody_reads(name: str, published: str, shared: int) -> None:
    """Gemma 3n's files have the projections of layers that take others' cache; the class of today builds none."""
    unread = shared * (2048 * 2 * 2 * 256 + 256)
    assert f"{(llm_calc.inspect_model(model=name).parameters.total + unread) / 1e9:.2f}" == published


def test_an_id_that_names_a_format_is_a_checkpoint() -> None:
    """A name that says FP8 or NVFP4 must never be answered in 16 bits."""
    words = ("FP8", "FP4", "AWQ", "GPTQ", "INT4", "W4A", "W8A")
    plain = [
        name for row in MODELS for name in row.hugging_face_ids if any(word in name.upper() for word in words)
    ]
    assert plain == []


ADMITS = (
    "defaults of the class in transformers 5.24.0, which names",
    "defaults of the class in transformers 5.24.0 and",
    "defaults of the class that ships",
    "are the class's default, the",
    "in the configuration of",
    "the configuration of trinity nano with",
    "could not be read",
    "read in a model",
    "keys left out are those of",
    "keys that it leaves out are those of",
    "of the same maker",
    "pads its feed-forward",
)
"""Words of notes about what was not read in a release."""


@pytest.mark.parametrize("row", MODELS, ids=IDS)
def test_what_was_not_read_in_a_release_is_said_in_answers(row: CatalogModel) -> None:
    notes = " ".join(row.notes).lower()
    if any(each in notes for each in ADMITS) or "its text part" in row.description:
        assert row.assumed
        found = llm_calc.inspect_model(model={"name": row.hugging_face_ids[0]})
        assert found.confidence == "approximate"
        assert row.assumed in found.assumptions
    for checkpoint in row.checkpoints:
        assert (row.assumed or "") in (row.stored_as(checkpoint).assumed or "")


MINISTRAL = [
    # published: billions of the text part and of the tower (model cards); wide, inside, layers of the text part
    ("3B", 3.4 + 0.4, 3072, 9216, 26),
    ("8B", 8.4 + 0.4, 4096, 14336, 34),
    ("14B", 13.5 + 0.4, 5120, 16384, 40),
]


@pytest.mark.parametrize(("size", "billions", "wide", "inside", "layers"), MINISTRAL)
def test_ministral_3_has_its_tower_and_the_instruct_release_is_in_fp8(
    size: str, billions: float, wide: int, inside: int, layers: int
) -> None:
    """FP8 saves a byte of each linear weight of the text part, but for two float32 scales of seven matrices a layer."""
    plain = llm_calc.inspect_model(model={"name": f"mistralai/Ministral-3-{size}-Base-2512"})
    # both published figures are rounded to a tenth, so that the sum is off by a tenth at most
    assert plain.weights_bytes / 2e9 == pytest.approx(billions, abs=0.12)
    assert plain.parameters.by_component["vision"] / 1e9 == pytest.approx(0.4, abs=0.05)  # rounded to a tenth
    linear = layers * (2 * wide * 32 * 128 + 2 * wide * 8 * 128 + 3 * wide * inside)
    fp8 = llm_calc.inspect_model(model={"name": f"mistralai/Ministral-3-{size}-Instruct-2512"})
    assert plain.weights_bytes - fp8.weights_bytes == linear - layers * 7 * 8
    assert fp8.confidence == "approximate"
