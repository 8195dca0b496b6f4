// The cards below the verdict: memory, speed, roofline, operators, GPUs, how it was computed, how wrong it could be.
import { html } from "../vendor/page/libraries.js";
import { catalog, gpu, scenario, source } from "./state.js";
import { curve, estimate, everyGpu, inspection, memory } from "./api.js";
import { Bars, DataTable, HeatMap, StackedBar, XYChart } from "./charts.js";
import { DASH, count, integer, percent, significant, size, time, usd } from "./numbers.js";
import { rentPerHour, spreadOf } from "./verdict.js";

export function Card({ id, title, wide, children, note, state }) {
  const busy = state?.status === "loading";
  return html`<section class=${`card ${wide ? "wide" : ""} ${busy ? "stale" : ""}`} aria-labelledby=${id} aria-busy=${busy}><h2 id=${id}>${title}</h2>
    ${note && html`<p class="quiet">${note}</p>`}${children}</section>`;
}

const PARTS = [
  ["Weights", "weights_bytes", "s1"], ["KV cache", "kv_cache_bytes", "s2"], ["Activations", "activation_peak_bytes", "s3"],
  ["CUDA graphs", "cuda_graphs_bytes", "s4"], ["Framework", "framework_bytes", "s5"],
];

export function Memory() {
  const plan = memory.state.value.data;
  if (!plan) return html`<${Card} id="memory" title="Memory per GPU" state=${memory.state.value}><p>${DASH} no plan for this scenario yet</p><//>`;
  const per = plan.per_gpu;
  const parts = PARTS.map(([name, key, tone]) => ({ name, value: per[key], text: size(per[key]), tone }));
  const free = Math.max(0, per.unallocated_bytes);
  parts.push({ name: "Left free", value: free, text: size(free), free: true });
  const total = Math.max(per.memory_bytes, parts.reduce((sum, each) => sum + Math.max(0, each.value), 0));
  const users = Math.floor(estimate.state.value.data?.resolved.kv_capacity_sequences ?? NaN);
  return html`<${Card} id="memory" title="Memory per GPU" state=${memory.state.value}>
    <${StackedBar} label="Memory of one GPU" parts=${parts} total=${total} limit=${{ name: "usable for the engine", value: per.usable_bytes }} format=${size} />
    <p>Room for <b>${integer(plan.kv_cache_tokens)}</b> tokens of context: <b>${integer(users)}</b> requests of this length at once, or one of <b>${integer(plan.max_context_tokens)}</b> tokens.${per.host_weights_bytes ? ` ${size(per.host_weights_bytes)} of weights stay in the host's memory.` : ""}</p>
    <p class="quiet">The model needs ${size(plan.kv_cache.needed.bytes_per_sequence)} of cache for a request; ${plan.engine} allocates ${size(plan.kv_cache.allocated.bytes_per_sequence)}.</p>
  <//>`;
}

const CELLS = { fits: ["✓", "fits"], no: ["✕", "does not fit"] };

export function FitMap() {
  const plan = memory.state.value.data;
  if (!plan?.table?.length) return null;
  const columns = plan.table_concurrency.map((value, at) => ({ name: integer(value), at }));
  const rows = plan.table.map((row) => ({ name: integer(row.context_tokens), row }));
  const cell = (row, column) => {
    const tone = row.row.fits[column.at] ? "fits" : "no";
    const [symbol, word] = CELLS[tone];
    return { tone, symbol, text: `${columns[column.at].name} requests of ${row.name} tokens: ${word}` };
  };
  return html`<${Card} id="fit" title="What fits" state=${memory.state.value}>
    <${HeatMap} label="Context against concurrency" rows=${rows} columns=${columns} cell=${cell} rowTitle="Tokens of context" columnTitle="requests at once" /><//>`;
}

function measuredRows() {
  return (curve.state.value.data ?? []).filter((row) => !row.error && row["output_tokens_per_s"] > 0);
}

const X = "workload.concurrency";

export function Throughput() {
  const rows = measuredRows();
  const served = estimate.state.value.data;
  const spread = spreadOf(served);
  const points = rows.map((row) => ({ x: row[X], y: row.output_tokens_per_s, low: spread && row.output_tokens_per_s * spread[0], high: spread && row.output_tokens_per_s * spread[1], text: `${integer(row[X])} at once: ${count(row.output_tokens_per_s)} tokens/s, first token after ${time(row.ttft_s)}` }));
  const marker = scenario.value.load === "c" && served ? { x: Number(scenario.value.c), y: served.output_tokens_per_s, name: "your load" } : null;
  return html`<${Card} id="throughput" title="Throughput against concurrency" state=${curve.state.value}>
    ${points.length ? html`<${XYChart} label="Output tokens a second against requests in flight" series=${[{ name: "Output", points }]} x=${{ label: "requests in flight", log: true, format: count }} y=${{ label: "output tok/s", log: true, format: count }} marker=${marker} note="Band: 8 of 10 measured runs." />
      <${DataTable} columns=${["In flight", "Output tok/s", "First token", "Further token"]} rows=${rows.map((row) => [integer(row[X]), count(row.output_tokens_per_s), time(row.ttft_s), time(row.tpot_s)])} />` : html`<p>${DASH} ${curve.state.value.error?.error ?? "on its way"}</p>`}<//>`;
}

export function Pareto() {
  const rows = measuredRows();
  const n = Number(scenario.value.n) || 1;
  const points = rows.map((row) => ({ x: 1 / row.tpot_s, y: row.output_tokens_per_s / n, text: `${integer(row[X])} at once: ${count(1 / row.tpot_s)} tokens/s a user, ${count(row.output_tokens_per_s / n)} a GPU` }));
  const served = estimate.state.value.data;
  const marker = served && scenario.value.load === "c" ? { x: 1 / served.tpot_s, y: served.output_tokens_per_s_per_gpu, name: "your load" } : null;
  return html`<${Card} id="pareto" title="Throughput against speed" state=${curve.state.value} note="Every point is another number of requests in flight.">
    ${points.length ? html`<${XYChart} label="Tokens a second of a GPU against those of a user" series=${[{ name: "Front", points, straight: true }]} x=${{ label: "tok/s for one user", format: count }} y=${{ label: "tok/s of one GPU", format: count }} marker=${marker} />
      <${DataTable} columns=${["tok/s for a user", "tok/s of a GPU"]} rows=${points.map((each) => [count(each.x), count(each.y)])} />` : html`<p>${DASH}</p>`}<//>`;
}

function peakOf(device, served) {
  const words = served?.resolved.weights ?? "";
  const wide = device.tflops.bf16 ?? device.tflops.fp16 ?? device.tflops.fp32;
  const type = words.startsWith("fp8") && device.tflops.fp8 ? "fp8" : words.startsWith("nvfp4") && device.tflops.fp4 ? "fp4" : "bf16";
  return [type, (device.tflops[type] ?? wide) * 1e12];
}

export function Roofline() {
  const served = estimate.state.value.data, device = gpu.value;
  if (!served || !device) return null;
  const [type, peak] = peakOf(device, served);
  const bandwidth = device.memory_bandwidth_gb_per_s * 1e9;
  const operators = served.operators.filter((each) => each.flops > 0 && each.bytes > 0);
  const dots = (phase) => operators.filter((each) => each.phase === phase).map((each) => ({ x: each.flops / each.bytes, y: each.flops / each.seconds, r: 4 + 10 * Math.sqrt(each.seconds / total(phase)), text: `${each.name} in ${phase}: ${count(each.flops / each.seconds / 1e12)} TFLOP/s, bound by ${each.bound}, ${time(each.seconds)}` }));
  const total = (phase) => served.operators.filter((each) => each.phase === phase).reduce((sum, each) => sum + each.seconds, 0);
  const xs = operators.map((each) => each.flops / each.bytes);
  const low = Math.min(...xs, 1) / 2, high = Math.max(...xs, peak / bandwidth) * 3;
  const roof = [low, peak / bandwidth, high].map((x) => ({ x, y: Math.min(peak, x * bandwidth) }));
  const series = [{ name: "Decode", kind: "dots", points: dots("decode") }, { name: "Prefill", kind: "dots", points: dots("prefill"), hollow: true }, { name: "Roof", points: roof, straight: true, bare: true }];
  return html`<${Card} id="roofline" title="Roofline" state=${estimate.state.value} note=${html`<span class="key"><i class="s1"></i>decode <i class="s2 hollow"></i>prefill; area is time. Roof: ${count(bandwidth / 1e12)} TB/s and ${count(peak / 1e12)} TFLOP/s dense ${type}.</span>`}>
    <${XYChart} label="FLOP/s of each operator against FLOPs a byte" series=${series} x=${{ label: "FLOPs a byte moved", log: true, format: count }} y=${{ label: "TFLOP/s", log: true, format: (value) => significant(value / 1e12, 2) }} />
    <${DataTable} columns=${["Operator", "Phase", "FLOPs", "Bytes", "Time", "Bound by"]} rows=${served.operators.map((each) => [each.name, each.phase, count(each.flops), size(each.bytes), time(each.seconds), each.bound])} /><//>`;
}

export function Budget() {
  const served = estimate.state.value.data;
  if (!served) return null;
  const phase = (name) => {
    const rows = served.operators.filter((each) => each.phase === name && each.seconds > 0).sort((one, other) => other.seconds - one.seconds);
    const all = rows.reduce((sum, each) => sum + each.seconds, 0);
    return html`<h3>${name === "decode" ? "One decode step" : "Prefill of one prompt"}: ${time(all)}</h3>
      <${Bars} label=${`Time of ${name}`} rows=${rows.slice(0, 7).map((each) => ({ name: html`${each.name} <small>${each.bound}</small>`, value: each.seconds, text: `${time(each.seconds)} · ${percent(each.seconds / all)}` }))} />`;
  };
  return html`<${Card} id="budget" title="Where the time goes" state=${estimate.state.value}>${phase("decode")}${phase("prefill")}<//>`;
}

export function EveryGpu() {
  const { data, status, error } = everyGpu.state.value;
  const ids = catalog.value.gpus.map((row) => row.id);
  const rows = (data ?? []).filter((row) => !row.error && row.output_tokens_per_s > 0).map((row) => ({ id: row["hardware.gpu"], value: row.output_tokens_per_s, ttft: row.ttft_s })).sort((one, other) => other.value - one.value);
  const ask = () => everyGpu.ask(scenario.value, source.value, ids);
  return html`<${Card} id="gpus" title="The same on every GPU" state=${everyGpu.state.value} wide>
    <p><button type="button" onClick=${ask} disabled=${!ids.length || status === "loading"}>${data ? "Ask again" : "Compare all GPUs"}</button> ${status === "stale" && html`<span class="quiet">The scenario changed since.</span>`} ${error && html`<span class="refusal">${error.error}</span>`}</p>
    ${rows.length > 0 && html`<div class="scroll tall" tabindex="0" role="region" aria-label="Throughput of every GPU"><${Bars} label="Output tokens a second" rows=${rows.map((row) => ({ name: row.id, value: row.value, text: `${count(row.value)} tok/s · ${time(row.ttft)}`, chosen: row.id === gpu.value?.id }))} /></div>
      <p class="quiet">Output tokens a second and time to first token for ${integer(Number(scenario.value.n))} of each; GPUs that cannot run it are left out.</p>`}<//>`;
}

function Step({ name, formula, filled, result, source: from }) {
  return html`<details class="formula"><summary>${name} <b>${result}</b></summary><p><code>${formula}</code></p><p><code>= ${filled} = ${result}</code></p><p class="quiet">${from}</p></details>`;
}

export function Computed() {
  const what = inspection.state.value.data, plan = memory.state.value.data, served = estimate.state.value.data, each = scenario.value;
  if (!what || !plan || !served) return null;
  const device = gpu.value, rent = rentPerHour(each, device);
  const decode = served.operators.filter((one) => one.phase === "decode");
  const moved = decode.reduce((sum, one) => sum + one.bytes, 0);
  return html`<${Card} id="computed" title="How this was computed" wide>
    <p>${what.architecture}.</p>
    <${Step} name="Parameters" formula="sum over tensors of rows × columns + biases" filled=${Object.entries(what.parameters.by_component).filter(([, value]) => value).map(([name, value]) => `${name} ${integer(value)}`).join(" + ")} result=${integer(what.parameters.total)} source=${`${what.confidence}: counts equal those of the model's reference class.`} />
    <${Step} name="Weights" formula="sum over formats of parameters × bits ÷ 8" filled=${what.weights_by_format.map((one) => `${integer(one.parameters)} × ${significant(one.bits_per_element, 4)} bits (${one.format})`).join(" + ")} result=${size(what.weights_bytes)} source=${what.quantization} />
    <${Step} name="KV cache a token" formula="sum over layers of cached elements × bytes of the format" filled=${Object.entries(what.kv_cache.by_layer_kind).map(([kind, one]) => `${one.layers} ${kind} layers: ${integer(one.bytes_per_token)} B`).join(" + ")} result=${size(what.kv_cache.bytes_per_token)} source="For plain attention: 2 × layers × KV heads × head width × bytes." />
    <${Step} name="Usable memory" formula="the engine's share of what a process can allocate" filled=${`${size(plan.per_gpu.memory_bytes)} × option of ${plan.engine}`} result=${size(plan.per_gpu.usable_bytes)} source="Rules of the engine, read from its documentation and start-up logs." />
    <${Step} name="One decode step" formula="sum over operators of their time under the roofs × measured efficiencies" filled=${`${size(moved)} moved at most at ${count(device?.memory_bandwidth_gb_per_s)} GB/s: at least ${time(device ? moved / (device.memory_bandwidth_gb_per_s * 1e9) : null)}`} result=${time(decode.reduce((sum, one) => sum + one.seconds, 0))} source=${`Calibration “${served.basis.calibration}”, ${integer(served.basis.measurements)} measurements, fitted on ${served.basis.fitted_on}.`} />
    ${rent !== null && html`<${Step} name="Cost of a million output tokens" formula="rent an hour ÷ 3600 ÷ output tokens a second × 10⁶" filled=${`${usd(rent)} ÷ 3600 ÷ ${count(served.output_tokens_per_s)} × 10⁶`} result=${usd((rent / 3600 / served.output_tokens_per_s) * 1e6)} source=${each.usd ? "Your price." : `${device.price_source}, ${device.price_as_of}.`} />`}
  <//>`;
}

export function HowWrong() {
  const served = estimate.state.value.data, plan = memory.state.value.data, what = inspection.state.value.data;
  if (!served) return null;
  const remarks = [...new Set([...(what?.assumptions ?? []), ...(plan?.assumptions ?? []), ...served.assumptions])];
  const warnings = [...new Set([...(what?.warnings ?? []), ...(plan?.warnings ?? []), ...served.warnings])];
  return html`<${Card} id="wrong" title="How wrong could it be" wide>
    <p>Errors on measurements that the fit had not seen${served.basis.unseen === "row" ? "" : `, where the ${served.basis.unseen} was new`}:</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Errors"><table><thead><tr><th scope="col">Figure</th><th scope="col">Measurements</th><th scope="col">Mean error</th><th scope="col">Median error</th></tr></thead>
      <tbody>${served.basis.held_out_errors.map((each) => html`<tr><td>${each.metric.replaceAll("_", " ")}</td><td>${integer(each.measurements)}</td><td>${percent(each.mean_error_fraction)}</td><td>${percent(each.median_error_fraction)}</td></tr>`)}</tbody></table></div>
    ${warnings.length > 0 && html`<h3>Warnings</h3><ul>${warnings.map((text) => html`<li class="warning">⚠ ${text}</li>`)}</ul>`}
    ${remarks.length > 0 && html`<h3>Taken for granted</h3><ul>${remarks.map((text) => html`<li>${text}</li>`)}</ul>`}
  <//>`;
}

