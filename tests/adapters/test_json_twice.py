"""Keys that are said twice are refused wherever JSON comes in, by their path, both values and both lines."""

import json
from pathlib import Path

import pytest

from llm_calc import library
from llm_calc.adapters.json_text import decoded_json
from llm_calc.adapters.json_twice import SaidTwiceError, json_once
from llm_calc.adapters.model_files import model_part
from llm_calc.adapters.traces import read_trace
from llm_calc.cli.bodies import assignment
from llm_calc.core.errors import InvalidInputError

TWICE = {
    '{"a": 1, "a": 2}': "a: is said twice, as 1 in line 1 and as 2 in line 1; say it once",
    '{"a": 1,\n "b": {},\n "a": 1}': "a: is said twice, as 1 in line 1 and as 1 in line 3; say it once",
    r'{"a": "x", "\u0061": "y"}': 'a: is said twice, as "x" in line 1 and as "y" in line 1; say it once',
    '{"m": [{"b": 1}, {"b": {"c": ":", "c": [1, {"q": "}:{"}]}}]}': "m[1].b.c: is said twice, "
    'as ":" in line 1 and as [1, {"q": "}:{"}] in line 1; say it once',
    '[[], {"a": {"x": 1}, "a": {"x": 2}}]': '[1].a: is said twice, as {"x": 1} in line 1 and as {"x": 2} in line 1; '
    "say it once",
    '{"": 1, "": 2}': '"": is said twice, as 1 in line 1 and as 2 in line 1; say it once',
    json.dumps({"a": "x" * 100})[:-1]
    + ', "a": null}': f'a: is said twice, as "{"x" * 59}… in line 1 and as null in line 1; say it once',
}
ONCE = [
    '{"a": ":", "b": {"a": "\\":"}}',
    '[{"a": 1}, {"a": 1}]',
    '{"a": {"a": {"a": "a:a"}}}',
    "3",
    '"a:a"',
    "[]",
]


@pytest.mark.parametrize("text", TWICE)
def test_a_key_said_twice_is_named_with_both_places(text: str) -> None:
    for each in (text, text.encode()):
        with pytest.raises(SaidTwiceError) as refused:
            decoded_json(each)
        assert refused.value.message == TWICE[text]


@pytest.mark.parametrize("text", ONCE)
def test_what_is_said_once_is_read(text: str) -> None:
    assert json_once(text) == json_once(text.encode()) == json.loads(text)


def test_a_config_that_says_a_key_twice_is_refused_in_requests_and_files(tmp_path: Path) -> None:
    config = '{"model_type": "llama", "hidden_size": 4096, "hidden_size": 2048}'
    with pytest.raises(SaidTwiceError, match=r"model\.hf_config\.hidden_size: .* as 4096 .* as 2048 "):
        decoded_json(f'{{"model": {{"hf_config": {config}}}}}')
    file = tmp_path / "config.json"
    file.write_text(config, encoding="utf-8")
    with pytest.raises(SaidTwiceError, match=r"config\.json\.hidden_size: is said twice"):
        model_part(file)


def test_options_given_as_json_texts_say_a_key_once() -> None:
    said = {
        "vllm": ("compilation_config", '{"cudagraph_mode": "NONE", "cudagraph_mode": "FULL"}'),
        "trtllm": ("kv_cache_config", '{"tokens_per_block": 32, "tokens_per_block": 64}'),
    }
    for engine, (option, text) in said.items():
        with pytest.raises(InvalidInputError, match=rf"engine\.{option}\.\w+: is said twice"):
            library.memory_plan(
                model="llama-3.1-8b", hardware="h100-80gb-sxm", engine={"name": engine, option: text}
            )


def test_an_assignment_of_the_command_says_a_key_once() -> None:
    with pytest.raises(SaidTwiceError, match="name: is said twice"):
        assignment('engine={"name": "vllm", "name": "sglang"}')


def test_a_row_of_a_trace_says_a_key_once() -> None:
    row = '{"timestamp": 0, "input_length": 5, "output_length": 5}'
    with pytest.raises(
        ValueError, match="line 2: input_length: is said twice, as 5 in line 1 and as 9 in line 1"
    ):
        read_trace(f'{row}\n{row[:-1]}, "input_length": 9}}', 512, 1.0)
