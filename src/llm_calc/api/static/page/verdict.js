// The answer first: does it fit, how fast, at what cost, how sure that is, and what single changes would do.
import { html, signal, useEffect } from "../vendor/page/libraries.js";
import { apply, catalog, deviceOf, LISTS, saidOf, scenario } from "./state.js";
import { answered, askAgain, down, estimate, inspection, memory, together, variants } from "./api.js";
import { CHIPS, boundOf, costPerMillion, keeps, overloaded, rentPerHour, runs, spread, verdict } from "./figures.js";
import { explain } from "./explain.js";
import { Dialog, differing, sentence } from "./card.js";
import { refusals, toField } from "./fields.js";
import { changesOf, percentileOf } from "./requests.js";
import { usersOf } from "./memory.js";
import { DASH, count, integer, likelyCount, likelyTime, parsed, percent, significant, size, time, timeUnit, usd } from "./numbers.js";

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

const glossary = signal(false);

/** The words of the page, for who meets them for the first time: one press away. */
export const Glossary = () => html`<${Dialog} open=${glossary} titled="words-title" title="Words"><dl>${LISTS.glossary.map(([word, means]) => html`<dt><b>${word}</b></dt><dd class="note">${means}</dd>`)}</dl><//>`;

const ANNOUNCE_MS = 500;
const announced = signal("");

function Tile({ name, spelt, value, mean, range, under = [], target, opens }) {
  return html`<div class=${`tile ${target ?? ""}`}><dt><b>${name}</b> <span>${spelt}</span></dt><dd>
    <button type="button" class="plain figure" onClick=${() => explain(opens)} aria-label=${`${name} ${value}: how it was computed`}>${value}</button>
    <span class="range">${mean} <span class="likely">${range}</span></span>${under.filter(Boolean).map((each) => html`<span class=${`under ${each === KEPT[target === "met"][1] ? "kept" : ""}`}>${each}</span>`)}</dd></div>`;
}

const KEPT = { true: ["met", "✓ within target"], false: ["missed", "✕ beyond target"], null: [null, ""] };

function TimeTile({ name, spelt, figure, served, reason, target, holds, opens, more }) {
  const value = served?.[figure], range = served?.interval[figure], spread = served?.percentiles?.[figure], late = spread?.p95;
  const kept = reason && target ? false : keeps(holds ? spread?.[holds] ?? value : value, target);
  const [tone, word] = KEPT[reason === "does not fit" ? null : kept];
  const likely = range ? likelyTime(range, value) : value == null ? "" : "range not known";
  return html`<${Tile} name=${name} spelt=${spelt} value=${time(value)} mean=${value != null && !reason && "mean;"} range=${reason || likely} under=${[late != null && `slowest 5 %: ${time(late)}`, more, word]} target=${tone} opens=${opens} />`;
}

function turnsOf(served) {
  const turns = served?.sessions;
  return turns && `first turn ${time(turns.first_turn_ttft_s)}, later ${time(turns.later_turns_ttft_s)}; ${percent(turns.hit_fraction)} of prompts cached`;
}

function CostTile({ each, device, served, reason }) {
  const price = costPerMillion(each, device, served), rent = rentPerHour(each, device), ends = spread(served, "output_tokens_per_s");
  const range = price !== null && ends && `likely ${usd(price / ends[1])}–${usd(price / ends[0])}`;
  const unknown = catalog.value.gpus.length ? "no price known" : "";
  const dated = each.usd === "" ? `, ${device?.price_as_of?.replaceAll("-", "\u2011")}` : ", your price";
  return html`<${Tile} name="Cost" spelt="per million output tokens" value=${usd(price)} range=${reason || (rent === null ? unknown : range)} under=${[rent !== null && `${usd(rent)} an hour${dated}`]} opens="cost" />`;
}

function Tiles({ served, plan, each, device }) {
  const shown = runs(plan) ? served : null, reason = served && plan && !shown ? "does not fit" : "";
  const [bound, share] = shown ? boundOf(shown) : [DASH, reason];
  const waits = overloaded(each, shown), times = waits ? { ...shown, ttft_s: null, percentiles: null } : shown;
  const users = usersOf(plan), output = shown?.interval.output_tokens_per_s;
  const perUser = shown && each.load !== "off" && parsed(each.o) > 1 && `${count(1 / shown.tpot_s)} tok/s for each user`;
  const full = users !== null && `${integer(Math.floor(plan.max_concurrency))} of full length, ${integer(plan.max_model_len_tokens)} tokens`;
  return html`<dl class="tiles">
    <${TimeTile} name="TTFT" spelt="time to first token" figure="ttft_s" served=${times} reason=${waits ? "grows without end" : reason} target=${each.ttft} holds=${percentileOf(each)} opens="ttft" more=${turnsOf(times)} />
    <${TimeTile} name="TPOT" spelt="time per output token" figure="tpot_s" served=${shown} reason=${reason} target=${each.tpot} holds=${percentileOf(each)} opens="tpot" />
    <${Tile} name="Output" spelt="of all requests together" value=${shown ? `${count(shown.output_tokens_per_s)} tok/s` : DASH} range=${reason || (shown && !output ? "range not known" : likelyCount(output))} under=${[perUser]} opens="output" />
    <${Tile} name="Max concurrent" spelt="requests of this length" value=${integer(users)} range=${reason} under=${[full]} opens="users" />
    <${CostTile} each=${each} device=${device} served=${shown} reason=${reason} />
    <${Tile} name="Bound by" spelt="what a token waits for" value=${bound} under=${[share]} opens="step" />
  </dl>`;
}

function nearestText(run) {
  const figures = [["TTFT", run.ttft_s, time], ["TPOT", run.tpot_s, time], ["output", run.output_tokens_per_s, (value) => `${count(value)} tok/s`]];
  const shown = figures.filter(([, value]) => value != null).map(([name, value, show]) => `${name} ${show(value)}`).join(", ");
  return `Nearest published run: ${shown}; ${run.differs.length ? `it differs in ${run.differs.map(differing).join(", ")}` : "it differs in nothing"}.`;
}

function rulesOf(plan) {
  if (!plan) return "";
  const { name, version, rules_read_on: day } = plan.engine;
  return ` Rules of ${name} ${version}${day ? `, read ${day.replaceAll("-", "\u2011")}` : ""}.`;
}

function Basis({ served, plan }) {
  if (!served) return null;
  if (plan && !runs(plan)) return html`<p class="basis note">No speed is shown for what memory cannot hold.</p>`;
  const [known, held] = LISTS.means[served.basis.unseen] ?? LISTS.means.generation, meaning = served.basis.kind === "formula_only" && served.basis.unseen === "row" ? `${known}, not under such a load or with such options` : known, [nearest] = served.basis.nearest;
  const range = served.interval.status === "uncalibrated" ? "Loads of this kind were never measured: the likely ranges are those of kinds that were." : `The likely range held 8 of 10 ${held}.`;
  return html`<p class="basis"><span class=${`chip ${served.basis.kind}`}>${CHIPS[served.basis.kind]}</span> <span class="note">${meaning}. ${range}${rulesOf(plan)} <a href="#wrong" onClick=${jump("wrong")}>How wrong could it be?</a></span>
    ${nearest && html`<span class="note nearest">${nearestText(nearest)}</span>`}</p>`;
}

const UNITS = { bytes: size, s: time, "-": percent };

/** What the answer says of what was said beyond the first fields. */
function Beside({ each, served }) {
  const at = (path) => path.split(".").reduce((part, step) => part?.[step], served);
  return saidOf(each).map(({ title, answers = [] }) => {
    const told = answers.filter(([path]) => at(path) != null).map(([path, name, unit]) => `${(UNITS[unit] ?? count)(at(path))} ${name}`);
    return told.length > 0 && html`<p class="note">${title}: ${told.join(", ")}.</p>`;
  });
}

/** To a card, without touching the link, whose fragment is the state's. */
function jump(id) {
  return (event) => {
    event.preventDefault();
    document.getElementById(id)?.scrollIntoView({ block: "start" });
    document.getElementById(id)?.focus({ preventScroll: true });
  };
}

function headOf({ plan, served, each, refused, busy }) {
  if (refused) return ["unknown", "?", "Not answered", ""];
  if (!plan) return ["unknown", busy ? "…" : "?", busy ? "Computing" : "Unknown", ""];
  const per = plan.per_gpu, [tone, icon, word] = verdict(plan), users = usersOf(plan);
  if (overloaded(each, served) && runs(plan)) return ["warn", "⚠", "Overloaded", `${each.r} requests a second are asked, ${significant(served.requests_per_s)} are served`];
  if (!plan.fits) return [tone, icon, word, users === null ? "" : `memory holds ${integer(users)} of ${integer(plan.asked_sequences)} requests; the others wait`];
  const other = per.memory_bytes - Math.max(0, per.unallocated_bytes) - per.kv_cache_bytes - per.weights_bytes;
  return [tone, icon, word, `weights ${size(per.weights_bytes)} + KV cache ${size(per.kv_cache_bytes)} + other ${size(other)} of ${size(per.memory_bytes)} on each GPU${per.host_weights_bytes > per.weights_bytes / 10 ? `; ${size(per.host_weights_bytes)} of weights with the host, which is slow` : ""}`];
}

const JUMPS = [["quants", "Which quantization fits?"], ["plans", "What to rent"], ["gpus", "Every GPU"]];

/** What was refused, each a way to its field. */
function Refused() {
  return Object.entries(refusals.value).map(([key, text]) => html`<p class="refusal">⚠ ${text} ${key && html`<button type="button" class="small" onClick=${() => toField(key)}>Go to the field</button>`}</p>`);
}

function Down({ at }) {
  return html`<p class="refusal" role="alert">The calculator process does not answer.${at ? ` The numbers below are from ${at.toLocaleTimeString()}.` : ""} <button type="button" class="small" onClick=${askAgain}>Try again</button></p>`;
}

export function Verdict() {
  const { scenario: each, device } = answered.value, { served, plan, at } = together.value;
  const { status: planning } = memory.state.value, { status: serving } = estimate.state.value;
  const refused = [planning, serving].includes("error"), busy = [planning, serving].includes("loading");
  const [tone, icon, word, about] = headOf({ plan, served, each, refused, busy });
  const failed = plan && !runs(plan) && !refused, rough = inspection.state.value.data?.confidence === "approximate";
  useEffect(() => {
    const told = served && runs(plan) ? `, TTFT ${time(served.ttft_s)}, TPOT ${time(served.tpot_s)}` : "";
    const timer = setTimeout(() => { if (!busy) announced.value = `${word}${refused ? "" : told}`; }, ANNOUNCE_MS);
    return () => clearTimeout(timer);
  }, [busy, plan, served, refused]);
  return html`<section class=${`card verdict ${tone} ${busy ? "stale" : refused ? "old" : ""}`} aria-busy=${busy} aria-labelledby="verdict">
    <h2 id="verdict" tabindex="-1"><span class="icon" aria-hidden="true">${icon}</span> ${word}${about && html` <span class="quiet">${about}</span>`}</h2>
    <p class="hidden" aria-live="polite">${announced.value}</p>
    ${failed && html`<p>${sentence(plan.reason)}</p>`}
    ${down.value && html`<${Down} at=${at} />`}
    ${refused && !down.value && html`<${Refused} />`}
    ${refused && served && html`<p class="note">${each === scenario.value ? "" : "The figures are those of the last scenario that was answered."}</p>`}
    ${failed ? html`<h3>What would make it fit</h3><${Fixes} plan=${plan} />` : (served || !refused) && html`<${Tiles} served=${served} plan=${plan} each=${each} device=${device} />`}${served && runs(plan) && html`<${Beside} each=${each} served=${served} />`}<${Basis} served=${served} plan=${plan} />
    <p class="note jumps">${served && JUMPS.map(([id, name]) => html`<a href=${`#${id}`} onClick=${jump(id)}>${name}</a>`)} <button type="button" class="small" aria-haspopup="dialog" onClick=${() => { glossary.value = true; }}>What do these words mean?</button></p>
    ${rough && html`<p class="warning">⚠ Sizes are approximate: <a href="#wrong" onClick=${jump("wrong")}>see the assumptions</a>.</p>`}
    ${plan && runs(plan) && !plan.starts && plan.warnings.slice(0, 1).map((text) => html`<p class="warning">⚠ ${sentence(text)}</p>`)}
    ${served && runs(plan) && served.warnings.slice(0, 2).map((text) => html`<p class="warning">⚠ ${sentence(text)}</p>`)}
  </section>`;
}
