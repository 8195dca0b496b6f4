// The answer first: does it fit, how fast, at what cost, and how sure that is.
import { html } from "../vendor/page/libraries.js";
import { change, gpu, scenario } from "./state.js";
import { estimate, memory } from "./api.js";
import { DASH, count, integer, likelyCount, likelyTime, percent, size, time, usd } from "./numbers.js";

const BASIS = {
  measured: ["Measured", "this model, GPU and engine are among the measurements"],
  calibrated: ["Calibrated", "this engine was measured on GPUs of this generation"],
  formula_only: ["Formula only", "no run like this was measured: treat as a bound, not a forecast"],
};
const BOUND = { memory: "Memory", compute: "Compute", communication: "Links", launch: "Launches" };

export function verdict(plan) {
  if (!plan) return ["unknown", "?", "Unknown"];
  if (!plan.fits) return ["bad", "✕", "Does not fit"];
  return plan.headroom_bytes < 0.05 * plan.per_gpu.memory_bytes ? ["warn", "⚠", "Tight"] : ["fits", "✓", "Fits"];
}

export function rentPerHour(each, device) {
  const price = each.usd === "" ? device?.typical_usd_per_hour : Number(each.usd);
  return price == null || Number.isNaN(price) ? null : price * Number(each.n);
}

export function costPerMillion(each, device, served) {
  const rent = rentPerHour(each, device);
  return rent === null || !served ? null : (rent / 3600 / served.output_tokens_per_s) * 1e6;
}

/** Ends of the likely range over the value: of the throughput, else of the time per token that it follows. */
export function spreadOf(served) {
  const own = served?.interval.output_tokens_per_s, pace = served?.interval.tpot_s;
  if (own) return [own.low / served.output_tokens_per_s, own.high / served.output_tokens_per_s];
  return pace ? [served.tpot_s / pace.high, served.tpot_s / pace.low] : null;
}

/** What most of a decode step waits for. */
export function boundOf(served) {
  const steps = served?.operators.filter((each) => each.phase === "decode") ?? [];
  const total = steps.reduce((sum, each) => sum + each.seconds, 0);
  const shares = new Map();
  for (const each of steps) shares.set(each.bound, (shares.get(each.bound) ?? 0) + each.seconds / total);
  const [name, share] = [...shares].sort((one, other) => other[1] - one[1])[0] ?? [null, 0];
  return name ? [BOUND[name], `decode, ${percent(share)} of its time`] : [DASH, ""];
}

function Tile({ name, value, range, under, target }) {
  return html`<div class=${`tile ${target ?? ""}`}><dt>${name}</dt><dd><strong>${value}</strong>
    <span class="range">${range}</span>${under && html`<span class="under">${under}</span>`}</dd></div>`;
}

function against(value, target) {
  if (target === "" || value == null) return null;
  return value <= Number(target) ? "met" : "missed";
}

const TARGET = { met: "✓ within target", missed: "✕ beyond target" };

function Tiles({ served, plan, each }) {
  const loop = each.load === "c" && served;
  const perUser = served ? 1 / served.tpot_s : null;
  const [bound, share] = boundOf(served);
  const range = served?.interval;
  const price = costPerMillion(each, gpu.value, served), spread = spreadOf(served);
  const output = spread && { low: served.output_tokens_per_s * spread[0], high: served.output_tokens_per_s * spread[1] };
  const ttft = against(served?.ttft_s, each.ttft), tpot = against(served?.tpot_s, each.tpot);
  return html`<dl class="tiles">
    <${Tile} name="First token" value=${time(served?.ttft_s)} range=${likelyTime(range?.ttft_s, served?.ttft_s)} under=${TARGET[ttft]} target=${ttft} />
    <${Tile} name="Each further token" value=${time(served?.tpot_s)} range=${likelyTime(range?.tpot_s, served?.tpot_s)} under=${TARGET[tpot]} target=${tpot} />
    <${Tile} name="Output" value=${`${count(served?.output_tokens_per_s)} tok/s`} range=${likelyCount(output)} under=${loop ? `${count(perUser)} tok/s for a user` : ""} />
    <${Tile} name="Most at once" value=${integer(served ? Math.floor(served.resolved.kv_capacity_sequences) : null)} range="requests of this length" under=${plan ? `${count(plan.max_concurrency)} at the longest context` : ""} />
    <${Tile} name="Cost" value=${usd(price)} range=${price === null ? "no price known" : "per M output tokens"} under=${rentPerHour(each, gpu.value) === null ? "" : `${usd(rentPerHour(each, gpu.value))} an hour`} />
    <${Tile} name="Bound by" value=${bound} range=${share} />
  </dl>`;
}

export function Verdict() {
  const each = scenario.value;
  const { data: plan, status: planning, error } = memory.state.value;
  const { data: served, status: serving, error: unserved, at } = estimate.state.value;
  const refused = planning === "error" || serving === "error";
  const [tone, icon, word] = verdict(refused && !plan ? null : plan);
  const down = error?.down || unserved?.down;
  const busy = planning === "loading" || serving === "loading";
  const [basis, meaning] = BASIS[served?.basis.kind] ?? [];
  const used = plan && plan.per_gpu.memory_bytes - Math.max(0, plan.per_gpu.unallocated_bytes) - plan.per_gpu.kv_cache_bytes;
  return html`<section class=${`card verdict ${tone} ${busy ? "stale" : ""}`} aria-busy=${busy} aria-labelledby="verdict">
    <h2 id="verdict" aria-live="polite"><span class="icon" aria-hidden="true">${icon}</span> ${word}${plan && plan.fits ? html`<span class="quiet"> — ${size(used)} of ${size(plan.per_gpu.memory_bytes)} on each GPU, ${size(plan.per_gpu.kv_cache_bytes)} for the KV cache</span>` : ""}</h2>
    ${plan && !plan.fits && html`<p>${plan.reason}.</p>`}
    ${down && html`<p class="refusal" role="alert">The calculator process does not answer.${at ? ` Numbers below are from ${at.toLocaleTimeString()}.` : ""}</p>`}
    ${refused && !down && html`<p class="quiet">The figures below are those of the last scenario that could be answered.</p>`}
    <${Tiles} served=${served} plan=${plan} each=${each} />
    <p class="basis">${basis && html`<span class=${`chip ${served.basis.kind}`}>${basis}</span> <span class="quiet">${meaning}${served.interval.status === "uncalibrated" ? "; loads of this kind were never measured" : "; 8 of 10 measured runs lay within the likely ranges"}.</span>`}</p>
  </section>`;
}

const FIELD_OF = { "precision.weights": "w", "precision.kv_cache": "kv", "parallelism.tensor": "tp", "hardware.count": "n", "workload.concurrency": "c" };

/** What one change would make it fit, each one press away. */
export function NextChange() {
  const plan = memory.state.value.data;
  if (!plan || plan.fits || !plan.changes_that_fit.length) return null;
  const apply = (each) => {
    if (each.field === "parallelism.tensor") change({ n: String(each.value), tp: "" });
    else if (each.field.startsWith("engine.")) change({ len: String(each.value) });
    else if (FIELD_OF[each.field]) change({ [FIELD_OF[each.field]]: String(each.value) });
  };
  const known = (each) => FIELD_OF[each.field] || each.field.startsWith("engine.");
  return html`<section class="card" aria-labelledby="next"><h2 id="next">What would make it fit</h2><ul class="changes">
    ${plan.changes_that_fit.slice(0, 4).map((each) => html`<li>${known(each) ? html`<button type="button" onClick=${() => apply(each)}>${each.change}</button>` : each.change}</li>`)}
    ${plan.recommended_gpu && html`<li><button type="button" onClick=${() => change({ g: plan.recommended_gpu.gpu, n: String(plan.recommended_gpu.count), tp: "", pp: "", dp: "", ep: "" })}>${plan.recommended_gpu.count} × ${plan.recommended_gpu.name}</button></li>`}
  </ul></section>`;
}
