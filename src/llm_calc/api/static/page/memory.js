// The cards of memory: where it goes on one GPU, and what fits at which context and concurrency.
import { html } from "../vendor/page/libraries.js";
import { apply, look, scenario, view } from "./state.js";
import { answered, map, memory } from "./api.js";
import { HeatMap, StackedBar } from "./charts.js";
import { Card, Choices, Data, Missing, sentence } from "./card.js";
import { keeps, runs } from "./figures.js";
import { count, integer, parsed, significant, size, time } from "./numbers.js";
import { SESSIONS } from "./requests.js";

const PARTS = [
  ["Weights", "weights_bytes", "s1"], ["KV cache", "kv_cache_bytes", "s2"], ["Activations", "activation_peak_bytes", "s3"],
  ["CUDA graphs", "cuda_graphs_bytes", "s4"], ["Framework", "framework_bytes", "s5"],
];

/** Requests of the scenario's length that memory holds at once; null where the engine does not run. */
export const usersOf = (plan) => (runs(plan) ? plan.sequences_that_fit : null);

export function Memory() {
  const plan = memory.state.value.data;
  if (!plan) return html`<${Card} id="memory" title="Memory per GPU" question=${memory}><${Missing} question=${memory} /><//>`;
  const per = plan.per_gpu;
  /** @type {object[]} */
  const parts = PARTS.map(([name, key, tone]) => ({ name, value: per[key], text: size(per[key]), tone }));
  const free = Math.max(0, per.unallocated_bytes);
  parts.push({ name: "Left free", value: free, text: size(free), free: true });
  const total = Math.max(per.memory_bytes, parts.reduce((sum, each) => sum + Math.max(0, each.value), 0));
  const users = usersOf(plan);
  return html`<${Card} id="memory" title="Memory per GPU" question=${memory}>
    <${StackedBar} label=${`Memory of one GPU, ${size(per.memory_bytes)}`} parts=${parts} total=${total}
      limit=${{ value: per.usable_bytes, text: `usable ${size(per.usable_bytes)} of ${size(per.memory_bytes)}` }} />
    ${users === null
      ? html`<p>${plan.headroom_bytes < 0 ? `${size(-plan.headroom_bytes)} are missing on each GPU.` : sentence(plan.reason)}</p>`
      : html`<p>Room for <b>${integer(plan.kv_cache_tokens)}</b> tokens of context: <b>${integer(users)}</b> requests of this length at once, or a single one of up to <b>${integer(plan.max_context_tokens)}</b> tokens.</p>`}
    <p class="note">${cacheText(plan)}${per.host_weights_bytes ? ` ${size(per.host_weights_bytes)} of weights stay in the host's memory.` : ""}</p>
    <${Data} name="llm-calc-memory" columns=${[{ name: "Part" }, { name: "Size", unit: "bytes", show: size }]} rows=${[...parts.map((each) => [each.name, each.value]), ["Memory of the GPU", per.memory_bytes], ["Usable for the engine", per.usable_bytes]]} />
  <//>`;
}

function cacheText(plan) {
  const [needed, allocated] = [plan.kv_cache.needed.bytes_per_sequence, plan.kv_cache.allocated.bytes_per_sequence];
  const start = `A request of ${integer(plan.max_model_len_tokens)} tokens needs ${size(needed)} of ${plan.kv_cache.format} cache on each GPU`;
  if (allocated <= needed * 1.005) return `${start}.`;
  return `${start}; ${plan.engine.name} ${plan.engine.version} allocates ${size(allocated)}, for blocks and groups of layers.`;
}

const MODES = [["fits", "Fits"], ["ttft_s", "TTFT"], ["tpot_s", "TPOT"], ["output_tokens_per_s", "tok/s"]];
/** In cells: two digits, the unit in the caption. */
const SHOWS = {
  ttft_s: [(value) => significant(value, 2), "s"], tpot_s: [(value) => significant(1000 * value, 2), "ms"],
  output_tokens_per_s: [(value) => count(value, 2), "tok/s"],
};
const NAMES = { ttft_s: "TTFT", tpot_s: "TPOT", output_tokens_per_s: "Output" };
const TARGETS = { ttft_s: "ttft", tpot_s: "tpot" };

/** Rows of the map: contexts that the engine is started with, and for each concurrency whether it fits and how fast. */
function mapped(plan, rows, output) {
  const runs = new Map(rows.filter((row) => !row.error).map((row) => [`${row["workload.input_tokens"] + output}:${row["workload.concurrency"]}`, row]));
  return plan.table.map(({ context_tokens: context, fits }) => ({
    name: integer(context), context,
    cells: plan.table_concurrency.map((at, place) => ({ at, fits: fits[place], run: runs.get(`${context}:${at}`) })),
  }));
}

function fitCell(row, column) {
  const { fits } = row.cells[column.place];
  const text = `${column.name} requests of ${row.name} tokens: ${fits ? "fits" : "does not fit"}`;
  return { tone: fits ? "fits" : "no", symbol: fits ? "✓" : "✕", text };
}

function runCell(key, range, target) {
  const [low, high] = range;
  return (row, column) => {
    const { fits, run } = row.cells[column.place];
    const what = `${column.name} requests of ${row.name} tokens`;
    if (!fits) return { tone: "no", symbol: "✕", text: `${what}: does not fit` };
    if (!run) return { tone: "no", symbol: "—", text: `${what}: not computed, the answer alone is as long` };
    const [show, unit] = SHOWS[key], kept = keeps(run[key], target), shown = show(run[key]);
    const shade = high > low ? (Math.log(run[key]) - Math.log(low)) / (Math.log(high) - Math.log(low)) : 0;
    const word = kept === null ? "" : kept ? ", within the target" : ", beyond the target";
    return { tone: "shaded", shade, symbol: `${shown}${kept === false ? " !" : ""}`, text: `${what}: ${shown} ${unit}${word}` };
  };
}

export function WhatIf() {
  const plan = memory.state.value.data, each = answered.value.scenario;
  const key = view.value.map in NAMES ? view.value.map : "fits";
  const side = html`<${Choices} label="Shown" options=${MODES} value=${key} onChoose=${(chosen) => look({ map: chosen })} />`;
  if (!plan?.table?.length) return html`<${Card} id="fit" title="What if: context × concurrency" question=${map} side=${side}><${Missing} question=${memory} /><//>`;
  const columns = plan.table_concurrency.map((at, place) => ({ name: integer(at), place }));
  const rows = mapped(plan, map.state.value.data ?? [], parsed(each.o));
  const values = rows.flatMap((row) => row.cells.filter((one) => one.fits && one.run).map((one) => one.run[key]));
  const cell = key === "fits" ? fitCell : runCell(key, [Math.min(...values), Math.max(...values)], each[TARGETS[key]] ?? "");
  const failed = key !== "fits" && !values.length;
  return html`<${Card} id="fit" title="What if: context × concurrency" question=${map} shown=${key === "fits" ? memory : map} side=${side}>
    <${HeatMap} label="Context against concurrency" caption=${`${key === "fits" ? "" : `${NAMES[key]} in ${SHOWS[key][1]}. `}Down: tokens of a request, prompt and answer. Across: requests at once.`} rows=${rows} columns=${columns} cell=${cell} />
    ${failed && html`<${Missing} question=${map} otherwise="nothing fits" />`}
    ${key !== "fits" && html`<p class="note">The answer has ${integer(parsed(each.o))} tokens throughout, the prompt fills the rest. Darker is more; ! is beyond the target.</p>`}
    <${Data} name="llm-calc-what-if" picture=${false} columns=${[{ name: "Context", unit: "tokens", show: integer }, { name: "Requests at once", unit: "requests", show: integer }, { name: "Fits" }, { name: "TTFT", unit: "s", show: time }, { name: "TPOT", unit: "s", show: time }, { name: "Output", unit: "tokens/s", show: count }]}
      rows=${rows.flatMap((row) => row.cells.map((one) => [row.context, one.at, one.fits ? "yes" : "no", one.fits ? one.run?.ttft_s : null, one.fits ? one.run?.tpot_s : null, one.fits ? one.run?.output_tokens_per_s : null]))} />
  <//>`;
}

/** Choosing a load in a chart makes it the scenario's. */
export function takeLoad(requests) {
  apply(scenario.peek().load === SESSIONS ? { s: String(requests) } : { load: "c", c: String(requests) });
}
