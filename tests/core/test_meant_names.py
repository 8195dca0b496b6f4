"""Names as people say them, over a few entries written out here."""

import pytest

from llm_calc.core.meant_names import Words, meant, words_of

BILLIONS = {
    "glm-4.5-air": 106.0,
    "glm-4.7-flash": 31.0,
    "glm-5.3-flash": 320.0,
    "qwen-1.8b": 1.8,
    "qwen-14b": 14.0,
    "qwen2.5-14b": 14.0,
    "qwen3-8b": 8.0,
    "qwen3-30b-a3b": 30.0,
    "qwen3-vl-30b-a3b": 30.0,
    "qwen3.5-35b-a3b": 35.0,
    "qwen3.6-35b-a3b": 35.0,
    "llama2-70b": 70.0,
    "llama-3.1-70b": 70.0,
    "llama-3.3-70b": 70.0,
    "llama-4-scout": 109.0,
    "llama-4-maverick": 400.0,
    "gpt-oss-20b": 20.0,
    "gpt-oss-120b": 120.0,
    "mistral-small-24b": 24.0,
    "mistral-small-3.1-24b": 24.0,
}
OWNERS = {
    **{name: name for name in BILLIONS},
    "qwen-1-8b": "qwen-1.8b",
    "qwen3-coder-30b-a3b": "qwen3-30b-a3b",
    "mistral-small-3": "mistral-small-24b",
    "mistral-small-3.2-24b": "mistral-small-3.1-24b",
    "llama-4-scout-17b-16e": "llama-4-scout",
    "zai-org/glm-4.5-air": "glm-4.5-air",
}


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("glm air", "glm-4.5-air"),
        ("GLM Air", "glm-4.5-air"),
        ("qwen 30b", "qwen3-30b-a3b"),
        ("qwen vl 30b", "qwen3-vl-30b-a3b"),
        ("qwen coder 30b", "qwen3-coder-30b-a3b"),
        ("qwen 35b", "qwen3.6-35b-a3b"),
        ("qwen 8b", "qwen3-8b"),  # not the 1.8b that is also written 1-8b
        ("qwen 14b", "qwen2.5-14b"),
        ("llama 70b instruct", "llama-3.3-70b"),
        ("llama scout", "llama-4-scout"),
        ("mistral 24b", "mistral-small-3.2-24b"),
    ],
)
def test_the_newest_of_a_size_is_meant(said: str, name: str) -> None:
    assert meant(said, OWNERS, BILLIONS).name == name


@pytest.mark.parametrize(
    ("said", "others"),
    [
        ("gpt oss", {"gpt-oss-20b", "gpt-oss-120b"}),
        ("glm flash", {"glm-5.3-flash", "glm-4.7-flash"}),
        ("llama 4", {"llama-4-scout", "llama-4-maverick"}),
    ],
)
def test_of_several_sizes_none_is_meant(said: str, others: set[str]) -> None:
    found = meant(said, OWNERS, BILLIONS)
    assert found.name is None
    assert set(found.others) == others


@pytest.mark.parametrize(
    "said",
    ["air", "claude", "llama 3 405b", "qwen2 30b", "someone/glm-air", "qwen:30b", "glm heavy", "30b", ""],
)
def test_another_name_means_nothing(said: str) -> None:
    found = meant(said, OWNERS, BILLIONS)
    assert (found.name, found.others) == (None, ())


def test_others_stand_newest_first() -> None:
    assert meant("llama 70b", OWNERS, BILLIONS).others == ("llama-3.1-70b", "llama2-70b")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("DeepSeek V4 Flash", Words(("deepseek", "flash"), ("4",), ())),
        ("mixtral-8x7b-instruct", Words(("mixtral",), (), ("8x7b",))),
        ("qwen3-235b-a22b", Words(("qwen",), ("3",), ("235b",))),
        ("deepseek-r1-0528", Words(("deepseek", "r1"), (), ())),
    ],
)
def test_a_name_in_its_words(name: str, words: Words) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(("name", "own"), [("tale-3b", False), ("tale-30b", True), ("tale-300b", False)])
def test_a_name_that_says_another_size_than_its_models_is_not_meant(name: str, own: bool) -> None:
    """Of a model of thirty billions."""
    found = meant("tale", {name: "entry"}, {"entry": 30.0})
    assert (found.name is not None) is own


def test_of_equally_new_ones_of_one_size_none_is_meant() -> None:
    """Two models of eight billions, neither of which says a version: both are offered."""
    owners = {"tale-8b": "tale-8b", "tale-8.1b": "tale-8.1b"}
    found = meant("tale", owners, {"tale-8b": 8.0, "tale-8.1b": 8.1})
    assert found.name is None
    assert set(found.others) == set(owners)
    assert meant("tale", {"tale-8b": "tale-8b"}, {"tale-8b": 8.0}).name == "tale-8b"


def test_of_the_names_of_one_model_its_own_is_taken_then_the_shortest() -> None:
    billions = {"tale-8b": 8.0, "other-8b": 8.0}
    own = {"tale-8b": "tale-8b", "tale-8b-base": "tale-8b"}
    assert meant("tale", own, billions).name == "tale-8b"
    aliases = {"other-8b": "other-8b", "tale-8b-instruct": "other-8b", "tale-8b-it": "other-8b"}
    assert meant("tale", aliases, billions).name == "tale-8b-it"
