// From the form to the bodies of requests, and from a refused field back to the form.
import { DEFAULTS, ENGINE_FLAGS } from "./state.js";

/** A number, or what was typed where it is none: the service says what it accepts. */
function number(text) {
  const value = text.trim().replaceAll(",", "");
  return value === "" ? undefined : Number.isNaN(Number(value)) ? text : Number(value);
}

function lean(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

function numbers(scenario, keys) {
  return lean(Object.fromEntries(Object.entries(keys).map(([field, key]) => [field, number(scenario[key])])));
}

/** Fields of a model by its dimensions, and the keys of a link that hold them. */
export const DIMENSIONS = {
  hidden_dim: "dh", ff_dim: "df", num_layers: "dl", vocab_size: "dv", num_attention_heads: "dq", num_key_value_heads: "dk",
};
const LAYOUT = { tensor: "tp", pipeline: "pp", data: "dp", expert: "ep" };

/** A config.json goes into a body letter by letter: numbers that JavaScript has no exact value for, Infinity too. */
const VERBATIM = "\u0001";

/** A body as JSON text. */
export function textOf(body, indent) {
  const text = JSON.stringify(body, null, indent);
  return text.replace(/"\\u0001((?:[^"\\]|\\.)*)"/g, (_, inner) => JSON.parse(`"${inner}"`));
}

export function modelPart(scenario, source) {
  if (source) return source.kind === "gguf" ? { gguf_base64: source.content } : { hf_config: VERBATIM + source.content };
  return scenario.m === "custom" ? { custom: numbers(scenario, DIMENSIONS) } : { name: scenario.m };
}

export function workloadPart(scenario) {
  const loads = {
    c: { concurrency: number(scenario.c) }, r: { request_rate: number(scenario.r) },
    b: { batch: number(scenario.b) }, off: { offline: true },
  };
  const lengths = numbers(scenario, { input_tokens: "i", output_tokens: "o" });
  return lean({ ...lengths, ...loads[scenario.load], prefix_cache_hit_fraction: number(scenario.px) });
}

export function enginePart(scenario) {
  const flags = ENGINE_FLAGS[scenario.e] ?? {};
  const set = Object.entries(flags).map(([key, flag]) => [flag, number(scenario[key])]);
  return lean({ name: scenario.e, ...Object.fromEntries(set) });
}

/** ``cache``: the format of the KV cache where the form leaves it open. */
export function deployment(scenario, source, cache = "auto") {
  const layout = numbers(scenario, LAYOUT);
  return lean({
    model: modelPart(scenario, source),
    precision: lean({ weights: scenario.w || undefined, kv_cache: scenario.kv === "auto" ? cache : scenario.kv }),
    hardware: lean({ gpu: scenario.g, count: number(scenario.n) }),
    parallelism: Object.keys(layout).length ? layout : undefined,
    engine: enginePart(scenario),
    workload: workloadPart(scenario),
  });
}

export function inspection(scenario, source, cache = "auto") {
  const asked = deployment(scenario, source, cache);
  const { input_tokens, output_tokens } = asked.workload;
  return { model: asked.model, precision: asked.precision, workload: lean({ input_tokens, output_tokens }) };
}

/** The price of a GPU where the form names one. */
function prices(scenario) {
  return scenario.usd ? { [scenario.g]: number(scenario.usd) } : undefined;
}

export function plans(scenario, source) {
  const limits = numbers(scenario, { ttft_s: "ttft", tpot_s: "tpot", usd_per_hour: "bud", max_gpus: "max" });
  const workload = workloadPart(scenario);
  return lean({ model: modelPart(scenario, source), workload, limits, prices: prices(scenario), max_plans: 10 });
}

/** A grid over fields of the estimate, as NDJSON; the fields of the grid leave the base. */
export function sweep(scenario, source, grid) {
  const base = deployment(scenario, source);
  if (Object.hasOwn(grid, "workload.concurrency")) {
    for (const load of ["concurrency", "request_rate", "batch", "offline"]) delete base.workload[load];
  }
  for (const path of Object.keys(grid)) {
    const [part, field] = path.split(".");
    delete base[part][field];
  }
  return { target: "serving_estimate", base, grid, format: "ndjson" };
}

const FIELDS = [
  ...Object.entries(DIMENSIONS).map(([field, key]) => [`model.custom.${field}`, key]),
  ["model", "m"], ["precision.weights", "w"], ["precision.kv_cache", "kv"], ["hardware.gpu", "g"],
  ["hardware.count", "n"], ...Object.entries(LAYOUT).map(([field, key]) => [`parallelism.${field}`, key]),
  ["engine.name", "e"], ["workload.input_tokens", "i"], ["workload.output_tokens", "o"],
  ["workload.concurrency", "c"], ["workload.request_rate", "r"], ["workload.batch", "b"],
  ["workload.prefix_cache_hit_fraction", "px"], ["limits.ttft_s", "ttft"], ["limits.tpot_s", "tpot"],
  ["limits.usd_per_hour", "bud"], ["limits.max_gpus", "max"], ["prices", "usd"], ["parallelism", "tp"],
];

/** Which field of the form the path of a request belongs to; "" where none does. */
export function keyOf(path, scenario) {
  const flags = Object.entries(ENGINE_FLAGS[scenario.e] ?? {});
  const flag = flags.find(([, name]) => path === `engine.${name}` || path === `engine.${scenario.e}.${name}`);
  if (flag) return flag[0];
  const found = FIELDS.find(([start]) => path === start || path.startsWith(`${start}.`) || path.startsWith(`${start}[`));
  return found ? found[1] : "";
}

/** Which field of the form a refusal is about; "" where none is. */
export function fieldOf(refusal, scenario) {
  const path = refusal.details?.field ?? refusal.details?.fields?.[0]?.field ?? refusal.error.split(":")[0];
  return keyOf(path, scenario);
}

/** What one change does to the keys of a scenario: the layout follows the number of GPUs. */
export function changeOf(path, value, scenario) {
  if (["parallelism.tensor", "parallelism.pipeline", "hardware.count"].includes(path)) {
    return { n: String(value), tp: "", pp: "", dp: "", ep: "" };
  }
  const key = keyOf(path, scenario);
  return key in DEFAULTS ? { [key]: String(value) } : null;
}
