// The answer first: does it fit, how fast, at what cost, how sure that is, and what one change would do.
import { html, signal, useEffect } from "../vendor/page/libraries.js";
import { change, deviceOf, gpu, scenario } from "./state.js";
import { estimate, memory, variants } from "./api.js";
import { changeOf } from "./requests.js";
import { boundOf, costPerMillion, keeps, rentPerHour, runs, spreadOf, verdict } from "./figures.js";
import { explain } from "./explain.js";
import { usersOf } from "./memory.js";
import { DASH, count, integer, likelyCount, likelyTime, percent, size, time, usd } from "./numbers.js";

const BASIS = {
  measured: ["Measured", "this model on this GPU under this engine is among the measurements"],
  calibrated: ["Calibrated", "the engine was measured on GPUs of this generation, this very case was not"],
  formula_only: ["Formula only", "no run on such a GPU under this engine was measured: treat it as a bound, not a forecast"],
};
const RANGES = {
  row: "The likely range held 8 of 10 measured runs that the fit had not seen.",
  model: "The likely range held 8 of 10 measured runs of models that the fit had not seen.",
  gpu: "The likely range held 8 of 10 measured runs on GPUs that the fit had not seen.",
  generation: "The likely range held 8 of 10 runs on generations of GPUs that the fit had not seen.",
};
const ANNOUNCE_MS = 500;
const announced = signal("");

function Tile({ name, title, value, range, under, target, opens }) {
  return html`<div class=${`tile ${target ?? ""}`}><dt><abbr title=${title}>${name}</abbr></dt><dd>
    <button type="button" class="plain figure" onClick=${() => explain(opens)} aria-label=${`${name} ${value}: how it was computed`}>${value}</button>
    <span class="range">${range}</span>${under && html`<span class="under">${under}</span>`}</dd></div>`;
}

const KEPT = { true: ["met", "✓ within target"], false: ["missed", "✕ beyond target"], null: [null, ""] };

function Tiles({ served, plan, each }) {
  const shown = runs(plan) ? served : null, reason = served && plan && !shown ? "does not fit" : "";
  const [bound, share] = shown ? boundOf(shown) : [DASH, reason];
  const range = shown?.interval, device = gpu.value;
  const price = costPerMillion(each, device, shown), spread = spreadOf(shown), rent = rentPerHour(each, device);
  const output = spread && { low: shown.output_tokens_per_s * spread[0], high: shown.output_tokens_per_s * spread[1] };
  const [ttft, ttftWord] = KEPT[keeps(shown?.ttft_s, each.ttft)], [tpot, tpotWord] = KEPT[keeps(shown?.tpot_s, each.tpot)];
  const perUser = shown && each.load !== "off" ? `${count(1 / shown.tpot_s)} tok/s for each user` : "";
  const users = usersOf(plan, served);
  return html`<dl class="tiles">
    <${Tile} name="TTFT" title="time to first token, mean" value=${time(shown?.ttft_s)} range=${reason || likelyTime(range?.ttft_s, shown?.ttft_s)} under=${ttftWord} target=${ttft} opens="ttft" />
    <${Tile} name="TPOT" title="time per output token after the first, mean" value=${time(shown?.tpot_s)} range=${reason || likelyTime(range?.tpot_s, shown?.tpot_s)} under=${tpotWord} target=${tpot} opens="tpot" />
    <${Tile} name="Output" title="generated tokens a second of all requests" value=${shown ? `${count(shown.output_tokens_per_s)} tok/s` : DASH} range=${reason || likelyCount(output)} under=${perUser} opens="output" />
    <${Tile} name="Most at once" title="requests of this length that the KV cache holds" value=${integer(users)} range=${users === null ? reason : "requests of this length"} under=${users !== null ? `${count(plan.max_concurrency)} of ${integer(plan.max_model_len_tokens)} tokens` : ""} opens="users" />
    <${Tile} name="Cost" title="rent over generated tokens" value=${usd(price)} range=${reason || (rent === null ? "no price known" : "per M output tokens")} under=${rent === null ? "" : `${usd(rent)} an hour`} opens="cost" />
    <${Tile} name="Bound by" title="what most of a decode step waits for" value=${bound} range=${share} opens="step" />
  </dl>`;
}

function Basis({ served, plan }) {
  if (!served) return null;
  if (plan && !runs(plan)) return html`<p class="basis note">No speed is shown for what memory cannot hold.</p>`;
  const [word, meaning] = BASIS[served.basis.kind];
  const range = served.interval.status === "uncalibrated"
    ? "Loads of this kind were never measured: the likely ranges are those of kinds that were."
    : RANGES[served.basis.unseen] ?? RANGES.generation;
  return html`<p class="basis"><span class=${`chip ${served.basis.kind}`}>${word}</span> <span class="note">${meaning}. ${range} <a href="#wrong" onClick=${jump("wrong")}>How wrong could it be?</a></span></p>`;
}

/** To a card, without touching the link, whose fragment is the state's. */
function jump(id) {
  return (event) => {
    event.preventDefault();
    document.getElementById(id)?.scrollIntoView({ block: "start" });
  };
}

export function Verdict() {
  const each = scenario.value;
  const { data: plan, status: planning, error } = memory.state.value;
  const { data: served, status: serving, error: unserved, at } = estimate.state.value;
  const refused = [planning, serving].includes("error"), busy = [planning, serving].includes("loading");
  const [tone, icon, word] = verdict(refused && !plan ? null : plan);
  const down = (planning === "error" && error?.down) || (serving === "error" && unserved?.down);
  const per = plan?.per_gpu;
  const used = plan && per.memory_bytes - Math.max(0, per.unallocated_bytes) - per.kv_cache_bytes;
  useEffect(() => {
    const timer = setTimeout(() => { if (!busy) announced.value = plan ? `${word}${served && plan.fits ? `, TTFT ${time(served.ttft_s)}, TPOT ${time(served.tpot_s)}` : ""}` : word; }, ANNOUNCE_MS);
    return () => clearTimeout(timer);
  }, [busy, plan, served]);
  return html`<section class=${`card verdict ${tone} ${busy ? "stale" : ""}`} aria-busy=${busy} aria-labelledby="verdict">
    <h2 id="verdict"><span class="icon" aria-hidden="true">${icon}</span> ${word}${plan?.fits && html` <span class="quiet">${size(used)} of ${size(per.memory_bytes)} used on each GPU, ${size(per.kv_cache_bytes)} for the KV cache</span>`}</h2>
    <p class="hidden" aria-live="polite">${announced.value}</p>
    ${plan && !plan.fits && html`<p>${sentence(plan.reason)}</p>`}
    ${down && html`<p class="refusal" role="alert">The calculator process does not answer.${at ? ` The numbers below are from ${at.toLocaleTimeString()}.` : ""}</p>`}
    ${refused && !down && html`<p class="note">⚠ A field was refused. ${served ? "The figures are those of the last scenario that could be answered." : ""}</p>`}
    <${Tiles} served=${served} plan=${plan} each=${each} /><${Basis} served=${served} plan=${plan} />
    ${served && runs(plan) && served.warnings.slice(0, 2).map((text) => html`<p class="warning">⚠ ${sentence(text)}</p>`)}
  </section>`;
}

/** A sentence of the service; names of fields and formats at its start keep their case. */
export function sentence(text) {
  const start = /^[a-z]+ /.test(text) ? text[0].toUpperCase() : text[0];
  return `${start}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

/** "TTFT 0.33 → 0.21 s": of what changes by more than a hundredth. */
function effects({ now, then, set }, each) {
  const parts = [];
  const changed = (one, other) => one != null && other != null && Math.abs(other / one - 1) > 0.01;
  const pair = (name, one, other, show) => { if (changed(one, other)) parts.push(`${name} ${show(one)} → ${show(other)}`); };
  pair("TTFT", now.estimate.ttft_s, then.estimate.ttft_s, time);
  pair("TPOT", now.estimate.tpot_s, then.estimate.tpot_s, time);
  const [one, other] = [now, then].map((side) => side.estimate.output_tokens_per_s);
  if (changed(one, other)) parts.push(`output ${signed(other / one - 1)}`);
  const after = { ...each, ...set };
  const [cost, less] = [costPerMillion(each, deviceOf(each), now.estimate), costPerMillion(after, deviceOf(after), then.estimate)];
  if (changed(cost, less)) parts.push(`cost ${signed(less / cost - 1)}`);
  const [holds, more] = [now, then].map((side) => side.estimate.resolved.kv_capacity_sequences);
  if (changed(holds, more)) parts.push(`holds ${integer(Math.floor(holds))} → ${integer(Math.floor(more))} at once`);
  return parts.join(", ");
}

const signed = (fraction) => `${fraction > 0 ? "+" : "−"}${percent(Math.abs(fraction))}`;

function Advice({ plan }) {
  const each = scenario.value;
  const known = plan.changes_that_fit.map((one) => ({ ...one, set: changeOf(one.field, one.value, each) })).slice(0, 4);
  const other = plan.recommended_gpu;
  return html`<section class="card" aria-labelledby="next"><h2 id="next">What would make it fit</h2>
    ${!known.length && !other && html`<p>No single change of this scenario does, and no GPU of the catalog holds it.</p>`}
    <ul class="changes">${known.map((one) => html`<li>${one.set ? html`<button type="button" onClick=${() => change(one.set)}>${CHANGES[one.field]?.(one.value) ?? sentence(one.change).slice(0, -1)}</button>` : sentence(one.change)}</li>`)}
      ${other && html`<li><button type="button" onClick=${() => change({ g: other.gpu, n: String(other.count), tp: "", pp: "", dp: "", ep: "" })}>${other.count} × ${other.name}, ${size(other.memory_bytes)} each</button></li>`}</ul></section>`;
}

const CHANGES = {
  "hardware.count": (value) => `${value} GPUs`,
  "parallelism.pipeline": (value) => `${value} GPUs, pipeline`,
  "parallelism.tensor": (value) => `${value} GPUs, tensor parallel`,
  "precision.weights": (value) => `Weights in ${value}`,
  "precision.kv_cache": (value) => `KV cache in ${value}`,
  "workload.concurrency": (value) => `${value} at once`,
};

/** The next best change: what would make it fit, else what each single change would do. */
export function NextChange() {
  const plan = memory.state.value.data, each = scenario.value;
  if (plan && !plan.fits) return html`<${Advice} plan=${plan} />`;
  const found = variants.value.map((one) => ({ ...one, text: one.then.memory.fits ? effects(one, each) : "does not fit" })).filter((one) => one.text);
  if (!plan || !found.length) return null;
  return html`<section class="card" aria-labelledby="next"><h2 id="next">What one change would do</h2><ul class="variants">
    ${found.map((one) => html`<li><button type="button" onClick=${() => change(one.set)}>${one.name}</button><span>${sentence(one.text).slice(0, -1)}</span></li>`)}</ul></section>`;
}
