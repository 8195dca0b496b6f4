// The page: puts form and cards together, keeps the link, listens to keys.
import { effect, html, render, signal } from "../vendor/page/libraries.js";
import {
  addScenario, current, LETTERS, linkedData, LISTS, look, scenario, scenarios, source, sources, summary, theme, unknownKeys, version, view,
} from "./state.js";
import { begun, estimate, follow, loadCatalog } from "./api.js";
import { Compare, Tabs } from "./compare.js";
import { HowWrong } from "./evidence.js";
import { Computed, explain } from "./explain.js";
import { Dialog } from "./card.js";
import { copy } from "./files.js";
import { Form } from "./form.js";
import { unfolded } from "./fields.js";
import { WhichQuant } from "./fit.js";
import { EveryGpu } from "./gpus.js";
import { Memory, WhatIf } from "./memory.js";
import { Plans } from "./plans.js";
import { Share, link, open, remember } from "./share.js";
import { Budget, Pareto, Roofline, Throughput } from "./speed.js";
import { fromLink, toLink } from "./url.js";
import { Glossary, NextChange, Verdict } from "./verdict.js";

const LINK_MS = 300;
const REMEMBER_MS = 4000;
const THEMES = { auto: "light dark", light: "light", dark: "dark" };
const NEXT_THEME = { auto: "dark", dark: "light", light: "auto" };
const help = signal(false);
const brokenPart = signal(false);
const notice = signal("");
/** What the browser keeps between visits; a closed storage keeps nothing. */
function kept(key, fallback) {
  try { return localStorage.getItem(`llm-calc.${key}`) ?? fallback; } catch { return fallback; }
}

function keep(key, value) {
  try { localStorage.setItem(`llm-calc.${key}`, value); } catch { /* nothing is kept then */ }
}

const keysOff = signal(kept("keys", "on") === "off");

function read() {
  const found = fromLink(location.search, location.hash);
  unknownKeys.value = found.unknown;
  brokenPart.value = found.broken;
  linkedData.value = found.data;
  view.value = found.view;
  current.value = Math.max(0, Math.min(LETTERS.indexOf(found.view.tab), found.scenarios.length - 1));
  // A file that was too long for the link is still here where one only went back.
  const here = new Map(sources.peek().filter((each) => each?.content).map((each) => [each.name, each]));
  sources.value = found.sources.map((each) => (each && !each.content ? here.get(each.name) ?? each : each));
  scenarios.value = found.scenarios;
}

function turnTheme() {
  theme.value = NEXT_THEME[theme.value];
}

function focus(id) {
  unfolded.value = true;
  requestAnimationFrame(() => document.getElementById(id)?.focus());
}

/** The figure that has the focus, else all of them. */
function explainFocused() {
  const figure = /** @type {HTMLElement | null} */ (document.activeElement?.closest(".tile")?.querySelector(".figure"));
  if (figure) figure.click();
  else explain("ttft");
}

const ACTS = {
  "/": () => focus("f-m"), g: () => focus("f-g"), c: addScenario, t: turnTheme, e: explainFocused,
  s: async () => { notice.value = (await copy(link())) ? "Link copied" : "The browser gives no clipboard: see Share"; }, "?": () => { help.value = !help.value; },
};

function press(event) {
  if (event.target.closest("input:not([type=checkbox]), select, textarea, dialog") || keysOff.value) return;
  if (event.ctrlKey || event.metaKey || event.altKey || !ACTS[event.key]) return;
  event.preventDefault();
  ACTS[event.key]();
}

function Help() {
  const turn = (event) => { keysOff.value = !event.target.checked; keep("keys", keysOff.value ? "off" : "on"); };
  return html`<${Dialog} open=${help} titled="keys-title" title="Keys">
    <dl class="keys">${LISTS.keys.map(([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`)}</dl>
    <p class="note">In a chart, left and right walk the points, up and down change the series, Enter takes the load of a point.</p>
    <label><input type="checkbox" checked=${!keysOff.value} onChange=${turn} /> Single keys work</label><//>`;
}

function Banners() {
  const strange = [...unknownKeys.value.map((pair) => pair.join("=")), ...(brokenPart.value ? ["the part after #"] : [])];
  const [linked, now] = [linkedData.value, version.value?.data_version];
  return html`${strange.length > 0 && html`<p class="card warning">⚠ Parts of the link that were not used, unknown to this version or said again: ${strange.join(", ")}</p>`}
    ${linked && now && linked !== now && html`<p class="card warning">⚠ The data changed since this link was made (${linked}, now ${now}): figures may differ.</p>`}`;
}

function jump(event) {
  event.preventDefault();
  document.getElementById("verdict")?.focus();
}

function Page() {
  // First stands what is asked most: on a machine of one's own which quantization fits, for a service what to rent.
  const own = LISTS.own.includes(scenario.value.e), service = !own && scenario.value.load === "r";
  // Where nothing was answered yet, every card would only repeat the refusal.
  const nothing = estimate.state.value.error && !estimate.state.value.data;
  return html`<a class="skip" href="#verdict" onClick=${jump}>Skip to the results</a><header><a class="name" href="./">llm-calc</a><span class="quiet tagline">GPU memory, speed and cost of LLM inference, with their likely ranges</span>
      <nav aria-label="Page"><button type="button" onClick=${() => { open.value = true; }}>Share</button><button type="button" onClick=${turnTheme} >Theme: ${theme.value}</button><button type="button" class="keys-button" aria-haspopup="dialog" onClick=${ACTS["?"]}>Keys</button><a href="docs" class="api">API</a></nav></header>
    <main><aside><${Tabs} /><${Form} /></aside><div class="answers">
      <h1 class="hidden">Memory, speed and cost of a language model on GPUs</h1>
      <p class="printed">${scenarios.value.map((each, at) => `${scenarios.value.length > 1 ? `${at + 1}: ` : ""}${summary(each, sources.value[at])}`).join("; ")}</p>
      <${Banners} /><p class="hidden" aria-live="polite">${notice.value}</p>
      <${Verdict} />${begun.value && !nothing && html`<${NextChange} /><${Compare} />
      <div class="grid">${own && html`<${WhichQuant} />`}${service && html`<${Plans} />`}<${Memory} /><${WhatIf} /><${Throughput} /><${Pareto} /><${Roofline} /><${Budget} /><${EveryGpu} />${!service && html`<${Plans} />`}${!own && html`<${WhichQuant} />`}<${Computed} /><${HowWrong} /></div>`}${!begun.value && html`<p class="note">What else follows: single changes, memory, speed under load, plans.</p>`}</div></main>
    <${Share} /><${Help} /><${Glossary} />${begun.value && html`<footer class="quiet">Memory in GiB (2³⁰ bytes), as drivers report it. Nothing that you enter is stored by the service. ${version.value && html`Version ${version.value.version}, data ${version.value.data_version}.`} <a href="docs">API</a> · <a href="openapi.json">OpenAPI</a></footer>`}`;
}

let writing, remembering;

function start() {
  theme.value = kept("theme", "auto");
  read();
  effect(() => {
    document.documentElement.style.colorScheme = THEMES[theme.value] ?? THEMES.auto;
    keep("theme", theme.value);
  });
  effect(() => {
    if (view.value.tab !== LETTERS[current.value]) look({ tab: LETTERS[current.value] });
    const next = toLink(scenarios.value, sources.value, view.value, "", unknownKeys.value);
    document.title = `${summary(scenario.value, source.value)} – llm-calc`;
    clearTimeout(writing);
    clearTimeout(remembering);
    writing = setTimeout(() => history.replaceState(null, "", `${location.pathname}${next}`), LINK_MS);
    remembering = setTimeout(remember, REMEMBER_MS);
  });
  addEventListener("popstate", read);
  addEventListener("keydown", press);
  render(html`<${Page} />`, document.getElementById("page"));
  follow();
  loadCatalog();
}

start();
