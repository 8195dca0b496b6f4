// Which quantization fits on this machine, with which cache and how long a context, how fast, and what runs it.
import { html, signal } from "../vendor/page/libraries.js";
import { fit } from "./api.js";
import { Card, Choices, Data, Missing, sentence } from "./card.js";
import { copy } from "./files.js";
import * as requests from "./requests.js";
import { apply, scenario } from "./state.js";
import { DASH, integer, likelyCount, significant, size, time } from "./numbers.js";

const RUNNERS = [["llama_cpp", "llama.cpp"], ["ollama", "ollama"], ["lm_studio", "LM Studio"], ["mlx", "MLX"], ["vllm", "vLLM"]];
const HEAD = ["Weights", "KV cache", "File", "Where", "Longest context on the GPU", "tok/s", "First token", "Actions"];
const COLUMNS = [
  { name: "Weights" }, { name: "KV cache" }, { name: "File", unit: "bytes", show: size }, { name: "Where" },
  { name: "Longest context on the GPU", unit: "tokens", show: integer }, { name: "Speed", unit: "tokens/s", show: significant }, { name: "TTFT", unit: "s", show: time },
];
const runner = signal("llama_cpp"), copied = signal("");

const placeOf = (row) => (row.fits && row.where === "gpu and host" ? `${row.gpu_layers < row.layers ? `${row.gpu_layers} of ${row.layers} layers` : "all"} on the GPU${row.split_layers ? ` but experts of ${row.split_layers} layers` : ""}` : row.fits ? row.where.replace("gpu", "GPU") : "does not fit");

function Row({ row, context }) {
  const command = row.run_with?.[runner.value];
  const take = async () => { if (await copy(command)) copied.value = command; };
  const use = () => apply({ e: "llama.cpp", w: row.weights, kv: row.kv_cache, len: String(context) });
  return html`<tr class=${row.best ? "best" : ""}><th scope="row">${row.best ? "★ " : ""}${row.weights}<small>${significant(row.bits_per_weight)} bits a weight</small></th>
    <td data-name="KV cache">${row.kv_cache}</td><td data-name="File">${size(row.file_bytes)}</td><td data-name="Where">${row.fits ? "✓" : "✕"} ${placeOf(row)}</td>
    <td data-name="Longest context">${row.longest_context_tokens ? integer(row.longest_context_tokens) : DASH}</td>
    <td data-name="tok/s">${significant(row.tokens_per_s)}<small>${likelyCount(row.likely_tokens_per_s)}</small></td><td data-name="First token">${time(row.ttft_s)}</td>
    <td class="acts">${row.where === "gpu" && html`<button type="button" onClick=${use}>Use</button>`}${command && html`<button type="button" onClick=${take}>${copied.value === command ? "Copied" : "Copy command"}</button>`}</td></tr>
    ${command && html`<tr class="command"><td colspan="8"><details><summary>Command</summary><pre tabindex="0">${command}</pre></details></td></tr>`}`;
}

export function WhichQuant() {
  const { data, asked } = fit.state.value, without = requests.leftOut(asked?.[0] ?? scenario.value, "fit"), atOnce = asked ? requests.fit(...asked).concurrency : 1;
  const side = html`<${Choices} label="Run with" options=${RUNNERS} value=${runner.value} onChoose=${(key) => { runner.value = key; }} />`;
  const note = data ? `GGUF kinds of ${data.model} at ${integer(data.context_tokens)} tokens, 7 of 8 of them prompt${atOnce > 1 ? `, ${atOnce} requests at once` : ""}; ★ is the best of them here.${without.length ? ` Tried without: ${without.join(", ")}.` : ""}` : "";
  return html`<${Card} id="quants" title="Which quantization fits?" question=${fit} wide note=${note} side=${side}>
    ${!data && html`<${Missing} question=${fit} />`}
    ${data && html`<div class="scroll" tabindex="0" role="region" aria-label="Quantizations on this machine"><table class="plans quants"><thead><tr>${HEAD.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${data.rows.map((row) => html`<${Row} row=${row} context=${data.context_tokens} />`)}</tbody></table></div>
      ${[...data.warnings, ...data.assumptions].map((text) => html`<p class="note">${sentence(text)}</p>`)}
      <${Data} name="llm-calc-quantizations" picture=${false} columns=${COLUMNS} rows=${data.rows.map((row) => [row.weights, row.kv_cache, row.file_bytes, placeOf(row), row.longest_context_tokens, row.tokens_per_s, row.ttft_s])} />`}<//>`;
}
