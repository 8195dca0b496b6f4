// Links, exports, and the curl and command that give the same answer; recent scenarios stay in the browser.
import { html, signal } from "../vendor/page/libraries.js";
import { curve, estimate, inspection, memory } from "./api.js";
import { Dialog } from "./card.js";
import { costPerMillion, runs } from "./figures.js";
import { asCsv, copy, download } from "./files.js";
import * as requests from "./requests.js";
import { gpu, scenario, scenarios, source, sources, summary, unknownKeys, version, view } from "./state.js";
import { count, likelyTime, size, time, usd } from "./numbers.js";
import { toLink, travels } from "./url.js";

const RECENT = "llm-calc.recent";
const MOST_RECENT = 8;
export const open = signal(false);
const told = signal("");

/** The link of everything on the page, with the version of the data that answered. */
export function link() {
  return `${location.origin}${location.pathname}${toLink(scenarios.value, sources.value, view.value, version.value?.data_version, unknownKeys.value)}`;
}

const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curl() {
  const body = requests.textOf(requests.deployment(scenario.value, source.value), 2);
  return `curl -s ${location.origin}/api/serving_estimate -H 'content-type: application/json' -d ${shell(body)}`;
}

/** The whole scenario as a command: a link says everything that the page can say. */
function command() {
  return `llm-calc estimate --link ${shell(`${location.origin}${location.pathname}${toLink([scenario.value], [source.value])}`)}`;
}

/** Name and link, with each figure, its likely range, what it rests on, and the date of the data. */
function markdown() {
  const served = estimate.state.value.data, plan = memory.state.value.data, { ttft_s: first, tpot_s: next } = served.interval;
  const cost = costPerMillion(scenario.value, gpu.value, served);
  const figures = runs(plan)
    ? [`TTFT ${time(served.ttft_s)}${within(first, served.ttft_s)}`, `TPOT ${time(served.tpot_s)}${within(next, served.tpot_s)}`, `${count(served.output_tokens_per_s)} tok/s`, cost === null ? "" : `${usd(cost)} per M output tokens`, `weights ${size(plan.per_gpu.weights_bytes)} a GPU`, served.basis.kind.replace("_", " ")]
    : ["does not fit"];
  return `[${summary(scenario.value, source.value).replace(/[[\]\\]/g, "\\$&")}](${link()}): ${figures.filter(Boolean).join(", ")} (data ${served.basis.data_version})`;
}

const within = (range, value) => (range ? ` (${likelyTime(range, value)})` : "");

function asJson() {
  const answers = { memory_plan: memory.state.value.data, serving_estimate: estimate.state.value.data, inspect_model: inspection.state.value.data };
  const whole = { link: link(), version: version.value, request: requests.deployment(scenario.value, source.value), ...answers };
  download("llm-calc.json", requests.textOf(whole, 2), "application/json");
}

const UNITS = [["_tokens_per_s_per_gpu", "tokens/s"], ["_tokens_per_s", "tokens/s"], ["_per_s_per_gpu", "1/s"], ["_per_s", "1/s"], ["_bytes", "bytes"], ["_s", "s"]];
const unitOf = (key) => UNITS.find(([end]) => key.endsWith(end))?.[1] ?? "";

function figures() {
  const served = estimate.state.value.data, plan = memory.state.value.data, rows = [];
  const ranges = served?.interval ?? {};
  for (const [key, value] of Object.entries(served ?? {})) if (typeof value === "number") rows.push([key, unitOf(key), value, ranges[key]?.low, ranges[key]?.high]);
  for (const [key, value] of Object.entries(plan?.per_gpu ?? {})) rows.push([`per_gpu.${key}`, unitOf(key), value]);
  for (const key of ["kv_cache_tokens", "max_concurrency", "max_context_tokens"]) if (plan) rows.push([key, "", plan[key]]);
  for (const row of curve.state.value.data ?? []) for (const key of ["ttft_s", "tpot_s", "output_tokens_per_s"]) if (!row.error) rows.push([`${key} at concurrency ${row["workload.concurrency"]}`, unitOf(key), row[key]]);
  return rows;
}

const table = () => asCsv("llm-calc", ["figure", "unit", "value", "likely low", "likely high"], figures());

function recent() {
  try { return JSON.parse(localStorage.getItem(RECENT) ?? "[]"); } catch { return []; }
}

/** Keep what was looked at, newest first; nothing leaves the browser. */
export function remember() {
  const entry = { name: summary(scenario.peek(), source.peek()), link: toLink([scenario.peek()], [source.peek()]) };
  const kept = [entry, ...recent().filter((old) => old.link !== entry.link)].slice(0, MOST_RECENT);
  try { localStorage.setItem(RECENT, JSON.stringify(kept)); } catch { /* a full or closed storage keeps nothing */ }
}

function forget() {
  localStorage.removeItem(RECENT);
  told.value = "Forgotten";
}

const LOOPBACK = /^(127\.|localhost$|\[::1\]$)/;

export function Share() {
  const take = async (text, what) => { told.value = (await copy(text)) ? `${what} copied` : "The browser gives no clipboard: select the text and press Ctrl+C"; };
  const kept = open.value ? recent() : [], ready = estimate.state.value.status === "ready" && memory.state.value.status === "ready";
  return html`<${Dialog} open=${open} titled="share-title" title="Share or take away" onClose=${() => { told.value = ""; }}>
    <p class="pair"><label for="link" class="hidden">Link</label><input id="link" readonly value=${link()} onFocus=${(event) => event.target.select()} /><button type="button" class="main" onClick=${() => take(link(), "Link")}>Copy link</button></p>
    <p class="note">The link is the whole state; the service stores nothing. ${sources.value.some(Boolean) ? "A pasted file travels after #, which no server sees." : ""} ${sources.value.every(travels) ? "" : "⚠ The file is too long for a link: send it along."} ${LOOPBACK.test(location.hostname) ? "This address opens on this computer only: to others, send the command or the Markdown." : ""}</p>
    <p class="acts"><button type="button" onClick=${() => take(curl(), "curl")}>Copy curl</button><button type="button" onClick=${() => take(command(), "Command")}>Copy command line</button><button type="button" disabled=${!ready} onClick=${() => take(markdown(), "Markdown")}>Copy Markdown</button></p>
    <p class="acts"><button type="button" disabled=${!ready} onClick=${asJson}>Answers as JSON</button><button type="button" disabled=${!ready} onClick=${table}>Figures as CSV</button></p>
    <p class="note">Each chart has its own CSV, PNG and SVG under Data. ${ready ? "" : "⚠ The scenario as it stands has no answer yet: nothing of it can be taken away."}</p>
    <details><summary>curl</summary><pre tabindex="0">${curl()}</pre></details><details><summary>Command line</summary><pre tabindex="0">${command()}</pre></details>
    ${kept.length > 0 && html`<div class="head"><h3>Recent, kept in this browser only</h3><button type="button" class="small" onClick=${forget}>Forget</button></div><ul>${kept.map((each) => html`<li><a href=${`${location.pathname}${each.link}`}>${each.name}</a></li>`)}</ul>`}
    <p aria-live="polite" class="note">${told.value}</p><//>`;
}
