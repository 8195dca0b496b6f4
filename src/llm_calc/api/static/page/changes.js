// The next best change: what would make it fit, else what each single change would do.
import { html } from "../vendor/page/libraries.js";
import { apply, deviceOf, scenario } from "./state.js";
import { memory, variants } from "./api.js";
import { changesOf } from "./requests.js";
import { costPerMillion, runs } from "./figures.js";
import { usersOf } from "./memory.js";
import { integer, percent, size, time, timeUnit } from "./numbers.js";
import { sentence } from "./words.js";

const MOST_CHANGES = 4;
const NAMES = {
  "hardware.count": (value) => `${value} GPUs`,
  "precision.weights": (value) => `Weights in ${value}`,
  "precision.kv_cache": (value) => `KV cache in ${value}`,
  "workload.concurrency": (value) => `${integer(value)} concurrent requests`,
};

const MORE_GPUS = /^hardware\.count (\d+) instead of \d+/;

/** Single changes that make it run, one press each. */
export function Fixes({ plan }) {
  const each = scenario.value, other = plan.recommended_gpu, users = usersOf(plan);
  const known = plan.changes_that_fit.slice(0, MOST_CHANGES).map((one) => {
    const value = one.field === "workload.concurrency" && users !== null ? Math.min(users, one.value) : one.value;
    const also = one.also ?? {}, alone = Object.keys(also).every((field) => ["hardware.count", "engine.name"].includes(field));
    return { set: changesOf({ [one.field]: value, ...also }, each), name: (alone && NAMES[one.field]?.(value)) || sentence(one.change.replace(MORE_GPUS, "$1 GPUs")).slice(0, -1) };
  });
  return html`${!known.length && !other && html`<p>No single change of this scenario does, and no GPU of the catalog holds it.</p>`}
    <ul class="changes">${known.map((one) => html`<li key=${one.name}>${one.set ? html`<button type="button" onClick=${() => apply(one.set)}>${one.name}</button>` : one.name}</li>`)}
      ${other && html`<li key=${other.gpu}><button type="button" onClick=${() => apply({ g: other.gpu, n: String(other.count), tp: "", pp: "", dp: "", ep: "" })}>${other.count} × ${other.name}, ${size(other.memory_bytes)} each</button></li>`}</ul>`;
}

const signed = (fraction) => `${fraction > 0 ? "+" : "−"}${percent(Math.abs(fraction))}`;
const changed = (one, other) => one != null && other != null && Math.abs(other / one - 1) > 0.01;

/** What a change does to each figure: [text, better], "" where it does next to nothing. */
function effects({ now, served, plan, set }, each, held) {
  const pair = (one, other, show, smaller) => (changed(one, other) ? [show(one, other), smaller ? other < one : other > one] : ["", null]);
  const times = (one, other) => { const unit = timeUnit(Math.min(one, other)); return `${time(one, 3, unit)} → ${time(other, 3, unit)}`; };
  const relative = (one, other) => signed(other / one - 1);
  const after = { ...each, ...set };
  const cost = [costPerMillion(each, deviceOf(each), now), costPerMillion(after, deviceOf(after), served)];
  const holds = [held, plan.sequences_that_fit];
  return [
    pair(now.ttft_s, served.ttft_s, times, true), pair(now.tpot_s, served.tpot_s, times, true),
    pair(now.output_tokens_per_s, served.output_tokens_per_s, relative, false), pair(...cost, relative, true),
    pair(...holds, (one, other) => `${integer(one)} → ${integer(other)}`, false),
  ];
}

const EFFECTS = ["TTFT", "TPOT", "Output", "Cost", "Max concurrent"];

function Row({ one, stale }) {
  if (!one.plan.fits) return html`<tr key=${one.name}><th scope="row">${one.name}</th><td colspan="5">does not fit</td></tr>`;
  return html`<tr key=${one.name}><th scope="row"><button type="button" disabled=${stale} onClick=${() => apply(one.set)}>${one.name}</button></th>
    ${one.effects.map(([text, better], at) => html`<td data-name=${EFFECTS[at]} class=${better === false ? "worse" : ""}>${text ? `${text}${better ? "" : " ▾"}` : "same"}</td>`)}</tr>`;
}

export function NextChange() {
  const plan = memory.state.value.data;
  // Where nothing runs, the verdict itself shows them.
  if (plan && !plan.fits) return runs(plan) && html`<section class="card" aria-labelledby="next"><h2 id="next">What would make it fit</h2><${Fixes} plan=${plan} /></section>`;
  const { each, rows } = variants.value ?? { rows: [] };
  const found = rows.map((one) => ({ ...one, effects: effects(one, each, plan?.sequences_that_fit) }));
  // A change that betters nothing is no advice, but that half the GPUs do not hold it is worth knowing.
  const shown = found.filter((one) => !one.plan.fits || one.name.startsWith("Without") || one.effects.some(([, better]) => better));
  if (!plan || !shown.length) return null;
  const stale = each !== scenario.value;
  return html`<section class=${`card ${stale ? "stale" : ""}`} aria-busy=${stale} aria-labelledby="next"><h2 id="next">What one change would do</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Single changes"><table class="variants stacked"><thead><tr>${["Change", ...EFFECTS].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${shown.map((one) => html`<${Row} one=${one} stale=${stale} />`)}</tbody></table></div></section>`;
}
