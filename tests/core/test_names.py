"""Names as people type them, and what may not be taken for one."""

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.catalog.files import catalog_root, read_toml
from llm_calc.adapters.catalog.published_names import FILE, PublishedNamesFile
from llm_calc.adapters.formats.recipes import find_recipe
from llm_calc.adapters.shorthand import expanded
from llm_calc.core.errors import UnknownNameError
from llm_calc.core.names import NameIndex, counted, holds, normal_name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("llama 3.3 70b", "llama-3.3-70b"),
        ("Llama_3.3-70B", "llama-3.3-70b"),
        ("llama3.3:70b", "llama-3.3-70b"),
        ("gpt-oss:20b", "gpt-oss-20b"),
        ("Qwen 3.5 35B A3B", "qwen3.5-35b-a3b"),
        ("https://huggingface.co/Qwen/Qwen3-8B", "qwen3-8b"),
        ("https://huggingface.co/openai/gpt-oss-120b/tree/main", "gpt-oss-120b"),
        ("hf.co/meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("https://ollama.com/library/gemma3:27b", "gemma-3-27b"),
        ("glm-4.7-flash:latest", "glm-4.7-flash"),
        ("gemma4:e4b", "gemma-4-e4b"),
        ("deepseek-r1:70b", "llama-3.3-70b"),
        ("Llama-3.3-70B-Instruct", "llama-3.3-70b"),
        ("Qwen3-32B-FP8", "qwen3-32b"),
        ("qwen 3.5 35b", "qwen3.5-35b-a3b"),
        ("qwen3.5:397b", "qwen3.5-397b-a17b"),
        ("deepseek-v3:671b", "deepseek-v3"),
        ("ollama run phi4:14b", "phi-4"),
        ("https://huggingface.co/Qwen/Qwen3-8B?library=transformers", "qwen3-8b"),
        ("Command R+", "command-r-plus"),
    ],
)
def test_models_as_people_type_them(typed: str, name: str) -> None:
    assert load_catalogs().model(typed).name == name


@pytest.mark.parametrize(
    ("typed", "gpu"),
    [
        ("AMD MI300X", "mi300x"),
        ("NVIDIA H100", "h100-80gb-sxm"),
        ("RTX4090", "rtx-4090"),
        ("amd instinct mi355x", "mi355x"),
        ("Apple M4 Max", "apple-m4-max"),
    ],
)
def test_gpus_as_people_type_them(typed: str, gpu: str) -> None:
    assert load_catalogs().gpu_names.find(typed).id == gpu


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("llama 3", "llama-3-8b"),
        ("lama 3.1 8b", "llama-3.1-8b"),
        ("qwem 3.5 35b", "qwen3.5-35b-a3b"),
        ("devstral", "devstral-2-123b"),
        ("hf.co/unsloth/Qwen3-30B-A3B-GGUF:Q4_K_M", "qwen3-30b-a3b"),
    ],
)
def test_a_name_that_is_short_or_misspelt_is_offered_what_it_may_mean(typed: str, first: str) -> None:
    with pytest.raises(UnknownNameError) as refused:
        load_catalogs().model(typed)
    assert refused.value.nearest[0] == first


@pytest.mark.parametrize(
    "typed", ["llama3.3:70b-instruct-q4_K_M", "llama-3.3-7b", "gpt-oss", "https://huggingface.co/"]
)
def test_a_name_that_says_more_or_less_is_not_taken(typed: str) -> None:
    with pytest.raises(UnknownNameError):
        load_catalogs().model(typed)


def test_joined_names_that_two_entries_share_mean_none() -> None:
    index: NameIndex[str] = NameIndex("model", "model_name")
    index.add("first", "first", ["a-bc"])
    index.add("second", "second", ["ab-c"])
    assert index["a-bc"] == "first"
    assert index["ab_c"] == "second"
    assert "abc" not in index


def test_search_forgives_what_stands_between_words() -> None:
    assert holds("llama 3.3", ["llama-3.3-70b"])
    assert holds("qwen 3.5 35b", ["qwen3.5-35b-a3b"])
    assert not holds("llama 3.4", ["llama-3.3-70b"])


@pytest.mark.parametrize(
    ("typed", "nearest", "says"),
    [
        ("Qwen/Qwen3-32B-AWQ", "qwen3-32b", "give 'qwen3-32b' with precision.weights 'int4-awq'"),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "llama-3.3-70b", "precision.weights 'fp8'"),
        ("unsloth/gpt-oss-20b-GGUF:Q4_K_M", "gpt-oss-20b", "precision.weights 'q4_k_m'"),
        ("unsloth/Qwen3-8B-GGUF", "qwen3-8b", "precision.weights the kind of the file, such as q4_k_m"),
        ("qwen3:8b-q8_0", "qwen3-8b", "precision.weights 'q8_0'"),
        ("mlx-community/Qwen3-8B-4bit", "qwen3-8b", "precision.weights 'mlx-4bit'"),
        ("unsloth/Qwen3-8B-unsloth-bnb-4bit", "qwen3-8b", "precision.weights 'nf4'"),
        ("turboderp/Llama-3.1-8B-Instruct-exl3", "llama-3.1-8b", "ExLlama's"),
        ("OpenVINO/Qwen3-8B-int4-ov", "qwen3-8b", "OpenVINO's"),
        ("unsloth/Llama-3.2-3B-Instruct", "llama-3.2-3b", "give 'llama-3.2-3b' where its shape is the same"),
        ("nobody/never-heard-of", "", "its config.json as hf_config"),
    ],
)
def test_a_variant_that_is_not_held_is_refused_with_what_to_give_instead(
    typed: str, nearest: str, says: str
) -> None:
    with pytest.raises(UnknownNameError) as refused:
        load_catalogs().model(typed)
    assert says in refused.value.message
    assert not nearest or refused.value.nearest[0] == nearest


def test_formats_to_give_instead_are_formats() -> None:
    for row in read_toml(PublishedNamesFile, catalog_root() / FILE).formats:
        assert find_recipe(row.weights).name == row.weights
        assert row.words == tuple(normal_name(word) for word in row.words)


@pytest.mark.parametrize(
    ("typed", "gpu", "count"),
    [("7900xtx", "7900xtx", None), ("2x7900 XTX", "7900 XTX", 2), ("4x h100", "h100", 4)],
)
def test_the_end_of_a_name_is_no_number_of_gpus(typed: str, gpu: str, count: int | None) -> None:
    said = expanded({"hardware": typed})["hardware"]
    assert said == ({"gpu": gpu} if count is None else {"gpu": gpu, "count": count})


@pytest.mark.parametrize(("amount", "words"), [(0, "0 GPUs"), (1, "1 GPU"), (2, "2 GPUs"), (11, "11 GPUs")])
def test_one_of_something_has_no_plural(amount: int, words: str) -> None:
    assert counted(amount, "GPU") == words


def test_many_names_of_one_entry_leave_room_for_another() -> None:
    """A dozen names that resemble what was typed, all of one entry, and one of another that resembles it less."""
    index: NameIndex[str] = NameIndex("model", "model_name")
    index.add("first", "first", [f"glimmer-{number}" for number in range(10, 22)])
    index.add("second", "second", ["glimmox"])
    assert index.nearest("glimmar") == ("first", "second")


@pytest.mark.parametrize(("typed", "found"), [("ab", ()), ("abc", ("letters",))])
def test_three_letters_are_a_beginning_and_two_are_none(typed: str, found: tuple[str, ...]) -> None:
    """Of 26 letters two resemble 2 x 2 / 28 of them, three 2 x 3 / 29: both less than 0.4."""
    index: NameIndex[str] = NameIndex("model", "model_name")
    index.add("letters", "letters", ["abcdefghijklmnopqrstuvwxyz"])
    assert index.nearest(typed) == found
