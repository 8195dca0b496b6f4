// Up to four scenarios side by side; only what differs is named, ratios are in words.
import { html } from "../vendor/page/libraries.js";
import { comparisons } from "./api.js";
import { Card } from "./card.js";
import { CHIPS, costPerMillion, rentPerHour, runs, verdict } from "./figures.js";
import { usersOf } from "./memory.js";
import { LOADS } from "./names.js";
import { addScenario, current, DEFAULTS, deviceOf, isExample, LABELS, modelName, names, MOST_SCENARIOS, removeScenario, scenarios, sources, summary } from "./state.js";
import { DASH, count, integer, significant, size, time, timeUnit, usd } from "./numbers.js";

export function Tabs() {
  const all = scenarios.value;
  return html`<div class="tabs" role="group" aria-label="Scenarios">
    ${all.map((each, at) => {
      const name = names.value[at];
      return html`<span class="tab"><button type="button" aria-pressed=${at === current.value} title=${summary(each, sources.value[at])} onClick=${() => { current.value = at; }}>${all.length > 1 ? name : isExample.value ? "Example" : "Scenario"}</button>
        ${all.length > 1 && html`<button type="button" class="close" aria-label=${`Remove scenario ${at + 1}: ${name}`} onClick=${() => removeScenario(at)}>×</button>`}</span>`;
    })}
    ${all.length < MOST_SCENARIOS && html`<button type="button" onClick=${addScenario}>+ Compare</button>`}</div>`;
}

/** "1.4× faster" than the first, in the words of the figure; nothing where they are alike. */
function ratio(value, first, [less, more]) {
  if (!value || !first) return "";
  const times = Math.max(value / first, first / value);
  return times < 1.05 ? "" : `${significant(times, 2)}× ${value < first ? less : more}`;
}

/** A figure beside its likely range, and how it stands to that of the first where the ranges do not overlap. */
function Cell({ value, range, first, show, words, at }) {
  if (value == null) return html`<td>${DASH}</td>`;
  const apart = !range || !first?.range || range.low > first.range.high || range.high < first.range.low;
  const unit = timeUnit(value), told = !at ? "" : apart ? ratio(value, first?.value, words) : "about the same";
  return html`<td>${show(value)} <small>${told}</small>${range && html`<small class="likely">${show(range.low, 2, unit)} to ${show(range.high, 2, unit)}</small>`}</td>`;
}

/** @type {[string, Function, Function, string[]][]} */
const FIGURES = [
  ["TTFT", (one) => [one.served?.ttft_s, one.served?.interval.ttft_s], time, ["faster", "slower"]],
  ["TPOT", (one) => [one.served?.tpot_s, one.served?.interval.tpot_s], time, ["faster", "slower"]],
  ["Output tok/s", (one) => [one.served?.output_tokens_per_s, one.served?.interval.output_tokens_per_s], count, ["less", "more"]],
  ["Max concurrent", (one) => [usersOf(one.plan)], integer, ["fewer", "more"]],
  ["Weights on a GPU", (one) => [one.plan?.per_gpu.weights_bytes], size, ["smaller", "larger"]],
  ["KV cache on a GPU", (one) => [one.plan?.per_gpu.kv_cache_bytes], size, ["smaller", "larger"]],
  ["$ per hour", (one, each) => [one.plan && rentPerHour(each, deviceOf(each))], usd, ["cheaper", "more expensive"]],
  ["$ per M output tokens", (one, each) => [costPerMillion(each, deviceOf(each), one.served)], usd, ["cheaper", "more expensive"]],
];

/** What was left open and came out differently: formats that an engine takes on one GPU and not on another. */
/** @type {[string, string, Function][]} */
const RESOLVED = [
  ["w", "Weights as taken", (one) => one.served?.resolved.weights], ["kv", "KV cache as taken", (one) => one.served?.resolved.kv_cache],
  ["ev", "Rules of the engine", (one) => one.plan && `${one.plan.engine.name} ${one.plan.engine.version}`],
];

function shownValue(key, each, from) {
  if (key === "m") return modelName(each, from);
  if (key === "load") return LOADS[each.load];
  if (key === "g") return deviceOf(each)?.name ?? each.g;
  return each[key] || (key === "w" ? "as published" : "default");
}

export function Compare() {
  if (!comparisons.value || scenarios.value.length < 2) return null;
  const { all, from, answers } = comparisons.value, stale = all !== scenarios.value;
  const differing = Object.keys(DEFAULTS).filter((key) => all.some((each, at) => each[key] !== all[0][key] || (key === "m" && from[at] !== from[0])));
  const shown = answers.map((one) => (runs(one.plan) ? one : { plan: one.plan }));
  const taken = RESOLVED.filter(([key]) => !differing.includes(key)).map(([, name, read]) => [name, answers.map((one) => read(one) ?? DASH)]).filter(([, values]) => new Set(values).size > 1);
  const note = differing.length ? "What is not named is the same in all. Ratios are to the first, where the likely ranges do not overlap." : "Nothing differs yet: change a field of one of them.";
  const values = (read) => shown.map((one, at) => { const [value, range] = read(one, all[at]); return { value, range }; });
  return html`<${Card} id="compare" title="Side by side" wide stale=${stale} note=${note}><div class="scroll" tabindex="0" role="region" aria-label="Scenarios side by side"><table class="compare">
    <thead><tr><th scope="col"><span class="hidden">Figure</span></th>${all.map((_, at) => html`<th scope="col"><span class=${`swatch s${at + 1}`}></span>${names.value[at]}</th>`)}</tr></thead>
    <tbody>${differing.map((key) => html`<tr class="differs"><th scope="row">${LABELS[key]}</th>${all.map((each, at) => html`<td>${shownValue(key, each, from[at])}</td>`)}</tr>`)}
      ${taken.map(([name, values]) => html`<tr class="differs"><th scope="row">${name}</th>${values.map((value) => html`<td>${value}</td>`)}</tr>`)}
      <tr><th scope="row">Memory</th>${answers.map((one) => { const [tone, icon, word] = verdict(one.plan); return html`<td class=${tone}>${one.error ?? `${icon} ${word}`}</td>`; })}</tr>
      ${FIGURES.map(([name, read, show, words]) => { const cells = values(read); return html`<tr><th scope="row">${name}</th>${cells.map((one, at) => html`<${Cell} ...${one} first=${cells[0]} show=${show} words=${words} at=${at} />`)}</tr>`; })}
      <tr><th scope="row">Basis</th>${shown.map((one) => html`<td>${one.served ? html`<span class=${`chip ${one.served.basis.kind}`}>${CHIPS[one.served.basis.kind]}</span>` : DASH}</td>`)}</tr></tbody></table></div><//>`;
}
