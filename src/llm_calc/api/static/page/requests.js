// From the form to the bodies of requests, and from a refused field back to the form.
import { parsed } from "./numbers.js";
import { CUSTOM, DEFAULTS, ENGINE_FLAGS, FURTHER, LABELS, LINKS, saidOf } from "./state.js";

/** A number, or what was typed where it is none: the service says what it accepts. */
function number(text) {
  const value = parsed(text);
  return value === undefined || Number.isFinite(value) ? value : text;
}

function lean(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** Fields of a request with the numbers of a scenario. ``fields``: by the keys of a link. */
function numbers(scenario, fields) {
  return lean(Object.fromEntries(Object.entries(fields).map(([key, field]) => [field, number(scenario[key])])));
}

const [DIMENSIONS, LAYOUT, LOADS] = [LINKS.custom_fields, LINKS.layout_fields, LINKS.load_fields];

/** A config.json goes into a body letter by letter: numbers that JavaScript has no exact value for, Infinity too. */
const VERBATIM = "\u0001";

export function textOf(body, indent) {
  const text = JSON.stringify(body, null, indent);
  return text.replace(/"\\u0001((?:[^"\\]|\\.)*)"/g, (_, inner) => JSON.parse(`"${inner}"`));
}

/** What quantizers wrote beside a config.json, letter by letter too. */
function besides(files) {
  return files && Object.fromEntries(Object.entries(files).map(([name, text]) => [name, VERBATIM + text]));
}

function modelPart(scenario, source) {
  if (source?.kind === "gguf") return { gguf_base64: source.content };
  if (source) return lean({ hf_config: VERBATIM + source.content, quantization_files: besides(source.files) });
  return scenario.m === CUSTOM ? { custom: numbers(scenario, DIMENSIONS) } : { name: scenario.m };
}

function workloadPart(scenario) {
  const { load } = scenario;
  const amount = LOADS[load] === "offline" ? true : number(scenario[load]);
  const lengths = numbers(scenario, { i: "input_tokens", o: "output_tokens" });
  const sessions = load === SESSIONS ? numbers(scenario, LINKS.session_fields) : undefined;
  return lean({ ...lengths, [LOADS[load]]: amount, sessions, prefix_cache_hit_fraction: number(scenario.px) });
}

function enginePart(scenario) {
  return lean({ name: scenario.e, version: scenario.ev.trim() || undefined, ...numbers(scenario, ENGINE_FLAGS[scenario.e] ?? {}) });
}

export const SESSIONS = "s";
const GIB = 2 ** 30;

/** The machine around the GPUs; an answer says where its engine leaves nothing there. */
function hostPart(scenario) {
  const memory = number(scenario.hmem);
  const host = lean({ platform: scenario.host.trim() || undefined, memory_bytes: typeof memory === "number" ? Math.round(memory * GIB) : memory });
  return Object.keys(host).length ? host : undefined;
}

function hardwarePart(scenario) {
  const memory = number(scenario.mem);
  const said = lean({ count: number(scenario.n), gpu_memory_bytes: typeof memory === "number" ? Math.round(memory * GIB) : memory, host: hostPart(scenario) });
  const gpus = scenario.g.split(",").map((name) => name.trim()).filter(Boolean);
  return gpus.length > 1 ? gpus.map((gpu, at) => ({ gpu, ...(at === 0 ? said : {}) })) : { gpu: scenario.g, ...said };
}

/** An object that was typed as JSON, empty where nothing was; null where it is none. */
export function objectIn(text) {
  try {
    const found = JSON.parse(text.trim() || "{}");
    return found instanceof Object && !Array.isArray(found) ? found : null;
  } catch {
    return null;
  }
}

/** What a further field says, as a request has it. */
function furtherValue({ kind, scale = 1 }, text) {
  if (kind === "flag") return { true: true, false: false }[text] ?? text;
  if (kind === "list") return text.split(",").map((one) => number(one.trim())).filter((one) => one !== undefined);
  const value = kind === "number" ? number(text) : text;
  return scale === 1 || typeof value !== "number" ? value : Math.round(value * scale);
}

const COUNTS = /^\d+$/;
/** A part of a request; of a list of unlike GPUs the first says what is said of all. */
const firstOf = (part) => (Array.isArray(part) ? part[0] : part);

function put(body, path, value, gpu) {
  const steps = path.split(".").map((step) => (step === "*" ? gpu : step)), last = steps.pop();
  const part = steps.reduce((at, step, index) => {
    const held = COUNTS.test(step) ? at : firstOf(at);
    held[step] ??= COUNTS.test(steps[index + 1]) ? [] : {};
    return held[step];
  }, body);
  firstOf(part)[last] = value;
}

/** Lay an object over a request: parts are joined, null takes a field away. */
function merge(body, more) {
  const isPart = (value) => value instanceof Object && !Array.isArray(value);
  const held = (key) => Object.hasOwn(body, key) && body[key];
  for (const [key, value] of Object.entries(more)) {
    if (value === null) delete body[key];
    else if (isPart(value) && isPart(held(key))) merge(body[key], value);
    else body[key] = value;
  }
}

/** A request with what further fields say; ``to``: which it is, without what it does not take. */
function withFurther(body, scenario, to) {
  for (const field of FURTHER) {
    const text = scenario[field.key].trim();
    if (text) put(body, field.key, furtherValue(field, text), scenario.g.trim());
  }
  if (body.kv_tiers) body.kv_tiers = body.kv_tiers.filter(Boolean);
  merge(body, objectIn(scenario.json) ?? { json: scenario.json });
  for (const part of LINKS.foreign[to]) delete body[part];
  return body;
}

/** Fields of the form that plans and the table of formats choose for themselves, or do not take. */
const IDLE = { plans: ["kv", "mem", "host", "hmem", "tp", "pp", "dp", "ep", "ev", "len", "util", "seqs"], fit: ["tp", "pp", "dp", "ep", "ev", "util", "seqs", "px"] };

/** What a scenario says that a request does not take. */
export function leftOut(scenario, to) {
  const foreign = (path) => LINKS.foreign[to].includes(path.split(".")[0]);
  const idle = (IDLE[to] ?? []).filter((key) => scenario[key] && scenario[key] !== DEFAULTS[key]).map((key) => LABELS[key]);
  return [...idle, ...saidOf(scenario).filter((group) => group.fields.some(({ key }) => scenario[key] && foreign(key))).map((group) => group.title), ...Object.keys(objectIn(scenario.json) ?? {}).filter(foreign)];
}

/** ``cache``: the format of the KV cache where the form leaves it open. */
export function deployment(scenario, source, cache = "auto", to = "estimate") {
  const layout = numbers(scenario, LAYOUT);
  const body = lean({
    model: modelPart(scenario, source),
    precision: lean({ weights: scenario.w || undefined, kv_cache: scenario.kv === "auto" ? cache : scenario.kv }),
    hardware: hardwarePart(scenario),
    parallelism: Object.keys(layout).length ? layout : undefined,
    engine: enginePart(scenario),
    workload: workloadPart(scenario),
  });
  return withFurther(body, scenario, to);
}

export function inspection(scenario, source, cache = "auto") {
  const asked = deployment(scenario, source, cache);
  const { input_tokens, output_tokens } = asked.workload;
  return { model: asked.model, precision: asked.precision, workload: lean({ input_tokens, output_tokens }) };
}

function prices(scenario) {
  return scenario.usd ? { [scenario.g]: number(scenario.usd) } : undefined;
}

/** Which quantization fits: the context that the form says, else the request's own length. */
export function fit(scenario, source) {
  const length = number(scenario.len) ?? (parsed(scenario.i) ?? 0) + (parsed(scenario.o) ?? 0);
  const at_once = scenario.load === "c" ? number(scenario.c) : scenario.load === "b" ? number(scenario.b) : undefined;
  return withFurther(lean({ model: modelPart(scenario, source), hardware: hardwarePart(scenario), context_tokens: length, concurrency: typeof at_once === "number" ? Math.min(at_once, 256) : at_once }), scenario, "fit");
}

/** Which requests targets hold for, as the service calls it; undefined: as it sees fit. */
export const percentileOf = (scenario) => (/^\d/.test(scenario.p) ? `p${scenario.p}` : scenario.p || undefined);

/** ``only``: on the scenario's GPU; ``own``: with its engine, release and weights. */
export function plans(scenario, source, objective, only, own) {
  const limits = lean({ ...numbers(scenario, { ttft: "ttft_s", tpot: "tpot_s", bud: "usd_per_hour", max: "max_gpus" }), percentile: percentileOf(scenario) });
  const workload = workloadPart(scenario);
  const gpus = only ? [scenario.g] : undefined;
  const engines = own ? [scenario.e === "ollama" ? "llama.cpp" : scenario.e] : undefined, formats = own && scenario.w ? [scenario.w] : undefined;
  return withFurther(lean({ model: modelPart(scenario, source), workload, limits, gpus, engines, formats, objective, prices: prices(scenario), max_plans: 10 }), scenario, "plans");
}

/** A grid over fields of the estimate, as NDJSON; the fields of the grid leave the base. ``alone``: requests by themselves. */
export function sweep(scenario, source, grid, alone = false) {
  const base = deployment(scenario, source);
  if (alone) {
    delete base.workload.sessions;
    delete base.kv_tiers;
  }
  if (Object.hasOwn(grid, "workload.concurrency")) {
    for (const load of Object.values(LOADS)) delete base.workload[load];
  }
  if (Object.hasOwn(grid, "hardware.gpu")) {
    // Every GPU with its own memory, and one kind at a time.
    base.hardware = firstOf(base.hardware);
    delete base.hardware.gpu_memory_bytes;
  }
  for (const path of Object.keys(grid)) {
    const [part, field] = path.split(".");
    delete base[part][field];
  }
  return { target: "serving_estimate", base, grid, format: "ndjson" };
}

const paths = (part, fields) => Object.entries(fields).map(([key, field]) => [`${part}.${field}`, key]);
const FIELDS = [...paths("model.custom", DIMENSIONS), ...paths("parallelism", LAYOUT), ...paths("workload.sessions", LINKS.session_fields), ...paths("workload", LOADS), ...LINKS.paths];

const PARTS = ["model", "precision", "hardware", "parallelism", "engine", "workload", "limits"];

/** Which field of the form the path of a request belongs to; "" where none does. */
function keyOf(path, scenario) {
  if (scenario.load === SESSIONS && path === `workload.${LOADS[SESSIONS]}`) return SESSIONS;
  const flags = Object.entries(ENGINE_FLAGS[scenario.e] ?? {});
  const flag = flags.find(([, name]) => path === `engine.${name}` || path === `engine.${scenario.e}.${name}`);
  if (flag) return flag[0];
  const plain = path.replace(/\[(\d+)\]/g, ".$1"), [head] = plain.split(".");
  const within = ([start]) => plain === start || plain.startsWith(`${start}.`);
  const found = FURTHER.map(({ key }) => [key.replace(/\.\*$/, ""), key]).find(within) ?? FIELDS.find(within);
  if (found) return found[1];
  // A part as a whole is said of the first of its fields; what no field says stands in the JSON.
  const part = FURTHER.find(({ key }) => key.startsWith(`${plain}.`) || (!PARTS.includes(head) && key.startsWith(`${head}.`)));
  return part?.key ?? (head in (objectIn(scenario.json) ?? { json: 0 }) ? "json" : "");
}

/** Which field of the form a refusal is about; "" where none is. A layout that was left open follows the GPUs. */
export function fieldOf(refusal, scenario) {
  const path = refusal.details?.field ?? refusal.details?.fields?.[0]?.field ?? refusal.error.split(":")[0];
  const key = keyOf(path, scenario);
  return key === "tp" && scenario.tp === "" ? "n" : key;
}

/** What one change does to the keys of a scenario: the layout follows the number of GPUs. */
export function changeOf(path, value, scenario) {
  if (["parallelism.tensor", "parallelism.pipeline", "hardware.count"].includes(path)) {
    return { n: String(value), tp: "", pp: "", dp: "", ep: "" };
  }
  const key = keyOf(path, scenario);
  return key in DEFAULTS ? { [key]: String(value) } : null;
}

/** What a change and all that goes with it do; null where the form has no field for one. A layout that is said keeps its other sizes. */
export function changesOf(fields, scenario) {
  const { "hardware.count": count, ...other } = fields;
  const layout = Object.keys(other).filter((path) => path.startsWith("parallelism."));
  if (!layout.length) {
    const sets = Object.entries(fields).map(([path, value]) => changeOf(path, value, scenario));
    return sets.every(Boolean) ? Object.assign({}, ...sets) : null;
  }
  const sets = Object.entries(other).map(([path, value]) => (layout.includes(path) ? sizeOf(path, value) : changeOf(path, value, scenario)));
  return sets.every(Boolean) ? Object.assign(count ? { n: String(count) } : {}, ...sets) : null;
}

function sizeOf(path, value) {
  const found = Object.entries(LAYOUT).find(([, field]) => path === `parallelism.${field}`);
  return found ? { [found[0]]: String(value) } : null;
}
