// Up to four scenarios side by side; only what differs is named, ratios are in words.
import { html } from "../vendor/page/libraries.js";
import { comparisons } from "./api.js";
import { Card } from "./card.js";
import { costPerMillion, runs, verdict } from "./figures.js";
import { addScenario, current, DEFAULTS, deviceOf, LETTERS, modelName, MOST_SCENARIOS, removeScenario, scenarios, sources, summary } from "./state.js";
import { DASH, count, significant, size, time, usd } from "./numbers.js";

const NAMES = {
  m: "Model", dh: "Hidden size", df: "Feed-forward width", dl: "Layers", dv: "Vocabulary", dq: "Attention heads", dk: "KV heads",
  w: "Weights", kv: "KV cache", g: "GPU", n: "GPUs", tp: "Tensor parallel", pp: "Pipeline", dp: "Data parallel",
  ep: "Expert parallel", e: "Engine", i: "Input", o: "Output", load: "Load", c: "Concurrent", r: "Arrivals", b: "Batch",
  px: "Shared prefix", len: "Longest context", util: "Memory share", seqs: "Most sequences", ttft: "TTFT target",
  tpot: "TPOT target", usd: "Price of a GPU", bud: "Budget", max: "Most GPUs",
};
const LOADS = { c: "concurrent", r: "arriving at random", b: "one batch", off: "offline queue" };

export function Tabs() {
  const all = scenarios.value;
  return html`<div class="tabs" role="group" aria-label="Scenarios">
    ${all.map((each, at) => {
      const letter = LETTERS[at].toUpperCase();
      return html`<span class="tab"><button type="button" aria-pressed=${at === current.value} title=${summary(each, sources.value[at])} onClick=${() => { current.value = at; }}>${all.length > 1 ? letter : `Scenario ${letter}`}</button>
        ${all.length > 1 && html`<button type="button" class="close" aria-label=${`Remove scenario ${letter}`} onClick=${() => removeScenario(at)}>×</button>`}</span>`;
    })}
    ${all.length < MOST_SCENARIOS && html`<button type="button" onClick=${addScenario}>+ Compare</button>`}</div>`;
}

/** "1.4× faster than A", in the words of the figure; nothing where they are alike. */
function ratio(value, first, [less, more]) {
  if (!value || !first) return "";
  const times = Math.max(value / first, first / value);
  return times < 1.05 ? "" : `${significant(times, 2)}× ${value < first ? less : more}`;
}

const FIGURES = [
  ["TTFT", (one) => one.served?.ttft_s, time, ["faster", "slower"]],
  ["TPOT", (one) => one.served?.tpot_s, time, ["faster", "slower"]],
  ["Output tok/s", (one) => one.served?.output_tokens_per_s, count, ["less", "more"]],
  ["Weights on a GPU", (one) => one.plan?.per_gpu.weights_bytes, size, ["smaller", "larger"]],
  ["KV cache on a GPU", (one) => one.plan?.per_gpu.kv_cache_bytes, size, ["smaller", "larger"]],
  ["M output tokens", (one, each) => costPerMillion(each, deviceOf(each), one.served), usd, ["cheaper", "dearer"]],
];

function shownValue(key, each, at) {
  if (key === "m") return modelName(each, sources.value[at]);
  if (key === "load") return LOADS[each.load];
  return each[key] || (key === "w" ? "as published" : "default");
}

export function Compare() {
  const answers = comparisons.value, all = scenarios.value;
  if (all.length < 2 || answers.length !== all.length) return null;
  const from = sources.value;
  const differing = Object.keys(DEFAULTS).filter((key) => all.some((each, at) => each[key] !== all[0][key] || (key === "m" && from[at] !== from[0])));
  const shown = (one) => (runs(one.plan) ? one : { plan: one.plan });
  return html`<${Card} id="compare" title="Side by side" wide note=${differing.length ? "What is not named is the same in all. Ratios are to A." : "Nothing differs yet: change a field of one of them."}><div class="scroll" tabindex="0" role="region" aria-label="Scenarios side by side"><table class="compare">
    <thead><tr><th scope="col"><span class="hidden">Figure</span></th>${all.map((_, at) => html`<th scope="col"><span class=${`swatch s${at === current.value ? 1 : at + 2}`}></span>${LETTERS[at].toUpperCase()}</th>`)}</tr></thead>
    <tbody>${differing.map((key) => html`<tr class="differs"><th scope="row">${NAMES[key]}</th>${all.map((each, at) => html`<td>${shownValue(key, each, at)}</td>`)}</tr>`)}
      <tr><th scope="row">Memory</th>${answers.map((one) => { const [tone, icon, word] = verdict(one.plan); return html`<td class=${tone}>${one.error ?? `${icon} ${word}`}</td>`; })}</tr>
      ${FIGURES.map(([name, read, show, words]) => html`<tr><th scope="row">${name}</th>${answers.map((one, at) => { const value = read(shown(one), all[at]); return html`<td>${value == null ? DASH : show(value)} <small>${at ? ratio(value, read(shown(answers[0]), all[0]), words) : ""}</small></td>`; })}</tr>`)}</tbody></table></div><//>`;
}
