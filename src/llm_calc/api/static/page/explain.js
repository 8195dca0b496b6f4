// How each figure was computed: the formula, the numbers put in, the result, and where the formula stands.
import { html, signal, useEffect, useRef } from "../vendor/page/libraries.js";
import { answered, estimate, inspection, memory } from "./api.js";
import { Card } from "./card.js";
import { costPerMillion, gpusOf, operatorsOf, rentPerHour, runs, secondsOf } from "./figures.js";
import { LISTS } from "./state.js";
import { count, integer, parsed, significant, size, time, usd } from "./numbers.js";

const opened = signal(new Set());

/** The explanation to go to as soon as it stands there, if that is soon: later the focus is somebody else's. */
const wanted = signal("");
const SOON_MS = 2000;
const SETTLES_MS = [300, 900, 1800, 3000];
let until = 0;

/** Cards above may fill after one has arrived: stay with the explanation until the reader moves. */
function stayAt(box) {
  const timers = SETTLES_MS.map((after) => setTimeout(() => box.scrollIntoView({ block: "center" }), after));
  const stop = () => {
    timers.forEach(clearTimeout);
    for (const kind of MOVES) removeEventListener(kind, stop);
  };
  for (const kind of MOVES) addEventListener(kind, stop, { passive: true });
}

const MOVES = ["wheel", "touchstart", "keydown", "pointerdown"];

/** Open the explanation of a figure and go there. */
export function explain(name) {
  until = performance.now() + SOON_MS;
  opened.value = new Set([...opened.value, name]);
  wanted.value = name;
}

function back() {
  const verdict = document.getElementById("verdict");
  verdict.scrollIntoView({ block: "center" });
  verdict.focus({ preventScroll: true });
}

function Step({ id, name, formula, filled, result, from }) {
  const box = useRef(null), here = wanted.value === id;
  useEffect(() => {
    if (!here) return;
    wanted.value = "";
    if (performance.now() > until) return;
    box.current.scrollIntoView({ block: "center" });
    box.current.querySelector("summary").focus({ preventScroll: true });
    stayAt(box.current);
  }, [here]);
  const toggle = (event) => {
    const next = new Set(opened.peek());
    if (event.currentTarget.open) next.add(id); else next.delete(id);
    opened.value = next;
  };
  return html`<details class="formula" ref=${box} id=${`x-${id}`} open=${opened.value.has(id)} onToggle=${toggle}><summary><span>${name}</span> <b>${result}</b></summary>
    <p><code>${formula}</code></p><p><code>${filled} = <b>${result}</b></code></p><p class="note">${from} <button type="button" class="small" onClick=${back}>Back to the verdict</button></p></details>`;
}

const sum = (parts) => parts.filter(Boolean).join(" + ");

/** A step: its words are the service's, ``more`` goes over them. */
const step = (id, filled, result, more = {}) => ({ id, ...LISTS.steps[id], filled, result, ...more });

/** The cache of a token, by kind of layer. */
function cacheStep(what) {
  const kinds = Object.entries(what.kv_cache.by_layer_kind).filter(([, each]) => each.elements_per_token);
  const filled = kinds.map(([name, each]) => `${each.layers} ${name} layers × ${significant(each.elements_per_token / each.layers, 6)} × ${significant(each.bytes_per_token / each.elements_per_token, 4)} B`);
  return `${sum(filled)} (${what.precision.kv_cache})`;
}

function modelSteps(what) {
  const parts = Object.entries(what.parameters.by_component).filter(([, value]) => value);
  return [
    step("parameters", sum(parts.map(([name, value]) => `${name.replaceAll("_", " ")} ${integer(value)}`)), integer(what.parameters.total), what.confidence === "exact" ? {} : { from: `Approximate: ${what.assumptions.join("; ")}.` }),
    step("weights", sum(what.weights_by_format.map((one) => `${integer(one.parameters)} × ${significant(one.bits_per_element, 5)} ÷ 8 (${one.format})`)), size(what.weights_bytes), { from: `Scales and zero points are in the bits. ${what.quantization}.` }),
    step("cache", cacheStep(what), `${integer(what.kv_cache.bytes_per_token)} B`),
  ];
}

/** The parts whose sum with the cache is what the engine may plan with; null where its rules are others. */
function planned(per) {
  const parts = [["weights", per.weights_bytes], ["activations", per.activation_peak_bytes], ["graphs", per.cuda_graphs_bytes], ["framework", per.framework_bytes]];
  for (let chosen = 15; chosen > 0; chosen -= 1) {
    const some = parts.filter((_, at) => chosen & (1 << at));
    const left = per.usable_bytes - some.reduce((total, [, bytes]) => total + bytes, 0);
    if (chosen & 1 && Math.abs(left / per.kv_cache_bytes - 1) < 0.005) return some;
  }
  return null;
}

function memorySteps(plan) {
  const per = plan.per_gpu, parts = planned(per), request = plan.kv_cache.allocated.bytes_in_all / plan.asked_sequences;
  const rules = `Rules of ${plan.engine.name} ${plan.engine.version}${LISTS.logged.includes(plan.engine.name) ? ", held against its start-up logs" : ", from its documentation"} (docs: Memory).`;
  const steps = [
    step("usable", `${size(per.memory_bytes)}, of which the rules leave`, size(per.usable_bytes), { from: rules }),
  ];
  if (per.kv_cache_bytes > 0) {
    const filled = parts ? `${size(per.usable_bytes)} − ${parts.map(([name, bytes]) => `${name} ${size(bytes)}`).join(" − ")}` : `of ${size(per.usable_bytes)}, rounded to blocks or as the options say`;
    steps.push(step("room", filled, size(per.kv_cache_bytes), { from: rules, ...(parts && { formula: `usable − ${parts.map(([name]) => name).join(" − ")}, rounded to blocks` }) }));
  }
  if (runs(plan)) steps.push(step("users", `${size(per.kv_cache_bytes)} ÷ ${size(request)} for ${integer(plan.asked_context_tokens)} tokens`, integer(plan.sequences_that_fit), { from: `Blocks and groups of layers as ${plan.engine.name} ${plan.engine.version} allocates them. Its scheduler allows ${integer(plan.scheduler_max_sequences)} at once.` }));
  return steps;
}

/** A time as its main part and the rest. */
function withRest(whole, part, name, rest) {
  const left = whole - part;
  if (Math.abs(left) < 1e-4 * whole) return `${name} ${time(part)}`;
  return left > 0 ? `${name} ${time(part)} + ${rest} ${time(left)}` : `${name} ${time(part)} − ${rest} ${time(-left)}`;
}

function speedSteps(served, each, device) {
  const decode = operatorsOf(served, "decode"), prefill = operatorsOf(served, "prefill");
  const decoding = secondsOf(decode), prompt = secondsOf(prefill), total = (list, key) => list.reduce((sum_, one) => sum_ + one[key], 0);
  const bandwidth = device && device.memory_bandwidth_gb_per_s * 1e9, bytes = total(decode, "bytes"), flops = total(prefill, "flops");
  const fit = `Calibration “${served.basis.calibration}” of ${served.basis.fitted_on}, ${integer(served.basis.measurements)} measurements (docs: Performance; roofs after Williams, Waterman and Patterson 2009).`;
  const [waits, rest, how] = LISTS.waits[each.load], least = bandwidth && bytes / bandwidth;
  const stages = served.resolved.pipeline > 1 ? " over all stages" : "";
  const moved = least ? `at least ${size(bytes)} ÷ ${count(bandwidth / 1e12)} TB/s = ${time(least)}; with efficiencies, exchange and launches` : "with the engine's efficiencies";
  return [
    step("step", moved, time(decoding), { from: fit, ...(LISTS.own.includes(each.e) && { formula: LISTS.steps.step.apart }) }),
    step("prefill", `${count(flops)} FLOPs of a GPU${stages}, ${count(flops / prompt / 1e12)} TFLOP/s reached`, time(prompt), { from: fit }),
    step("ttft", withRest(served.ttft_s, prompt, "prefill", rest), time(served.ttft_s), { formula: waits, from: how }),
    step("tpot", withRest(served.tpot_s, decoding, "a decode step", "prompts of others"), time(served.tpot_s)),
    step("output", `${significant(served.requests_per_s, 4)} × ${integer(parsed(each.o))}`, `${count(served.output_tokens_per_s)} tok/s`),
  ];
}

function costStep(served, each, device) {
  const rent = rentPerHour(each, device);
  if (rent === null) return [];
  const gpus = gpusOf(each), from = each.usd ? "Your price of a GPU." : `${device.price_source}, ${device.price_as_of}.`;
  return [step("cost", `${integer(gpus)} × ${usd(rent / gpus)} ÷ 3600 ÷ ${count(served.output_tokens_per_s)} × 10⁶`, usd(costPerMillion(each, device, served)), { from })];
}

export function Computed() {
  const what = inspection.state.value.data, plan = memory.state.value.data, served = estimate.state.value.data;
  if (!what || !plan || !served) return null;
  const { scenario: each, device } = answered.value;
  const speed = runs(plan) ? [...speedSteps(served, each, device), ...costStep(served, each, device)] : [];
  const steps = [...modelSteps(what), ...memorySteps(plan), ...speed];
  const all = () => { opened.value = opened.value.size ? new Set() : new Set(steps.map((one) => one.id)); };
  return html`<${Card} id="computed" title="How this was computed" wide question=${inspection} side=${html`<button type="button" class="small" onClick=${all}>${opened.value.size ? "Close all" : "Open all"}</button>`}>
    <p>${what.architecture.replaceAll(";", " ·")}.</p>
    <div class="formulas">${steps.map((one) => html`<${Step} key=${one.id} ...${one} />`)}</div><//>`;
}
