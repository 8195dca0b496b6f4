// The page: puts form and cards together, keeps the link, listens to keys.
import { effect, html, render, signal } from "../vendor/page/libraries.js";
import {
  addScenario, current, linkedData, scenarios, sources, theme, unknownKeys, version,
} from "./state.js";
import { follow, loadCatalog } from "./api.js";
import { Compare, Tabs } from "./compare.js";
import { HowWrong } from "./evidence.js";
import { Computed, explain } from "./explain.js";
import { copy } from "./files.js";
import { Form, unfolded } from "./form.js";
import { EveryGpu } from "./gpus.js";
import { Memory, WhatIf } from "./memory.js";
import { Plans } from "./plans.js";
import { Share, link, open, remember } from "./share.js";
import { Budget, Pareto, Roofline, Throughput } from "./speed.js";
import { fromLink, toLink } from "./url.js";
import { NextChange, Verdict } from "./verdict.js";

const LINK_MS = 300;
const REMEMBER_MS = 4000;
const THEMES = { auto: "light dark", light: "light", dark: "dark" };
const NEXT_THEME = { auto: "dark", dark: "light", light: "auto" };
const help = signal(false);
const notice = signal("");
const SHORTCUTS = [["/", "model"], ["g", "GPU"], ["c", "compare with a copy"], ["s", "copy link"], ["e", "explain the figure in focus"], ["t", "theme"], ["d", "data of the chart in focus"], ["?", "this list"], ["Esc", "close"]];

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
  linkedData.value = found.data;
  current.value = Math.min(current.value, found.scenarios.length - 1);
  sources.value = found.sources;
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
  const figure = document.activeElement?.closest(".tile")?.querySelector(".figure");
  if (figure) figure.click();
  else explain("ttft");
}

const ACTS = {
  "/": () => focus("f-m"), g: () => focus("f-g"), c: addScenario, t: turnTheme, e: explainFocused,
  s: async () => { await copy(link()); notice.value = "Link copied"; }, "?": () => { help.value = !help.value; },
};

function press(event) {
  if (event.key === "Escape") help.value = false;
  if (event.target.closest("input:not([type=checkbox]), select, textarea, dialog") || keysOff.value) return;
  if (event.ctrlKey || event.metaKey || event.altKey || !ACTS[event.key]) return;
  event.preventDefault();
  ACTS[event.key]();
}

function Help() {
  const turn = (event) => { keysOff.value = !event.target.checked; keep("keys", keysOff.value ? "off" : "on"); };
  return help.value && html`<section class="card help" aria-label="Keys"><h2>Keys</h2>
    <dl class="keys">${SHORTCUTS.map(([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`)}</dl>
    <p class="note">In a chart, arrow keys walk the points and Enter takes the load of a point.</p>
    <label><input type="checkbox" checked=${!keysOff.value} onChange=${turn} /> Single keys work</label></section>`;
}

function Banners() {
  const [linked, now] = [linkedData.value, version.value?.data_version];
  return html`${unknownKeys.value.length > 0 && html`<p class="card warning">⚠ Parts of the link that this version does not know: ${unknownKeys.value.join(", ")}</p>`}
    ${linked && now && linked !== now && html`<p class="card warning">⚠ The data changed since this link was made (${linked}, now ${now}): figures may differ.</p>`}`;
}

function Page() {
  return html`<header><a class="name" href="./">llm-calc</a><span class="quiet tagline">what an LLM needs of GPUs, and how sure that is</span>
      <nav aria-label="Page"><button type="button" onClick=${() => { open.value = true; }}>Share</button><button type="button" onClick=${turnTheme} aria-label=${`Theme: ${theme.value}`}>Theme</button><button type="button" class="keys-button" aria-expanded=${help.value} onClick=${ACTS["?"]}>Keys</button><a href="docs">API</a></nav></header>
    <main><aside><${Tabs} /><${Form} /></aside><div class="answers">
      <h1 class="hidden">Memory, speed and cost of a language model on GPUs</h1>
      <${Banners} /><p class="hidden" aria-live="polite">${notice.value}</p>
      <${Help} /><${Verdict} /><${NextChange} /><${Compare} />
      <div class="grid"><${Memory} /><${WhatIf} /><${Throughput} /><${Pareto} /><${Roofline} /><${Budget} /><${EveryGpu} /><${Plans} /><${Computed} /><${HowWrong} /></div></div></main>
    <${Share} /><footer class="quiet">Memory in GiB (2³⁰ bytes), as drivers report it. Nothing that you enter is stored by the service. ${version.value && html`Version ${version.value.version}, data ${version.value.data_version}.`} <a href="docs">API</a> · <a href="openapi.json">OpenAPI</a></footer>`;
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
    const next = toLink(scenarios.value, sources.value);
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
