// The page: puts form and cards together, keeps the link, listens to keys.
import { effect, html, render, signal } from "../vendor/page/libraries.js";
import { addScenario, catalog, current, scenarios, sources, theme, unknownKeys } from "./state.js";
import { follow, loadCatalog } from "./api.js";
import { Form, unfolded } from "./form.js";
import { NextChange, Verdict } from "./verdict.js";
import { Budget, Computed, EveryGpu, FitMap, HowWrong, Memory, Pareto, Roofline, Throughput } from "./cards.js";
import { Compare, Tabs } from "./compare.js";
import { Plans, copy } from "./plans.js";
import { Share, link, open, remember } from "./share.js";
import { fromLink, toLink } from "./url.js";

const LINK_MS = 300;
const REMEMBER_MS = 4000;
const THEMES = { auto: "light dark", light: "light", dark: "dark" };
const help = signal(false);
const notice = signal("");
const SHORTCUTS = [["/", "model"], ["g", "GPU"], ["c", "compare with a copy"], ["s", "copy link"], ["t", "theme"], ["e", "how it was computed"], ["?", "this list"], ["Esc", "close"]];
const keysOff = signal(localStorage.getItem("llm-calc.keys") === "off");

function read() {
  const found = fromLink(location.search, location.hash);
  unknownKeys.value = found.unknown;
  sources.value = found.sources;
  current.value = Math.min(current.value, found.scenarios.length - 1);
  scenarios.value = found.scenarios;
}

function turnTheme() {
  theme.value = { auto: "dark", dark: "light", light: "auto" }[theme.value];
}

function focus(id) {
  unfolded.value = true;
  requestAnimationFrame(() => document.getElementById(id)?.focus());
}

function explain() {
  for (const each of document.querySelectorAll("details.formula")) each.open = true;
  document.getElementById("computed")?.scrollIntoView({ block: "start" });
}

const ACTS = { "/": () => focus("f-m"), g: () => focus("f-g"), c: addScenario, t: turnTheme, e: explain, s: () => copy(link(), () => { notice.value = "Link copied"; }), "?": () => { help.value = !help.value; } };

function press(event) {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "Escape") help.value = false;
  if (typing || keysOff.value || event.ctrlKey || event.metaKey || event.altKey || !ACTS[event.key]) return;
  event.preventDefault();
  ACTS[event.key]();
}

function Help() {
  return help.value && html`<section class="card help" aria-label="Keys"><h2>Keys</h2><dl class="keys">${SHORTCUTS.map(([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`)}</dl>
    <label><input type="checkbox" checked=${!keysOff.value} onChange=${(event) => { keysOff.value = !event.target.checked; localStorage.setItem("llm-calc.keys", keysOff.value ? "off" : "on"); }} /> Single keys work</label></section>`;
}

function Page() {
  return html`<header><a class="name" href="/">llm-calc</a><span class="quiet tagline">LLM inference calculator</span><nav aria-label="Page">
      <button type="button" onClick=${() => { open.value = true; }}>Share</button><button type="button" onClick=${turnTheme} title=${`Theme: ${theme.value}`}>Theme<span class="hidden">: ${theme.value}</span></button><a href="docs">API</a></nav></header>
    <main><aside><${Tabs} /><${Form} /></aside><div class="answers">
      <h1 class="hidden">Memory, speed and cost of a language model on GPUs</h1>
      ${unknownKeys.value.length > 0 && html`<p class="card warning">⚠ Parts of the link that this version does not know: ${unknownKeys.value.join(", ")}</p>`}
      <p class="hidden" aria-live="polite">${notice.value}</p>
      <${Help} /><${Verdict} /><${NextChange} /><${Compare} />
      <div class="grid"><${Memory} /><${FitMap} /><${Throughput} /><${Pareto} /><${Roofline} /><${Budget} /><${Plans} /><${EveryGpu} /><${Computed} /><${HowWrong} /></div></div></main>
    <${Share} /><footer class="quiet">Memory in GiB (2³⁰ bytes), as drivers report it. Nothing of what you enter is stored. <a href="docs">API</a> · <a href="openapi.json">OpenAPI</a></footer>`;
}

let writing, remembering;

function start() {
  theme.value = localStorage.getItem("llm-calc.theme") ?? "auto";
  read();
  effect(() => {
    document.documentElement.style.colorScheme = THEMES[theme.value];
    localStorage.setItem("llm-calc.theme", theme.value);
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
  loadCatalog(catalog);
}

start();
