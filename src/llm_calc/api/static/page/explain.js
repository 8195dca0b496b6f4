// How each figure was computed: the formula, the numbers put in, the result, and where the formula stands.
import { html, signal, useEffect, useRef } from "../vendor/page/libraries.js";
import { gpu, scenario } from "./state.js";
import { estimate, inspection, memory } from "./api.js";
import { Card } from "./card.js";
import { costPerMillion, operatorsOf, rentPerHour, runs, secondsOf } from "./figures.js";
import { filledFraction } from "./memory.js";
import { count, integer, significant, size, time, usd } from "./numbers.js";

const opened = signal(new Set());

/** The explanation to go to as soon as it stands there. */
const wanted = signal("");

/** Open the explanation of a figure and go there. */
export function explain(name) {
  opened.value = new Set([...opened.value, name]);
  wanted.value = name;
}

function Step({ id, name, formula, filled, result, from }) {
  const box = useRef(null), here = wanted.value === id;
  useEffect(() => {
    if (!here) return;
    wanted.value = "";
    box.current.scrollIntoView({ block: "center" });
    box.current.querySelector("summary").focus({ preventScroll: true });
  }, [here]);
  const toggle = (event) => {
    const next = new Set(opened.peek());
    if (event.currentTarget.open) next.add(id); else next.delete(id);
    opened.value = next;
  };
  return html`<details class="formula" ref=${box} id=${`x-${id}`} open=${opened.value.has(id)} onToggle=${toggle}><summary><span>${name}</span> <b>${result}</b></summary>
    <p><code>${formula}</code></p><p><code>= ${filled} = <b>${result}</b></code></p><p class="note">${from}</p></details>`;
}

const sum = (parts) => parts.filter(Boolean).join(" + ");

/** The cache of a token, with its factors where all layers are of one plain kind. */
function cacheStep(what) {
  const kinds = Object.entries(what.kv_cache.by_layer_kind);
  const heads = /attention of \d+ heads of (\d+) on (\d+) key-value heads/.exec(what.architecture);
  const [kind, one] = kinds[0] ?? [];
  const bytes = heads && one && one.bytes_per_token / (2 * one.layers * heads[1] * heads[2]);
  const plain = kinds.length === 1 && kind === "full" && heads && [0.5, 1, 2, 4].includes(bytes);
  return plain
    ? ["2 (K, V) × layers × KV heads × head width × bytes of an element", `2 × ${one.layers} × ${heads[2]} × ${heads[1]} × ${bytes} B (${what.precision.kv_cache})`]
    : ["sum over layers of cached elements × bytes of an element", sum(kinds.map(([name, each]) => `${each.layers} ${name} layers: ${integer(each.bytes_per_token)} B`))];
}

function modelSteps(what) {
  const parts = Object.entries(what.parameters.by_component).filter(([, value]) => value);
  const [cacheFormula, cacheFilled] = cacheStep(what);
  return [
    { id: "parameters", name: "Parameters", formula: "sum over tensors of rows × columns, and biases", filled: sum(parts.map(([name, value]) => `${name.replaceAll("_", " ")} ${integer(value)}`)), result: integer(what.parameters.total), from: what.confidence === "exact" ? "Exact: tensor by tensor as the model's reference class has them." : `Approximate: ${what.assumptions.join("; ")}.` },
    { id: "weights", name: "Weights", formula: "sum over formats of parameters × bits ÷ 8", filled: sum(what.weights_by_format.map((one) => `${integer(one.parameters)} × ${significant(one.bits_per_element, 5)} ÷ 8 (${one.format})`)), result: size(what.weights_bytes), from: `Scales and zero points are in the bits. ${what.quantization}.` },
    { id: "cache", name: "KV cache of a token", formula: cacheFormula, filled: cacheFilled, result: `${integer(what.kv_cache.bytes_per_token)} B`, from: "Keys and values of every layer that attends (Shazeer 2019; Ainslie et al. 2023 for grouped heads); latent attention stores the compressed vector (DeepSeek-V2 2024)." },
  ];
}

function memorySteps(plan, served) {
  const per = plan.per_gpu, run = served.resolved, request = run.kv_capacity_tokens / run.kv_capacity_sequences;
  const used = [["weights", per.weights_bytes], ["activations", per.activation_peak_bytes], ["graphs", per.cuda_graphs_bytes], ["framework", per.framework_bytes]];
  const steps = [
    { id: "usable", name: "Usable memory of a GPU", formula: "memory that a process finds × the engine's share", filled: `${size(per.memory_bytes)} × ${significant(per.usable_bytes / per.memory_bytes, 3)}`, result: size(per.usable_bytes), from: `Rules of ${plan.engine}, held against its start-up logs (docs: Memory).` },
  ];
  if (per.kv_cache_bytes > 0) steps.push({ id: "room", name: "KV cache of a GPU", formula: "what the engine's rules leave after weights, activation peak, graphs and framework", filled: `${size(per.usable_bytes)} usable beside ${sum(used.map(([name, value]) => `${name} ${size(value)}`))}`, result: size(per.kv_cache_bytes), from: `${plan.engine} decides which of them count against its share, and rounds to blocks.` });
  if (plan.kv_cache_tokens > 0) steps.push({ id: "users", name: "Most at once", formula: "tokens that the cache holds × part that measured deployments fill ÷ tokens of a request", filled: `${integer(plan.kv_cache_tokens)} × ${significant(filledFraction(plan, served), 3)} ÷ ${significant(request, 5)}, rounded down`, result: integer(Math.floor(run.kv_capacity_sequences)), from: `The scheduler of ${plan.engine} allows ${integer(plan.scheduler_max_sequences)} at once.` });
  return steps;
}

const ROOFS = ["bytes ÷ (bandwidth × efficiency)", "FLOPs ÷ (peak × efficiency)"];

function speedSteps(served, each, device) {
  const decode = operatorsOf(served, "decode"), prefill = operatorsOf(served, "prefill");
  const step = secondsOf(decode), prompt = secondsOf(prefill), bytes = decode.reduce((total, one) => total + one.bytes, 0);
  const bandwidth = device ? device.memory_bandwidth_gb_per_s * 1e9 : null;
  const fit = `Calibration “${served.basis.calibration}” of ${served.basis.fitted_on}, ${integer(served.basis.measurements)} measurements (docs: Performance; roofs after Williams, Waterman and Patterson 2009).`;
  const rest = (whole, part) => (whole >= part ? `${time(part)} + ${time(whole - part)}` : `${time(part)} − ${time(part - whole)}`);
  return [
    { id: "step", name: "One decode step", formula: each.e === "llama.cpp" ? `sum over operators of ${ROOFS[0]} + ${ROOFS[1]}, + exchange + launches` : `sum over operators of ((${ROOFS[0]})³ + (${ROOFS[1]})³)^⅓, + exchange + launches`, filled: bandwidth ? `${size(bytes)} at ${count(bandwidth / 1e12)} TB/s take at least ${time(bytes / bandwidth)}; with measured efficiencies, exchange and launches` : "efficiencies of the engine", result: time(step), from: fit },
    { id: "prefill", name: "Prefill of one prompt", formula: "the same sum for all tokens of a prompt at once", filled: `${count(prefill.reduce((total, one) => total + one.flops, 0))} FLOPs on each GPU`, result: time(prompt), from: fit },
    { id: "ttft", name: "TTFT", formula: "prefill of a prompt + waiting for a place in a step and for other prompts, mean over the run", filled: rest(served.ttft_s, prompt), result: time(served.ttft_s), from: each.load === "c" ? "The scheduler is simulated from event to event, ten requests a slot, all slots at once at the start, as benchmark clients do." : "See Loads in docs: Performance." },
    { id: "tpot", name: "TPOT", formula: "decode step + share of steps that also carry prompts, mean over the run", filled: rest(served.tpot_s, step), result: time(served.tpot_s), from: "(end − first token) ÷ (output tokens − 1), as benchmarks report it." },
    { id: "output", name: "Output", formula: "requests finished a second × output tokens", filled: `${significant(served.requests_per_s, 4)} × ${significant(served.output_tokens_per_s / served.requests_per_s, 4)}`, result: `${count(served.output_tokens_per_s)} tok/s`, from: "Over the steady part of the run." },
  ];
}

function costStep(served, each, device) {
  const rent = rentPerHour(each, device);
  if (rent === null) return [];
  const from = each.usd ? "Your price of a GPU." : `${device.price_source}, ${device.price_as_of}.`;
  return [{ id: "cost", name: "Cost of a million output tokens", formula: "GPUs × price an hour ÷ 3600 ÷ output tokens a second × 10⁶", filled: `${each.n} × ${usd(rent / Number(each.n))} ÷ 3600 ÷ ${count(served.output_tokens_per_s)} × 10⁶`, result: usd(costPerMillion(each, device, served)), from }];
}

export function Computed() {
  const what = inspection.state.value.data, plan = memory.state.value.data, served = estimate.state.value.data;
  if (!what || !plan || !served) return null;
  const each = scenario.value, device = gpu.value;
  const speed = runs(plan) ? [...speedSteps(served, each, device), ...costStep(served, each, device)] : [];
  const steps = [...modelSteps(what), ...memorySteps(plan, served), ...speed];
  const all = () => { opened.value = opened.value.size ? new Set() : new Set(steps.map((one) => one.id)); };
  return html`<${Card} id="computed" title="How this was computed" wide question=${inspection} side=${html`<button type="button" class="small" onClick=${all}>${opened.value.size ? "Close all" : "Open all"}</button>`}>
    <p>${what.architecture.replaceAll(";", " ·")}.</p>
    <div class="formulas">${steps.map((one) => html`<${Step} key=${one.id} ...${one} />`)}</div><//>`;
}
