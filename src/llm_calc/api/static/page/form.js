// The scenario: what is asked. Units stand in the fields, refusals beside the field that caused them.
import { computed, html, signal } from "../vendor/page/libraries.js";
import {
  apply, BESIDE, catalog, change, CUSTOM, DEFAULTS, current, ENGINE_FLAGS, gpu, isExample, keepFocus, LINKS, LISTS, model, named, names, scenario, scenarios, setSource, source, summary, within,
} from "./state.js";
import { estimate, memory } from "./api.js";
import { Choices } from "./card.js";
import { Field, Fold, Further, refusals, same, unfolded } from "./fields.js";
import { headerOf } from "./gguf.js";
import { LOADS } from "./names.js";
import { count, significant, usd } from "./numbers.js";

const low = (...texts) => texts.flat().join(" ").toLowerCase();

const modelRows = computed(() => catalog.value.models.map((row) => ({
  value: row.name, text: row.name,
  aside: `${count(row.parameters)}${row.active_parameters < row.parameters ? `, ${count(row.active_parameters)} active` : ""} · ${row.family}`,
  words: low(row.name, row.family, row.aliases, row.hugging_face_ids),
})));

/** Chips that share the machine's memory are sold with several sizes: each is a row. */
const gpuRows = computed(() => catalog.value.gpus.flatMap((row) => {
  const rest = `${significant(row.memory_bandwidth_gb_per_s / 1000)} TB/s · ${row.vendor}`, words = low(row.id, row.name, row.vendor, row.generation, row.aliases);
  const sizes = (row.memory_options_gb ?? []).map((gb) => ({ value: `${row.id}-${gb}gb`, text: `${row.name} ${gb} GB`, aside: row.vendor, words: `${words} ${gb}gb ${gb} gb` }));
  return [{ value: row.id, text: row.name, aside: `${row.vram_gb} GB · ${rest}`, words }, ...sizes];
}));

const STEP = 8192;
const problem = signal("");

/** What was chosen or dropped: a model's file, and what quantizers write beside a config.json. */
async function readFiles(files) {
  const all = [...files], own = all.find((file) => !BESIDE.includes(file.name));
  if (own) await readFile(own);
  for (const file of all.filter((each) => BESIDE.includes(each.name))) await readBeside(file);
}

async function readBeside(file) {
  const held = source.value;
  if (held?.kind !== "config" || !held.content) {
    problem.value = `${file.name} belongs to a config.json: choose both`;
    if (!held) pasting.value = true;
    return;
  }
  try {
    setSource({ ...held, files: { ...held.files, [file.name]: packed(await file.text()) } });
    change({ w: "" });
    problem.value = "";
  } catch (fault) {
    problem.value = `${file.name} is no JSON object: ${fault.message}`;
  }
}

async function readFile(file) {
  problem.value = "";
  if (!/\.gguf$/i.test(file.name)) return accept((await file.text()).replace(/^\ufeff/, ""), file.name);
  try {
    const bytes = await headerOf(file);
    let text = "";
    for (let at = 0; at < bytes.length; at += STEP) text += String.fromCharCode(...bytes.subarray(at, at + STEP));
    setSource({ kind: "gguf", name: file.name, content: btoa(text) });
    return change({ w: "", ...(scenario.value.e === "llama.cpp" ? {} : { e: "llama.cpp" }) });
  } catch (fault) {
    problem.value = `${file.name} is no GGUF file that can be read: ${fault.message}`;
    if (!source.value) pasting.value = true;
    return undefined;
  }
}

const STRINGS = '"(?:[^"\\\\]|\\\\.)*"';

/** An object as published: some hold Infinity or NaN, which JSON has no word for. */
function objectOf(text) {
  const read = JSON.parse(text.replace(new RegExp(`(${STRINGS})|-?\\bInfinity\\b|\\bNaN\\b`, "g"), (_, kept) => kept ?? "0"));
  if (typeof read !== "object" || read === null || Array.isArray(read)) throw new Error("it is no object");
  return read;
}

/** The text of an object, of which only white space is left out. */
function packed(text) {
  const whole = text.replace(/^\ufeff/, "");
  objectOf(whole);
  return whole.replace(new RegExp(`(${STRINGS})|\\s+`, "g"), "$1");
}

function accept(text, name) {
  try {
    const content = packed(text);
    const config = objectOf(text), { max_position_embeddings: most } = config.text_config ?? config;
    setSource({ kind: "config", name: config._name_or_path || name, content });
    change({ w: "", ...within(most, scenario.value) });
    problem.value = "";
    keepFocus();
  } catch (fault) {
    problem.value = `${name} is no config.json: ${fault.message}`;
    if (!source.value) pasting.value = true;
  }
}

const WAYS = [["name", "Catalog"], ["file", "File"], ["custom", "Dimensions"]];
const pasting = signal(false);
const wayOf = () => (source.value || pasting.value ? "file" : scenario.value.m === CUSTOM ? "custom" : "name");

/** Another way to name the model; ``DEFAULTS`` of the dimensions are Llama-2-7B's. */
function turnTo(way) {
  pasting.value = way === "file";
  if (way !== "file" && source.value) setSource(null);
  if (way === "custom") change({ m: CUSTOM });
  if (way === "name" && scenario.value.m === CUSTOM) change({ m: DEFAULTS.m });
}

function Pasted() {
  if (source.value?.content) {
    const refusal = refusals.value.m;
    return html`<div class=${`field wide ${refusal ? "refused" : ""}`}><p class="pasted"><b>${source.value.name}</b> <span class="quiet">${[source.value.kind === "gguf" ? "header of a GGUF file" : "config.json", ...Object.keys(source.value.files ?? {})].join(" with ")}</span> <button type="button" onClick=${() => { setSource(null); pasting.value = true; }}>Remove</button></p>
      ${source.value.kind === "config" && html`<label for="beside">A quantizer's file beside it, such as ${BESIDE[0]}</label><input id="beside" type="file" accept=".json" multiple onChange=${(event) => readFiles(event.target.files)} />`}
      ${(refusal || problem.value) && html`<p class="refusal" role="alert">⚠ ${problem.value || refusal}</p>`}</div>`;
  }
  return html`<div class="field wide">${source.value && html`<p class="refusal" role="alert">⚠ ${source.value.name} was too long for the link: choose it again.</p>`}<label for="paste">Content of config.json</label>
    <textarea id="paste" rows="4" aria-describedby="paste-help" aria-invalid=${Boolean(problem.value)} spellcheck=${false} placeholder="Paste it here, or drop the file" onInput=${(event) => event.target.value.trim() && accept(event.target.value, "Pasted file")}></textarea>
    <label for="file">Or a config.json or GGUF file; only its header is read</label><input id="file" type="file" accept=".json,.gguf" multiple onChange=${(event) => readFiles(event.target.files)} />
    <p class="refusal" id="paste-help" role="alert">${problem.value && `⚠ ${problem.value}`}</p></div>`;
}

/** Until the catalog is there, what it will say keeps its place. */
const PENDING = () => (catalog.value.models.length ? "" : "…");

/** What a name that is none of the catalog was taken for. */
const takenFor = () => estimate.state.value.data?.assumptions.find((each) => each.startsWith("model.name"))?.slice(12) ?? "";

function Model() {
  const way = wayOf(), known = model.value;
  const hint = !known ? PENDING() || takenFor() : `${known.hugging_face_ids[0] ?? known.family}, ${count(known.parameters)} parameters${known.active_parameters < known.parameters ? `, ${count(known.active_parameters)} active` : ""}`;
  return html`<fieldset class="wide"><legend>Model</legend>
    <${Choices} label="Model by" options=${WAYS} value=${way} onChoose=${turnTo} />
    <div class="fields">
      ${way === "name" && html`<${Field} name="m" label="Model name" hint=${hint} rows=${modelRows.value} known=${(text) => named(catalog.value.models, text, "name")} wide />`}
      ${way === "file" && html`<${Pasted} />`}
      ${way === "custom" && html`<${Field} name="dh" /><${Field} name="df" /><${Field} name="dl" /><${Field} name="dv" unit="tokens" />
        <${Field} name="dq" hint="empty: heads of 128" /><${Field} name="dk" hint="empty: one a head" />`}
      <${Field} name="w" options=${[["", "published"], ...same(LISTS.weights[scenario.value.e])]} hint=${scenario.value.w ? "" : taken("weights_kind")} />
      <${Field} name="kv" options=${same(LISTS.caches[scenario.value.e])} hint=${scenario.value.kv === "auto" ? taken("kv_cache") : ""} />
    </div></fieldset>`;
}

/** What was left open came out as. */
const taken = (what) => `here: ${estimate.state.value.data?.resolved[what] ?? "…"}`;

function releaseHint() {
  const rules = memory.state.value.data?.engine;
  return rules ? `rules of ${rules.version}; empty: the newest known` : "empty: the newest known";
}

function Hardware() {
  const device = gpu.value, each = scenario.value;
  const flags = ENGINE_FLAGS[each.e] ?? {};
  const length = `${flags.len}: ${flags.len === "n_ctx" ? "all requests together" : "prompt and answer"}`;
  return html`<fieldset class="wide"><legend>Hardware and engine</legend><div class="fields">
      <${Field} name="g" rows=${gpuRows.value} known=${(text) => named(catalog.value.gpus, text, "id")} wide hint=${device ? `${device.name}: ${each.mem || device.vram_gb} GB, ${significant(device.memory_bandwidth_gb_per_s / 1000)} TB/s` : PENDING()} />
      <${Field} name="n" unit="GPUs" /><${Field} name="e" options=${LISTS.engines} />
      <${Field} name="len" unit="tokens" hint=${length} wide />
      ${/llama/.test(each.e) && !device?.memory_options_gb?.length && html`<${Field} name="host" options=${[["", "not said"], ...same(LISTS.hosts)]} hint="for what the GPU does not hold" /><${Field} name="hmem" unit="GiB" hint="empty: as usual there" />`}</div>
    <${Fold} keys=${["mem", "ev", "util", "seqs", "px", "tp", "pp", "dp", "ep"]} title="Release, layout, memory and cache">
      <${Field} name="ev" hint=${releaseHint()} />
      <${Field} name="mem" unit="GiB" hint=${device ? `empty: ${device.vram_gb}` : ""} />
      ${flags.util && html`<${Field} name="util" hint=${`${flags.util}, 0 to 1`} />`}
      ${flags.seqs && html`<${Field} name="seqs" hint=${flags.seqs} />`}
      <${Field} name="px" hint="share of the prompt, 0 to 1" />
      <${Field} name="tp" unit="GPUs" hint="no layout: all GPUs" />
      <${Field} name="pp" unit="stages" hint="empty: 1" />
      <${Field} name="dp" unit="groups" hint="empty: 1" />
      <${Field} name="ep" unit="GPUs" hint="empty: 1" /><//></fieldset>`;
}

function Workload() {
  const fields = {
    c: html`<${Field} name="c" unit="requests" />`,
    s: html`<${Field} name="s" unit="sessions" /><${Field} name="st" unit="turns" /><${Field} name="sg" unit="tokens" hint="empty: as the first prompt" />
      <${Field} name="sk" unit="s" hint="reading, a tool; empty: 0" /><${Field} name="sp" unit="tokens" hint="such as a system prompt" />`,
    r: html`<${Field} name="r" unit="requests/s" />`,
    b: html`<${Field} name="b" unit="requests" />`,
    off: html`<p class="hint">A long queue: as many at once as memory and the engine allow.</p>`,
  };
  return html`<fieldset class="wide"><legend>Workload</legend>
    <p class="presets" role="group" aria-label="Presets">${LISTS.presets.map((preset) => html`<button type="button" title=${preset.title} onClick=${() => apply(LISTS.without_sessions.includes(scenario.value.e) ? { ...preset.set, ...preset.turn } : preset.set)}>${preset.name}</button>`)}</p>
    <div class="fields"><${Field} name="i" label=${scenario.value.load === "s" ? "First input" : "Input"} unit="tokens" /><${Field} name="o" unit="tokens" />
      <${Field} name="load" options=${Object.entries(LOADS)} />${fields[scenario.value.load]}</div></fieldset>`;
}

function Targets() {
  const device = gpu.value;
  const price = device?.typical_usd_per_hour != null ? `${usd(device.typical_usd_per_hour)}, ${device.price_as_of}` : "none in the catalog";
  return html`<${Fold} keys=${["ttft", "tpot", "p", "usd", "bud", "max"]} title="Targets and cost">
      <${Field} name="ttft" unit="s" hint="time to the first token" /><${Field} name="tpot" unit="ms" scale=${1000} hint="time of each further token" />
      <${Field} name="p" options=${LISTS.percentiles} wide />
      <${Field} name="usd" unit="$/h" hint=${price} /><${Field} name="bud" unit="$/h" />
      <${Field} name="max" unit="GPUs" /><//>`;
}

/** All that a start sets: what it does not say is as in the example. */
const allOf = (start) => ({ ...DEFAULTS, w: "", ...start.set });

/** Where one begins: all of a start at once; a file goes. */
function begin(start) {
  pasting.value = false;
  setSource(null);
  apply(allOf(start));
}

const Starts = () => html`<p class="presets" role="group" aria-label="Begin with"><span class="hint">Begin with</span>${LINKS.starts.map((each) => html`<button type="button" aria-pressed=${!source.value && Object.entries(allOf(each)).every(([key, value]) => scenario.value[key] === value)} onClick=${() => begin(each)}>${each.name}</button>`)}</p>`;

export function Form() {
  const general = refusals.value[""];
  const drop = async (event) => {
    event.preventDefault();
    event.currentTarget.classList.remove("dragging");
    await readFiles(event.dataTransfer.files);
  };
  const over = (event) => { event.preventDefault(); event.currentTarget.classList.add("dragging"); };
  return html`<form class=${`scenario card ${unfolded.value ? "unfolded" : ""}`} aria-label="Scenario" onSubmit=${(event) => event.preventDefault()}
      onDragOver=${over} onDragLeave=${(event) => event.currentTarget.classList.remove("dragging")} onDrop=${drop}>
    <${Starts} />
    <button type="button" class="fold" aria-expanded=${unfolded.value} onClick=${() => { unfolded.value = !unfolded.value; }}><span>${Object.keys(refusals.value).length > 0 ? "⚠ " : ""}${scenarios.value.length > 1 ? `${names.value[current.value]} · ` : isExample.value ? "Example: " : ""}${summary(scenario.value, source.value)}</span></button>
    <div class="folded">
      ${general && html`<p class="refusal" role="alert">⚠ ${general}</p>`}
      <${Model} /><${Hardware} /><${Workload} /><${Targets} /><${Further} />
    </div></form>`;
}
