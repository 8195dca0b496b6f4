// The scenario: what is asked. Units stand in the fields, refusals beside the field that caused them.
import { computed, html, signal, useState } from "../vendor/page/libraries.js";
import { catalog, change, gpu, isExample, model, PRESETS, scenario, setSource, source } from "./state.js";
import { estimate, inspection, memory } from "./api.js";
import { fieldOf } from "./requests.js";
import { integer, count } from "./numbers.js";

const ENGINES = [["vllm", "vLLM"], ["sglang", "SGLang"], ["trtllm", "TensorRT-LLM"], ["llama.cpp", "llama.cpp"], ["generic", "Generic"]];
const WEIGHTS = ["", "bf16", "fp16", "fp8", "int8", "int4-awq", "int4-gptq", "mxfp4", "nvfp4", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0", "fp32"];
const CACHES = ["auto", "bf16", "fp16", "fp8", "int8"];
export const unfolded = signal(false);

/** Refusals by field: the sentence of the first question that was refused for it. */
export const refusals = computed(() => {
  const found = {};
  for (const question of [memory, estimate, inspection]) {
    const { error, status } = question.state.value;
    if (status !== "error" || !error || error.down) continue;
    const field = fieldOf(error);
    found[field] ??= error.error;
  }
  return found;
});

export function Field({ name, label, unit, hint, type = "text", options, list, wide }) {
  const value = scenario.value[name];
  const refusal = refusals.value[name];
  const id = `f-${name}`;
  const common = { id, name, "aria-invalid": Boolean(refusal), "aria-describedby": `${id}-help`, onInput: (event) => change({ [name]: event.target.value }) };
  const control = options
    ? html`<select ...${common} value=${value}>${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}</select>`
    : html`<span class="with-unit"><input ...${common} type="text" inputmode=${type === "number" ? "decimal" : "text"} value=${value} list=${list} autocomplete="off" spellcheck="false" />${unit && html`<span class="unit" aria-hidden="true">${unit}</span>`}</span>`;
  return html`<div class=${`field ${wide ? "wide" : ""} ${refusal ? "refused" : ""}`}><label for=${id}>${label}${unit && html`<span class="hidden"> in ${unit}</span>`}</label>${control}
    <p class=${refusal ? "refusal" : "hint"} id=${`${id}-help`} role=${refusal ? "alert" : null}>${refusal ?? hint ?? ""}</p></div>`;
}

function ModelField() {
  const [dragging, setDragging] = useState(false);
  const known = model.value;
  const hint = source.value ? `${source.value.name}: ${source.value.kind === "gguf" ? "header of a GGUF file" : "config.json"}`
    : known ? `${count(known.parameters)} parameters${known.active_parameters < known.parameters ? `, ${count(known.active_parameters)} active` : ""}` : "";
  const drop = async (event) => {
    event.preventDefault();
    setDragging(false);
    const file = event.dataTransfer.files[0];
    if (file) await readFile(file);
  };
  return html`<div class=${`drop ${dragging ? "dragging" : ""}`} onDragOver=${(event) => { event.preventDefault(); setDragging(true); }} onDragLeave=${() => setDragging(false)} onDrop=${drop}>
    ${source.value
      ? html`<div class="field wide ${refusals.value.m ? "refused" : ""}"><span class="label">Model</span><div class="pasted"><span>${hint}</span><button type="button" onClick=${() => setSource(null)}>Back to the catalog</button></div>
          ${refusals.value.m && html`<p class="refusal" role="alert">${refusals.value.m}</p>`}</div>`
      : html`<${Field} name="m" label="Model" hint=${hint} list="models" wide />`}
    <${Paste} />
  </div>`;
}

const GGUF_BYTES = 700_000;
export const pasteProblem = signal("");

async function readFile(file) {
  pasteProblem.value = "";
  if (file.name.endsWith(".gguf")) {
    const bytes = new Uint8Array(await file.slice(0, GGUF_BYTES).arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    setSource({ kind: "gguf", name: file.name, content: btoa(text) });
    change({ w: "" });
  } else {
    accept(await file.text(), file.name);
  }
}

function accept(text, name) {
  try {
    const content = JSON.parse(text.replace(/\b(-?)Infinity\b/g, "$11e999"));
    if (typeof content !== "object" || content === null || Array.isArray(content)) throw new Error("not an object");
    setSource({ kind: "config", name, content });
    change({ w: "" });
    pasteProblem.value = "";
  } catch (problem) {
    pasteProblem.value = `That is no config.json: ${problem.message}`;
  }
}

function Paste() {
  return html`<details class="paste"><summary>Paste or drop a config.json or GGUF file</summary>
    <label for="paste">Content of config.json</label>
    <textarea id="paste" rows="4" spellcheck="false" onInput=${(event) => event.target.value.trim() && accept(event.target.value, "Pasted config.json")}></textarea>
    <label for="file">Or a file</label><input id="file" type="file" accept=".json,.gguf" onChange=${(event) => event.target.files[0] && readFile(event.target.files[0])} />
    ${pasteProblem.value && html`<p class="refusal" role="alert">${pasteProblem.value}</p>`}</details>`;
}

function Load() {
  const load = scenario.value.load;
  const fields = {
    c: html`<${Field} name="c" label="Concurrent requests" type="number" unit="requests" />`,
    r: html`<${Field} name="r" label="Arrivals" type="number" unit="requests/s" />`,
    b: html`<${Field} name="b" label="Batch" type="number" unit="requests" />`,
    off: html`<p class="hint wide">A long queue: as many requests at once as memory and the engine allow.</p>`,
  };
  return html`<${Field} name="load" label="Load" options=${[["c", "Concurrent"], ["r", "Arriving at random"], ["b", "One batch"], ["off", "Offline queue"]]} />${fields[load]}`;
}

export function summary(each, name) {
  const load = { c: `${integer(Number(each.c))} at once`, r: `${each.r} a second`, b: `batch of ${each.b}`, off: "offline" }[each.load];
  return `${name} · ${each.n} × ${each.g} · ${integer(Number(each.i))} in / ${integer(Number(each.o))} out · ${load}`;
}

export function Form() {
  const each = scenario.value;
  const device = gpu.value;
  return html`<form class=${`scenario ${unfolded.value ? "unfolded" : ""}`} aria-label="Scenario" onSubmit=${(event) => event.preventDefault()}>
    <button type="button" class="fold" aria-expanded=${unfolded.value} onClick=${() => { unfolded.value = !unfolded.value; }}>${summary(each, source.value ? source.value.name : each.m)}</button>
    <div class="fields">
      <p class="presets" role="group" aria-label="Presets">${isExample.value && html`<span class="chip">Example</span>`}${PRESETS.map((preset) => html`<button type="button" onClick=${() => { change({ px: "", ...preset.set }); history.pushState(null, "", location.href); }}>${preset.name}</button>`)}</p>
      <${ModelField} />
      <${Field} name="w" label="Weights" options=${WEIGHTS.map((name) => [name, name || "as published"])} />
      <${Field} name="kv" label="KV cache" options=${CACHES.map((name) => [name, name])} />
      <${Field} name="g" label="GPU" list="gpus" wide hint=${device ? `${device.name}, ${integer(device.memory_bandwidth_gb_per_s)} GB/s` : ""} />
      <${Field} name="n" label="How many" type="number" unit="GPUs" />
      <${Field} name="i" label="Input" type="number" unit="tokens" />
      <${Field} name="o" label="Output" type="number" unit="tokens" />
      <${Load} />
      <details class="more wide"><summary>Engine and layout</summary><div class="fields">
        <${Field} name="e" label="Engine" options=${ENGINES} />
        <${Field} name="len" label="Longest context" type="number" unit="tokens" hint="as the engine is started" />
        <${Field} name="tp" label="Tensor parallel" type="number" unit="GPUs" hint="auto: all GPUs" />
        <${Field} name="pp" label="Pipeline" type="number" unit="stages" hint="auto: 1" />
        <${Field} name="dp" label="Data parallel" type="number" unit="groups" hint="auto: 1" />
        <${Field} name="ep" label="Expert parallel" type="number" unit="GPUs" hint="auto: 1" />
        <${Field} name="px" label="Shared prefix" type="number" hint="share of the prompt in the cache, 0 to 1" />
      </div></details>
      <details class="more wide"><summary>Targets and cost</summary><div class="fields">
        <${Field} name="ttft" label="First token within" type="number" unit="s" />
        <${Field} name="tpot" label="Next token within" type="number" unit="s" />
        <${Field} name="usd" label="Price of a GPU" type="number" unit="$/h" hint=${device?.typical_usd_per_hour ? `catalog: $${device.typical_usd_per_hour} (${device.price_as_of})` : "none in the catalog"} />
      </div></details>
      ${refusals.value[""] && html`<p class="refusal wide" role="alert">${refusals.value[""]}</p>`}
    </div>
    <datalist id="models">${catalog.value.models.map((row) => html`<option value=${row.name}>${row.family}</option>`)}</datalist>
    <datalist id="gpus">${catalog.value.gpus.map((row) => html`<option value=${row.id}>${row.name}</option>`)}</datalist>
  </form>`;
}
