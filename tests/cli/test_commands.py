"""What people see, what programs get, and how the command ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.adapters.gguf_files import llama_parameters, write_llama
from tests.command import run

DEPLOYMENT = ("llama-3.1-8b", "--gpu", "h100-80gb-sxm")
CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 1000,
}


def test_an_estimate_shows_what_users_wait_for_and_how_sure_that_is() -> None:
    shown = run("estimate", *DEPLOYMENT, "-c", 16, "-i", 1024, "-o", 256)
    answer = json.loads(run("estimate", *DEPLOYMENT, "-c", 16, "-i", 1024, "-o", 256, "--json").output)
    assert shown.exit_code == 0
    assert f"{answer['tpot_s'] * 1e3:.3g} ms (likely" in shown.output
    assert f"{answer['output_tokens_per_s']:,.0f} tokens/s" in shown.output
    assert "tpot_s off by" in shown.output


def test_an_estimate_shows_measured_runs_beside_what_is_predicted_for_them() -> None:
    question = ("llama-3.1-70b", "--gpu", "4x h100-80gb-sxm", "--weights", "fp8", "-c", 64)
    shown = run("estimate", *question).output
    nearest = json.loads(run("estimate", *question, "--json").output)["basis"]["nearest"]
    for place, each in enumerate(nearest):
        cell = f"{each['tpot_s'] * 1e3:.3g} ms ({each['predicted_tpot_s'] * 1e3:.3g} ms)"
        assert (cell in shown) == (place < 3), each
    assert "requests 0.5x" in shown
    assert "tokens/s)" not in shown
    without = run("estimate", "smollm-135m", "--gpu", "gaudi3").output
    assert "no published run of vllm" in without
    assert "Nearest runs" not in without


@pytest.mark.parametrize("command", ["estimate", "memory"])
def test_a_context_does_not_change_which_engine_answers(command: str) -> None:
    """A kind of GGUF file is llama.cpp's, with --context or without."""
    asked = (command, "llama3.1:8b-instruct-q4_K_M", "--gpu", "rtx4090", "--json")
    plain, bound = run(*asked).output, run(*asked, "--context", 16384).output
    assert json.loads(plain)["engine"]["name"] == json.loads(bound)["engine"]["name"] == "llama.cpp"


@pytest.mark.parametrize(
    ("engine", "flag"),
    [
        (None, "max_model_len"),
        ("sglang", "context_length"),
        ("trtllm", "max_seq_len"),
        ("llama.cpp", "n_ctx"),
        ("generic", "max_model_len"),
    ],
)
@pytest.mark.parametrize("command", ["memory", "estimate"])
def test_the_longest_context_goes_to_the_engine_under_its_own_flag(
    command: str, engine: str | None, flag: str
) -> None:
    chosen = () if engine is None else ("--engine", engine)
    short = run(command, *DEPLOYMENT, *chosen, "--context", 4096, "--json").output
    assert short == run(command, *DEPLOYMENT, *chosen, "--set", f"engine.{flag}=4096", "--json").output


@pytest.mark.parametrize("command", ["memory", "estimate"])
def test_adapters_and_images_have_a_line_of_their_own(command: str) -> None:
    images = 'workload.images={"count": 2, "width": 1920, "height": 1080}'
    given = ("--set", 'lora={"rank": 8}', "--set", images, "-c", 8)
    shown = run(command, "qwen3-vl-8b", "-g", "h100-80gb-sxm", *given)
    lines = {line.split()[0]: line for line in shown.output.splitlines() if line.split()}
    assert "41.6 MiB each; " in lines["adapters"]
    assert "4,080 tokens of a prompt, 2,040 an image" in lines["images"]


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        (("-i", "4k", "-o", "1,024", "--context", "16K"), ("-i", 4096, "-o", 1024, "--context", 16384)),
        (
            ("--set", "workload.input_tokens=8k", "--set", "engine.max_model_len=64K"),
            ("--set", "workload.input_tokens=8192", "--set", "engine.max_model_len=65536"),
        ),
    ],
)
def test_counts_of_tokens_are_taken_as_people_type_them(
    typed: tuple[Any, ...], sent: tuple[Any, ...]
) -> None:
    found = run("estimate", *DEPLOYMENT, *typed, "--json")
    assert found.exit_code == 0
    assert found.output == run("estimate", *DEPLOYMENT, *sent, "--json").output


def test_a_text_that_is_no_count_of_tokens_is_refused() -> None:
    refused = run("estimate", *DEPLOYMENT, "-i", "4kb")
    assert refused.exit_code == 2
    assert "--input: must be a whole number, such as 65536 or 64k" in refused.output


def test_memory_that_is_short_ends_with_three() -> None:
    shown = run("memory", "llama-3.1-70b", "-g", "h100-80gb-sxm")
    assert shown.exit_code == 3
    assert "✕ does not fit" in shown.output
    assert "hardware.count = " in shown.output
    fits = run("memory", "llama-3.1-70b", "-g", "4x h100-80gb-sxm", "-c", 8, "-i", 1000, "-o", 100)
    assert fits.exit_code == 0
    assert "✓ fits" in fits.output


def test_every_option_of_a_deployment_reaches_the_request() -> None:
    ended = run(
        *("memory", "mixtral-8x7b", "-g", "h100-80gb-sxm", "-n", 4, "-t", 2, "--pipeline", 1, "--data", 2),
        *(
            "--expert",
            4,
            "--weights",
            "fp8",
            "--kv-cache",
            "fp8",
            "-e",
            "sglang",
            "-i",
            512,
            "-o",
            64,
            "-c",
            4,
        ),
        *("--prefix-hits", 0.5, "--set", "engine.context_length=4096", "--json"),
    )
    assert ended.exit_code == 0
    answer = json.loads(ended.output)
    assert answer["engine"]["name"] == "sglang"
    assert answer["kv_cache"]["format"].startswith("fp8")
    assert answer["asked_sequences"] == 4
    assert answer["max_model_len_tokens"] == 4096


def test_options_of_an_engine_are_those_of_vllm_where_none_is_named() -> None:
    answer = run("memory", *DEPLOYMENT, "--set", "engine.max_model_len=8192", "--json").output
    assert json.loads(answer)["max_model_len_tokens"] == 8192


def test_a_request_file_gives_way_to_options(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text('{"model": "llama-3.1-8b", "hardware": "2x l4", "workload": {"concurrency": 2}}', "utf-8")
    answer = json.loads(run("estimate", "-r", file, "--weights", "fp8", "-c", 8, "--json").output)
    assert answer["resolved"]["weights"].startswith("fp8")
    assert answer["resolved"]["tensor"] == 2
    assert answer == json.loads(
        run("estimate", "llama-3.1-8b", "-g", "2x l4", "--weights", "fp8", "-c", 8, "--json").output
    )


@pytest.mark.parametrize("how", ["file", "folder", "stdin", "gguf"])
def test_a_model_is_read_from_wherever_it_lies(tmp_path: Path, how: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    gguf = write_llama(tmp_path / "tiny.gguf")
    argument = {"file": tmp_path / "config.json", "folder": tmp_path, "stdin": "-", "gguf": gguf}[how]
    ended = run("inspect", argument, "--json", given=json.dumps(CONFIG) if how == "stdin" else None)
    answer = json.loads(ended.output)
    assert answer["model"]["hidden_size"] == 256
    assert how != "gguf" or answer["parameters"]["total"] == llama_parameters()


def test_a_gguf_file_is_read_from_stdin(tmp_path: Path) -> None:
    data = write_llama(tmp_path / "tiny.gguf").read_bytes()
    assert (
        json.loads(run("inspect", "-", "--json", given=data).output)["parameters"]["total"]
        == llama_parameters()
    )


def test_a_model_beats_a_folder_of_the_same_name_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llama2-7b").mkdir()
    monkeypatch.chdir(tmp_path)
    assert json.loads(run("inspect", "llama2-7b", "--json").output)["model"]["name"] == "llama2-7b"


def test_no_decode_rate_is_shown_where_no_gpu_was_given() -> None:
    shown = run("calculate", "llama2-7b", "--gpu-tflops", 312)
    assert "decode  " in shown.output
    assert "— (only the compute roof is known: name a GPU with --gpu)" in shown.output
    answer = json.loads(run("calculate", "llama2-7b", "--json").output)
    assert f"{answer['performance']['tokens_per_second']:,.0f} tokens/s" not in shown.output


def test_a_calculation_takes_a_config_and_a_split(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG), encoding="utf-8")
    answer = json.loads(
        run("calculate", file, "-g", "l4", "-n", 2, "-t", 2, "--seq-length", 512, "--json").output
    )
    assert answer["parallelism"]["tp_size"] == 2
    shown = run("calculate", file, "-g", "l4", "-n", 2, "-t", 2, "--seq-length", 512, "--precision", "fp8")
    assert "tensor: 2 GPUs" in shown.output
    refused = run("calculate", write_llama(tmp_path / "tiny.gguf"))
    assert (refused.exit_code, "calculate takes a name or a config.json" in refused.stderr) == (2, True)


def test_plans_come_with_their_commands() -> None:
    asked = (
        "plan",
        "llama-3.1-8b",
        "-i",
        1024,
        "-o",
        128,
        "--rate",
        2,
        "-g",
        "h100-80gb-sxm",
        "-g",
        "mi300x",
    )
    shown = run(*asked, "-e", "vllm", "--weights", "fp8", "--ttft", 1, "--tpot", 0.05)
    assert shown.exit_code == 0
    assert "vllm serve" in shown.output
    assert "$" in shown.output
    none = run(*asked, "--tpot", 1e-6)
    assert none.exit_code == 3
    assert "No plan on" in none.output


def test_plans_show_drafts_and_both_sides() -> None:
    load = ("-c", 16, "-i", 1000, "-o", 200, "--max-gpus", 4)
    ways = ("--set", "prefill_apart=true", "--set", "speculative.method=ngram")
    shown = run("plan", "llama-3.1-8b", "-g", "h100", "-e", "vllm", *load, *ways)
    assert "vllm + ngram" in shown.output
    assert "Prefill and decode apart" in shown.output
    assert "NixlConnector" in shown.output


def test_what_a_plans_command_takes_for_granted_is_printed_under_it() -> None:
    asked = ("plan", "beam 1.0", "--rate", 2, "-g", "gb200", "-e", "trtllm", "--ttft", 3, "--tpot", 0.05)
    plans = json.loads(run(*asked, "--json").output)["plans"]
    shown = " ".join(run(*asked).output.split())
    assert all(note in shown for plan in plans for note in plan["notes"])
    other = "names no models of type beam among its own; it is not known to run this one, at best by its Auto"
    assert shown.count(other) == 1
    assert f"1: the command names a checkpoint in {plans[0]['precision']['weights']}" in shown


def test_a_plan_is_printed_as_objects_of_a_cluster() -> None:
    asked = ("plan", "llama-3.1-8b", "-c", 16, "-g", "l40s", "-e", "vllm")
    shown = run(*asked, "--manifest", "kubernetes")
    assert shown.exit_code == 0
    assert shown.output.startswith("# plan 1 by cost")
    kinds = [each["kind"] for each in yaml.safe_load_all(shown.output)]
    assert kinds == ["PersistentVolumeClaim", "Deployment", "Service"]
    none = run(*asked, "--manifest", "leader_worker_set")
    assert (none.exit_code, "ask for kubernetes" in none.stderr, none.stdout) == (3, True, "")
    listed = json.loads(run(*asked, "--manifest", "kserve", "--json").stdout)
    assert [each["kind"] for each in listed["plans"][0]["manifests"]["kserve"]][-1] == "InferenceService"
    assert run(*asked, "--manifest", "helm").exit_code == 2


def test_a_recommended_deployment_is_printed_as_objects_of_a_cluster() -> None:
    asked = ("recommend", "llama-3.1-8b", "-g", "l40s", "-e", "vllm")
    shown = run(*asked, "--manifest", "kubernetes")
    assert shown.exit_code == 0
    assert shown.output.startswith("# recommendation 1 by cost")
    kinds = [each["kind"] for each in yaml.safe_load_all(shown.output)]
    assert kinds == ["PersistentVolumeClaim", "Deployment", "Service"]
    none = run(*asked, "--manifest", "leader_worker_set")
    assert (none.exit_code, "ask for kubernetes" in none.stderr, none.stdout) == (3, True, "")
    listed = json.loads(run(*asked, "--manifest", "kserve", "--json").stdout)
    assert [each["kind"] for each in listed["recommendations"][0]["manifests"]["kserve"]][
        -1
    ] == "InferenceService"
    assert run(*asked, "--manifest", "helm").exit_code == 2


def test_a_percentile_that_limits_hold_for_can_be_named() -> None:
    asked = ("plan", "llama-3.1-8b", "--rate", 2, "-g", "h100", "-e", "vllm", "--ttft", 1, "--json")
    plain, strict = (json.loads(run(*asked, "--percentile", name).stdout) for name in ("mean", "p99"))
    assert any("the p99 of one simulated run" in text for text in strict["assumptions"])
    assert not any("of one simulated run" in text for text in plain["assumptions"])


def test_recommendations_say_who_does_not_hold_it() -> None:
    shown = run(
        "recommend", "llama-3.1-70b", "--max-gpus", 2, "-g", "l4", "-g", "h200-141gb-sxm", "--context", 4096
    )
    assert shown.exit_code == 0
    assert "x h200-141gb-sxm" in shown.output
    assert "No plan on" in shown.output
    assert run("recommend", "llama-3.1-70b", "--max-gpus", 1, "-g", "l4").exit_code == 3


def test_scenarios_stand_side_by_side() -> None:
    shown = run("compare", "llama-3.1-8b", "-g", "h100-80gb-sxm", "-g", "2x l40s", "-c", 4)
    assert shown.exit_code == 0
    assert "hardware.count" in shown.output
    assert "Against h100-80gb-sxm" in shown.output


def test_a_comparison_says_what_came_out_differently_and_what_it_rests_on() -> None:
    shown = run("compare", "llama-3.1-70b", "-w", "fp8", "-g", "h200", "-g", "mi300x").output
    basis = next(line for line in shown.splitlines() if line.strip().startswith("basis"))
    assert set(basis.split()[1:]) <= {"measured", "calibrated", "formula", "only"}
    taken = next(line for line in shown.splitlines() if "KV cache as taken" in line)
    assert taken.split()[-2:] == ["fp8", "bf16"]


def test_unlike_cards_are_compared_by_their_names() -> None:
    shown = run(
        "compare", "llama-3.1-8b", "-e", "llama.cpp", "-w", "q8_0", "-g", "h100", "-g", "rtx-4090,rtx-3090"
    )
    assert "rtx-4090 + rtx-3090" in shown.output
    assert "{" not in shown.output


def test_a_release_is_a_text() -> None:
    found = json.loads(run("estimate", *DEPLOYMENT, "--set", "engine.version=0.11", "--json").output)
    assert found["engine"]["version"].startswith("0.11")


def test_a_calibration_is_saved_and_used(tmp_path: Path) -> None:
    measured = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", "measured": {"tpot_s": 0.02}}
    file = tmp_path / "own.json"
    ended = run("calibrate", "-", "--save", file, given=json.dumps({"measurements": [measured]}))
    assert ended.exit_code == 0
    assert "memory bandwidth" in ended.output
    own = json.loads(run("estimate", *DEPLOYMENT, "--calibration", file, "--json").output)
    assert own["tpot_s"] > 1.2 * json.loads(run("estimate", *DEPLOYMENT, "--json").output)["tpot_s"]
    unwritable = run("calibrate", "-", "--save", tmp_path, given=json.dumps({"measurements": [measured]}))
    assert (unwritable.exit_code, "cannot be written" in unwritable.stderr) == (2, True)


def test_lists_are_searched() -> None:
    shown = run("gpus", "H200")
    assert "h200-141gb-sxm" in shown.output
    assert "a10" not in shown.output.split()
    assert "meta-llama/Llama-3.1-8B" in run("models", "llama-3.1-8b").output
    assert run("models", "no such model").exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("estimate", "llama-3.1-8b", "-g", "h10"), "hardware.gpu: unknown gpu 'h10'; nearest: "),
        (("estimate", "llama-3.1-8b"), "hardware: is required"),
        (("inspect", "./absent"), "No such file"),
        (("inspect", "-", "-r", "-"), "only one of them can be read from stdin"),
        (("inspect", "llama2-7b", "--set", "weights"), "must be FIELD=VALUE"),
        (("inspect", "llama2-7b", "--set", "model.name.first=a"), "name has no fields"),
        (("estimate", "-r", "/absent.json"), "/absent.json: cannot be read"),
        (("sweep", "llama2-7b", "-g", "l4", "--grid", "x"), "must be FIELD=VALUES"),
        (("sweep", "llama2-7b", "-g", "l4", "--grid", "batch=1", "--out", "rows.txt"), "must end in"),
        (
            ("sweep", "llama2-7b", "-g", "l4", "--grid", "workload.batch=1", "--on", "tcp://a"),
            "on: must be dask://",
        ),
    ],
)
def test_refusals_are_sentences_with_code_two(arguments: tuple[str, ...], said: str) -> None:
    ended = run(*arguments, given="{}")
    assert ended.exit_code == 2
    assert said in ended.stderr
    assert ended.stderr.startswith("Error: ")
    assert ended.stdout == ""


def test_an_unknown_option_has_code_two() -> None:
    assert run("memory", "--nothing").exit_code == 2


def test_a_pipe_may_be_closed_early() -> None:
    command = [sys.executable, "-m", "llm_calc", "models"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_an_interruption_has_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("llm_calc.adapters.all_catalogs.chosen_catalogs", interrupted)
    assert run("memory", *DEPLOYMENT).exit_code == 130


def test_the_shell_is_offered_names() -> None:
    environment = {
        **os.environ,
        "_LLM_CALC_COMPLETE": "complete_bash",
        "COMP_WORDS": "llm-calc estimate llama-3.1-8b --gpu h200",
        "COMP_CWORD": "4",
    }
    command = [sys.executable, "-m", "llm_calc"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "h200-141gb-sxm" in ended.stdout.split()


def test_the_version_is_told() -> None:
    from llm_calc import __version__

    assert run("--version").output == f"llm-calc {__version__}\n"


def test_what_is_not_there_has_no_heading() -> None:
    none = run("plan", "llama-3.1-8b", "-g", "l4", "--tpot", 1e-6, "-c", 1).output
    assert "No plan on" in none
    assert "Start one replica with" not in none
    for kind, listed in (("models", "model"), ("gpus", "GPU")):
        ended = run(kind, "zzz")
        assert (ended.exit_code, ended.stdout) == (3, "")
        assert ended.stderr == f"No {listed} matches 'zzz'; llm-calc {kind} lists all.\n"
        assert json.loads(run(kind, "zzz", "--json").stdout) == []


def test_a_single_request_is_one() -> None:
    asked = ("recommend", "llama-3.1-8b", "-g", "l4")
    assert "times are those of 1 request at once of" in run(*asked).output
    assert "times are those of 2 requests at once of" in run(*asked, "-c", 2).output


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    config, request = tmp_path / "config.json", tmp_path / "request.json"
    config.write_text(json.dumps(CONFIG), encoding="utf-8-sig")
    request.write_text(json.dumps({"model": {"hf_config": CONFIG}}), encoding="utf-8-sig")
    ways = [
        run("inspect", config, "--json"),
        run("inspect", "-", "--json", given=config.read_bytes()),
        run("inspect", "-r", request, "--json"),
        run("inspect", "-r", "-", "--json", given=request.read_bytes()),
    ]
    assert [json.loads(each.output)["model"]["hidden_size"] for each in ways] == [256] * 4


def test_the_ending_of_a_gguf_file_may_be_capital(tmp_path: Path) -> None:
    file = write_llama(tmp_path / "X.GGUF")
    for argument in (file, tmp_path):
        answer = json.loads(run("inspect", argument, "--json").output)
        assert answer["parameters"]["total"] == llama_parameters()


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [
        (10, "must be the first bytes of a GGUF file (they begin with GGUF)"),
        (60, "ends before general.architecture; more of the file is needed"),
        (200, "ends before the vocabulary; more of the file is needed"),
    ],
)
def test_a_gguf_file_that_is_cut_is_named(tmp_path: Path, size_bytes: int, said: str) -> None:
    head = write_llama(tmp_path / "tiny.gguf").read_bytes()[:size_bytes]
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(head)
    ended = run("memory", cut, "-g", "l4")
    assert (ended.exit_code, ended.stderr) == (2, f"Error: model: {cut}: {said}\n")
    assert run("memory", "-", "-g", "l4", given=head).stderr == f"Error: model: stdin: {said}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "llama2-7b", "-g", "l4", "--usd-per-hour", -1), "limits.usd_per_hour: must be greater"),
        (("plan", "llama2-7b", "-g", "l4", "--set", "prices.l4=-1"), "prices.l4: must be greater than 0"),
        (("recommend", "llama2-7b", "--set", "prices.l4=-1"), "prices.l4: must be greater than 0"),
        (
            ("plan", "llama2-7b", "-g", "l4", "--set", "rental=leased"),
            "rental: must be 'on_demand', 'spot' or",
        ),
    ],
)
def test_no_price_is_negative_and_no_rent_of_an_unknown_kind(
    arguments: tuple[object, ...], said: str
) -> None:
    ended = run(*arguments)
    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"Error: {said}")


def test_reserved_rents_are_listed_with_their_term_and_planned_with() -> None:
    listed = run("prices", "h100-80gb-sxm").output
    assert "$3.26, 12 months" in listed
    assert "$2.72" in listed
    planned = run("plan", "llama2-7b", "-g", "h100-80gb-sxm", "-c", 4, "--set", "rental=reserved")
    assert "$3.26" in planned.output


@pytest.mark.parametrize("gpus", [("--gpu", "rtx-4090,rtx-3090"), ("--gpu", "rtx-4090", "--gpu", "rtx-3090")])
def test_unlike_gpus_are_named_one_after_the_other(gpus: tuple[str, ...]) -> None:
    found = run("memory", "qwen2.5-32b", *gpus, "-e", "llama.cpp", "-w", "q4_k_m", "--json")
    assert [stage["gpu"] for stage in json.loads(found.output)["stages"]] == ["rtx-4090", "rtx-3090"]
