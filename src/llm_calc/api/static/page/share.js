// Links, exports and the curl that gives the same answer; recent scenarios stay in the browser.
import { html, signal, useEffect, useRef } from "../vendor/page/libraries.js";
import { curve, estimate, inspection, memory } from "./api.js";
import * as requests from "./requests.js";
import { scenario, scenarios, source, sources } from "./state.js";
import { copy } from "./plans.js";
import { summary } from "./form.js";
import { toLink } from "./url.js";

const RECENT = "llm-calc.recent";
const MOST_RECENT = 8;
export const open = signal(false);
const told = signal("");

export function link() {
  return `${location.origin}${location.pathname}${toLink(scenarios.value, sources.value)}`;
}

export function curl() {
  const body = JSON.stringify(requests.deployment(scenario.value, source.value), null, 2).replaceAll("'", "'\\''");
  return `curl -s ${location.origin}/api/serving_estimate -H 'content-type: application/json' -d '${body}'`;
}

function command() {
  const each = scenario.value, load = { c: ["--concurrency", each.c], r: ["--request-rate", each.r], b: ["--batch", each.b], off: ["--offline"] }[each.load];
  const flags = [["--count", each.n], ["--weights", each.w], ["--kv-cache", each.kv === "auto" ? "" : each.kv], ["--tensor", each.tp], ["--pipeline", each.pp], ["--data", each.dp], ["--expert", each.ep], ["--engine", each.e], ["--input-tokens", each.i], ["--output-tokens", each.o]];
  return ["llm-calc estimate", source.value ? "config.json" : each.m, each.g, ...flags.filter(([, value]) => value).flat(), ...load].join(" ");
}

function download(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const anchor = Object.assign(document.createElement("a"), { href: url, download: name });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function asJson() {
  const answers = { memory_plan: memory.state.value.data, serving_estimate: estimate.state.value.data, inspect_model: inspection.state.value.data };
  download("llm-calc.json", JSON.stringify({ link: link(), request: requests.deployment(scenario.value, source.value), ...answers }, null, 2), "application/json");
}

const cell = (value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));

function asCsv() {
  const served = estimate.state.value.data, plan = memory.state.value.data;
  const rows = [["figure", "value"]];
  for (const key of ["ttft_s", "tpot_s", "request_latency_s", "output_tokens_per_s", "requests_per_s"]) rows.push([key, served?.[key] ?? ""]);
  for (const [key, value] of Object.entries(plan?.per_gpu ?? {})) rows.push([`per_gpu.${key}`, value]);
  for (const row of curve.state.value.data ?? []) if (!row.error) rows.push([`output_tokens_per_s at concurrency ${row["workload.concurrency"]}`, row.output_tokens_per_s]);
  download("llm-calc.csv", rows.map((row) => row.map(cell).join(",")).join("\n"), "text/csv");
}

/** The chart of a card as a PNG of twice its size, with the styles of the page set on each mark. */
async function asPng() {
  const svg = document.querySelector("#throughput")?.closest("section").querySelector("svg");
  if (!svg) return;
  const copyOf = svg.cloneNode(true);
  const [from, to] = [svg, copyOf].map((root) => [root, ...root.querySelectorAll("*")]);
  from.forEach((element, at) => {
    const style = getComputedStyle(element);
    for (const name of ["fill", "stroke", "stroke-width", "opacity", "fill-opacity", "font", "stroke-dasharray"]) to[at].style.setProperty(name, style.getPropertyValue(name));
  });
  copyOf.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copyOf))}`;
  await picture.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: svg.clientWidth * 2, height: svg.clientHeight * 2 });
  const paint = canvas.getContext("2d");
  paint.fillStyle = getComputedStyle(document.body).backgroundColor;
  paint.fillRect(0, 0, canvas.width, canvas.height);
  paint.drawImage(picture, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => download("llm-calc-throughput.png", blob, "image/png"));
}

export function recent() {
  try { return JSON.parse(localStorage.getItem(RECENT) ?? "[]"); } catch { return []; }
}

/** Keep what was looked at, newest first; nothing leaves the browser. */
export function remember() {
  const each = scenario.peek();
  const entry = { name: summary(each, source.peek() ? source.peek().name : each.m), link: toLink([each], [source.peek()]) };
  const kept = [entry, ...recent().filter((old) => old.link !== entry.link)].slice(0, MOST_RECENT);
  try { localStorage.setItem(RECENT, JSON.stringify(kept)); } catch { /* a full or closed storage keeps nothing */ }
}

export function Share() {
  const box = useRef(null);
  useEffect(() => { if (open.value && !box.current.open) box.current.showModal(); if (!open.value) box.current.close(); });
  const take = (text, what) => copy(text, () => { told.value = `${what} copied`; });
  return html`<dialog ref=${box} aria-labelledby="share-title" onClose=${() => { open.value = false; told.value = ""; }}>
    <h2 id="share-title">Share this scenario</h2>
    ${open.value && html`<p><label for="link">Link</label><input id="link" readonly value=${link()} onFocus=${(event) => event.target.select()} /></p>
    <p class="acts"><button type="button" class="main" onClick=${() => take(link(), "Link")}>Copy link</button><button type="button" onClick=${() => take(curl(), "curl")}>Copy curl</button><button type="button" onClick=${() => take(command(), "Command")}>Copy command line</button></p>
    <p class="acts"><button type="button" onClick=${asJson}>JSON</button><button type="button" onClick=${asCsv}>CSV</button><button type="button" onClick=${asPng}>PNG of the chart</button></p>
    <details><summary>curl</summary><pre tabindex="0">${curl()}</pre></details>
    ${recent().length > 0 && html`<h3>Recent, kept in this browser only</h3><ul>${recent().map((each) => html`<li><a href=${`${location.pathname}${each.link}`}>${each.name}</a></li>`)}</ul>`}`}
    <p aria-live="polite">${told.value}</p>
    <form method="dialog"><button>Close</button></form></dialog>`;
}
