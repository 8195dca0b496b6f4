// Asking the service: as one types, cancelled when the question changes, never answered out of order.
import { computed, effect, signal } from "../vendor/page/libraries.js";
import { catalog, deviceOf, gpu, LINKS, LISTS, saidOf, scenario, scenarios, source, sources, version, view } from "./state.js";
import { gpusOf } from "./figures.js";
import { parsed } from "./numbers.js";
import * as requests from "./requests.js";

const SOON_MS = 60;
const LATER_MS = 400;

class Refused extends Error {
  /** ``after``: seconds until a busy service is likely to have a place. */
  constructor(body, after) {
    super(body.error);
    this.body = body;
    this.after = after;
  }
}

async function post(path, body, signalOf) {
  const response = await fetch(path, {
    method: "POST", headers: { "content-type": "application/json" }, body: requests.textOf(body), signal: signalOf,
  });
  const text = await response.text();
  if (response.ok) return text;
  let answer;
  try { answer = JSON.parse(text); } catch { answer = { error: `The service answered ${response.status}.` }; }
  throw new Refused(answer, Number(response.headers.get("retry-after")));
}

const DOWN = { error: "The calculator process does not answer.", down: true };
const refusalOf = (problem) => (problem instanceof Refused ? problem.body : DOWN);

/** One question whose answer is kept: the last good one stays while a new one is on its way or refused. */
class Answer {
  /** ``fetcher``: from an abort signal and what is asked to the answer. */
  constructor(fetcher) {
    this.state = signal({ status: "loading", data: null, error: null, at: null, asked: null });
    /** Whether it waits until its card is in view, and whether that is so. */
    this.lazy = false;
    this.wanted = signal(true);
    this.fetcher = fetcher;
    this.turn = 0;
  }

  /** The answer is of an older scenario from now on: a new one is on its way, or will be once it is wanted. */
  outdate() {
    this.turn += 1;
    this.controller?.abort();
    this.state.value = { ...this.state.peek(), status: this.wanted.peek() ? "loading" : "stale" };
  }

  async ask(...given) {
    this.outdate();
    this.state.value = { ...this.state.peek(), status: "loading" };
    const turn = this.turn;
    this.controller = new AbortController();
    try {
      const data = await this.fetcher(this.controller.signal, ...given);
      if (turn === this.turn) this.state.value = { status: "ready", data, error: null, at: new Date(), asked: given };
    } catch (problem) {
      if (turn !== this.turn || problem.name === "AbortError") return;
      this.state.value = { ...this.state.peek(), status: "error", error: refusalOf(problem) };
      // What a busy service refused is asked again when it said, unless something else is asked by then.
      if (problem.after > 0) setTimeout(() => { if (turn === this.turn) this.ask(...given); }, 1000 * problem.after);
    }
  }
}

/** The answer of one endpoint, as JSON unless it is read otherwise. */
const asked = (path, body, read = JSON.parse) => async (stop, ...given) => read(await post(path, body(...given), stop));
const rows = (text) => text.trim().split("\n").map((line) => JSON.parse(line));
/** From two on: one request at a time is another kind of load, with measurements of its own. */
const CONCURRENCIES = [2, 4, 8, 16, 32, 64, 128, 256, 512];
const IN_FLIGHT = "workload.concurrency", PROMPT = "workload.input_tokens", DEVICE = "hardware.gpu";
const MAP_CONTEXTS = [1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072];
const MAP_CONCURRENCIES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

const curveBody = (each, from) => requests.sweep(each, from, { [IN_FLIGHT]: CONCURRENCIES });

/** Prompts that fill the contexts of the map once the answer is written. */
function mapBody(each, from) {
  const output = parsed(each.o) || 1;
  const prompts = MAP_CONTEXTS.map((context) => context - output).filter((prompt) => prompt > 0);
  return requests.sweep(each, from, { [PROMPT]: prompts, [IN_FLIGHT]: MAP_CONCURRENCIES }, true);
}

const gpusBody = (each, from) => requests.sweep(each, from, { [DEVICE]: catalog.peek().gpus.map((row) => row.id) }, true);

const AGAIN_MS = 5000;

export const memory = new Answer(asked("api/memory_plan", (each, from, cache) => requests.deployment(each, from, cache, "memory")));
export const estimate = new Answer(asked("api/serving_estimate", requests.deployment));
export const inspection = new Answer(asked("api/inspect_model", requests.inspection));
export const curve = new Answer(asked("api/sweep", curveBody, rows));
export const map = new Answer(asked("api/sweep", mapBody, rows));
export const everyGpu = new Answer(asked("api/sweep", gpusBody, rows));
export const plans = new Answer(asked("api/deployment_plans", (each, from) => requests.plans(each, from, view.peek().by, view.peek().on === "this", view.peek().with === "own")));
export const fit = new Answer(asked("api/fit", requests.fit));
/** What single changes would do; null until the first were tried. */
export const variants = signal(null);
/** Answers to all scenarios, with the scenarios that they answer; null where there is one alone. */
export const comparisons = signal(null);

for (const question of [map, everyGpu, plans, fit]) {
  question.lazy = true;
  question.wanted.value = false;
  question.state.value = { ...question.state.peek(), status: "stale" };
}

let pair = { served: null, plan: null, asked: null, at: null };

/** Estimate and memory of one and the same scenario: figures of two questions are never shown beside each other. */
export const together = computed(() => {
  const [one, other] = [estimate.state.value, memory.state.value];
  const same = one.asked && other.asked && one.asked[0] === other.asked[0] && one.asked[1] === other.asked[1];
  if (same) pair = { served: one.data, plan: other.data, asked: one.asked, at: one.at };
  return pair;
});

/** The scenario whose answer is shown: the last good one, while a new one is on its way or refused. */
export const answered = computed(() => {
  const [each] = together.value.asked ?? [scenario.value];
  return { scenario: each, device: deviceOf(each) };
});

/** Whether no process answers, or none did at the last question. */
export const down = computed(() => [estimate, memory].some((question) => question.state.value.status === "error" && question.state.value.error.down));

/** Memory and model are asked with the cache format that the estimate took, so that all three speak of the same. */
async function askNow(...given) {
  await estimate.ask(...given);
  if (given[0] !== scenario.peek() || given[1] !== source.peek()) return;
  const { status, data } = estimate.state.peek();
  const cache = status === "ready" ? data.resolved.kv_cache : "auto";
  await Promise.all([memory.ask(...given, cache), inspection.ask(...given, cache)]);
}

/** Where no process answered: once more, with whatever failed with it. */
export async function askAgain() {
  const given = [scenario.peek(), source.peek()];
  await askNow(...given);
  if (estimate.state.peek().error?.down) setTimeout(() => { if (down.peek()) askAgain(); }, AGAIN_MS);
  else {
    curve.ask(...given);
    if (!catalog.peek().gpus.length) loadCatalog();
  }
}

/** Ask ``act`` a while after what it reads has changed; at once the first time. */
function settled(milliseconds, act) {
  let timer, first = true;
  effect(() => {
    const ready = act();
    clearTimeout(timer);
    if (ready) timer = setTimeout(ready, first ? 0 : milliseconds);
    first = false;
  });
}

/** A question of a card further down: asked when the card is in view and the scenario is another than before. */
function followInView(question, ready = () => true) {
  let last = [];
  effect(() => {
    const given = [scenario.value, source.value];
    if (last.length && (given[0] !== last[0] || given[1] !== last[1])) question.outdate();
  });
  settled(LATER_MS, () => {
    const given = [scenario.value, source.value];
    if (!question.wanted.value || !ready() || (given[0] === last[0] && given[1] === last[1])) return null;
    return () => { last = given; question.ask(...given); };
  });
}

let complete = false;

/** Whether there was a first answer to everything in view: cards come at once then, and nothing jumps. */
export const begun = computed(() => {
  const states = [estimate, memory, inspection, curve].map((question) => question.state.value);
  const settled = states.every(({ data, status }) => data || status === "error");
  complete ||= settled && (variants.value !== null || estimate.state.value.status === "error");
  return complete;
});

export function follow() {
  let first = true;
  effect(() => {
    const given = [scenario.value, source.value];
    if (!first && given) for (const question of [estimate, memory, inspection, curve]) question.outdate();
    first = false;
  });
  settled(SOON_MS, () => {
    const given = [scenario.value, source.value];
    return () => askNow(...given);
  });
  effect(() => { if (down.value) setTimeout(askAgain, AGAIN_MS); });
  settled(LATER_MS, () => {
    const given = [scenario.value, source.value];
    return () => curve.ask(...given);
  });
  followInView(map);
  followInView(everyGpu, () => catalog.value.gpus.length > 0);
  followInView(plans);
  followInView(fit);
  settled(LATER_MS, () => {
    const [each, from, device, answered] = [scenario.value, source.value, gpu.value, estimate.state.value.status];
    return answered === "ready" ? () => tryVariants(each, from, device) : null;
  });
  settled(LATER_MS, () => {
    const [all, from] = [scenarios.value, sources.value];
    if (all.length > 1) return () => compareAll(all, from);
    comparisons.value = null;
    return null;
  });
}

/** Single changes worth a look, as keys of a scenario. */
function candidates(each, device) {
  const count = gpusOf(each), layout = { tp: "", pp: "", dp: "", ep: "" };
  const served = estimate.state.peek().data;
  const found = [];
  const bits = served?.resolved.weights_bits ?? 0, [fewer, cache] = LISTS.smaller[each.e] ?? [];
  if (device?.supported_precisions.includes("fp8") && bits === 16 && LISTS.weights[each.e]?.includes("fp8")) found.push(["Weights in fp8", { w: "fp8" }]);
  if (fewer && bits > 4.5) found.push([`Weights in ${fewer}`, { w: fewer }]);
  if (cache && /16$/.test(served?.resolved.kv_cache)) found.push([`KV cache in ${cache}`, { kv: cache }]);
  if (!device?.memory_options_gb?.length && count >= 1 && count <= 512) found.push([`${2 * count} GPUs instead of ${count}`, { n: String(2 * count), ...layout }]);
  if (count >= 2 && count % 2 === 0) found.push([`${count / 2} ${count === 2 ? "GPU" : "GPUs"} instead of ${count}`, { n: String(count / 2), ...layout }]);
  // What was said beside is seen in what is without it.
  for (const { title, fields } of saidOf(each)) if (!LINKS.foreign.estimate.includes(fields[0].key.split(".")[0])) found.push([`Without: ${title}`, Object.fromEntries(fields.map(({ key }) => [key, ""]))]);
  return found;
}

/** The estimate of a scenario, and the memory with the cache format that it took. */
async function servedAndPlanned(each, from, stop) {
  const served = JSON.parse(await post("api/serving_estimate", requests.deployment(each, from), stop));
  const kept = requests.deployment(each, from, served.resolved.kv_cache, "memory");
  return { served, plan: JSON.parse(await post("api/memory_plan", kept, stop)) };
}

/** Answers to several questions at once, of which only those to the last set are kept. */
class Latest {
  constructor() {
    this.controller = new AbortController();
  }

  async of(list, ask, failed) {
    this.controller.abort();
    this.controller = new AbortController();
    const { signal: stop } = this.controller;
    const found = await Promise.all(list.map((one, at) => ask(one, stop, at).catch((problem) => failed(problem))));
    return stop.aborted ? null : found;
  }
}

const trying = new Latest(), comparing = new Latest();

/** What single changes would do: the estimate and the memory of each beside those of the scenario. */
async function tryVariants(each, from, device) {
  const now = estimate.state.peek().data;
  const ask = async ([name, set], stop) => {
    const { served, plan } = await servedAndPlanned({ ...each, ...set }, from, stop);
    return { name, set, now, served, plan };
  };
  // A change that the engine or the GPU cannot run is no advice.
  const found = await trying.of(candidates(each, device), ask, () => null);
  if (found) variants.value = { each, rows: found.filter(Boolean) };
}

async function compareAll(all, from) {
  const ask = async (each, stop, at) => {
    const [found, points] = await Promise.all([servedAndPlanned(each, from[at], stop), post("api/sweep", curveBody(each, from[at]), stop).then(rows)]);
    return { ...found, points, error: null };
  };
  const found = await comparing.of(all, ask, (problem) => ({ served: null, plan: null, points: [], error: refusalOf(problem).error }));
  if (found) comparisons.value = { all, from, answers: found };
}

export async function loadCatalog() {
  const read = async (path) => { const response = await fetch(path); return response.ok ? response.json() : null; };
  const [models, gpus] = await Promise.all(["api/available_models", "api/available_gpus"].map(read));
  catalog.value = { models: models ?? [], gpus: gpus ?? [] };
  version.value = await read("api/version");
}
