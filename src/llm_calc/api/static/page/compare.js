// Up to four scenarios side by side; only what differs is named, ratios are in words.
import { html } from "../vendor/page/libraries.js";
import { comparisons } from "./api.js";
import { Card } from "./cards.js";
import { addScenario, catalog, current, DEFAULTS, LETTERS, MOST_SCENARIOS, removeScenario, scenarios } from "./state.js";
import { DASH, count, significant, size, time, usd } from "./numbers.js";
import { costPerMillion, verdict } from "./verdict.js";

const NAMES = {
  m: "Model", w: "Weights", kv: "KV cache", g: "GPU", n: "GPUs", tp: "Tensor parallel", pp: "Pipeline", dp: "Data parallel",
  ep: "Expert parallel", e: "Engine", i: "Input", o: "Output", load: "Load", c: "Concurrent", r: "Arrivals", b: "Batch",
  px: "Shared prefix", len: "Longest context", ttft: "First token within", tpot: "Next token within", usd: "Price",
};

export function Tabs() {
  const all = scenarios.value;
  return html`<div class="tabs" role="group" aria-label="Scenarios">
    ${all.map((_, at) => html`<span class="tab"><button type="button" aria-pressed=${at === current.value} onClick=${() => { current.value = at; }}>Scenario ${LETTERS[at].toUpperCase()}</button>
      ${all.length > 1 && html`<button type="button" class="close" aria-label=${`Remove scenario ${LETTERS[at].toUpperCase()}`} onClick=${() => removeScenario(at)}>×</button>`}</span>`)}
    ${all.length < MOST_SCENARIOS && html`<button type="button" onClick=${addScenario}>Compare with a copy</button>`}</div>`;
}

function ratio(value, first, smallerIsBetter) {
  if (!value || !first || value === first) return "";
  const better = smallerIsBetter ? value < first : value > first;
  const times = Math.max(value / first, first / value);
  return times < 1.005 ? "" : `${significant(times, 2)}× ${better ? "better" : "worse"} than A`;
}

export function Compare() {
  const answers = comparisons.value, all = scenarios.value;
  if (all.length < 2 || answers.length !== all.length) return null;
  const differing = Object.keys(DEFAULTS).filter((key) => all.some((each) => each[key] !== all[0][key]));
  const device = (each) => catalog.value.gpus.find((row) => row.id === each.g.toLowerCase() || row.aliases.includes(each.g.toLowerCase()));
  const figures = [
    ["First token", (one) => one.served?.ttft_s, time, true], ["Further token", (one) => one.served?.tpot_s, time, true],
    ["Output tok/s", (one) => one.served?.output_tokens_per_s, count, false],
    ["Weights per GPU", (one) => one.plan?.per_gpu.weights_bytes, size, true], ["KV cache per GPU", (one) => one.plan?.per_gpu.kv_cache_bytes, size, false],
    ["M output tokens", (one, at) => costPerMillion(all[at], device(all[at]), one.served), usd, true],
  ];
  return html`<${Card} id="compare" title="Side by side" wide><div class="scroll" tabindex="0" role="region" aria-label="Scenarios side by side"><table>
    <thead><tr><th scope="col"><span class="hidden">Figure</span></th>${all.map((_, at) => html`<th scope="col">${LETTERS[at].toUpperCase()}</th>`)}</tr></thead>
    <tbody>${differing.map((key) => html`<tr class="differs"><th scope="row">${NAMES[key]}</th>${all.map((each) => html`<td>${each[key] || "auto"}</td>`)}</tr>`)}
      <tr><th scope="row">Memory</th>${answers.map((one) => { const [tone, icon, word] = verdict(one.plan); return html`<td class=${tone}>${one.error ?? html`${icon} ${word}`}</td>`; })}</tr>
      ${figures.map(([name, read, show, small]) => html`<tr><th scope="row">${name}</th>${answers.map((one, at) => { const value = read(one, at); return html`<td>${value == null ? DASH : show(value)} <small>${at ? ratio(value, read(answers[0], 0), small) : ""}</small></td>`; })}</tr>`)}</tbody></table></div><//>`;
}
