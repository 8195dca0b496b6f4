// Asking the service: as one types, cancelled when the question changes, never answered out of order.
import { effect, signal } from "../vendor/page/libraries.js";
import { current, scenario, scenarios, source, sources } from "./state.js";
import * as requests from "./requests.js";

const DEBOUNCE_MS = 120;
const LATER_MS = 450;

export class Refused extends Error {
  constructor(status, body) {
    super(body.error);
    this.status = status;
    this.body = body;
  }
}

export async function post(path, body, signalOf) {
  const response = await fetch(path, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal: signalOf,
  });
  const text = await response.text();
  if (!response.ok) {
    let answer;
    try { answer = JSON.parse(text); } catch { answer = { error: `The service answered ${response.status}.` }; }
    throw new Refused(response.status, answer);
  }
  return text;
}

/** One question whose answer is kept: the last good one stays while a new one is on its way or refused. */
export class Answer {
  constructor(path, body, parse = JSON.parse) {
    this.state = signal({ status: "loading", data: null, error: null, at: null });
    this.path = path;
    this.body = body;
    this.parse = parse;
    this.turn = 0;
  }

  async ask(...given) {
    const turn = ++this.turn;
    this.controller?.abort();
    this.controller = new AbortController();
    this.state.value = { ...this.state.value, status: "loading" };
    try {
      const data = this.parse(await post(this.path, this.body(...given), this.controller.signal));
      if (turn === this.turn) this.state.value = { status: "ready", data, error: null, at: new Date() };
    } catch (error) {
      if (turn !== this.turn || error.name === "AbortError") return;
      const refusal = error instanceof Refused ? error.body : { error: "The calculator process does not answer.", down: true };
      this.state.value = { ...this.state.value, status: "error", error: refusal };
    }
  }
}

const rows = (text) => text.trim().split("\n").map((line) => JSON.parse(line));
/** From two on: one request at a time is another kind of load, with measurements of its own. */
const CONCURRENCIES = [2, 4, 8, 16, 32, 64, 128, 256, 512];

export const memory = new Answer("/api/memory_plan", requests.deployment);
export const estimate = new Answer("/api/serving_estimate", requests.deployment);
export const inspection = new Answer("/api/inspect_model", requests.inspection);
export const curve = new Answer("/api/sweep", (...given) => requests.sweep(...given, "workload.concurrency", CONCURRENCIES), rows);
export const everyGpu = new Answer("/api/sweep", (given, from, ids) => requests.sweep(given, from, "hardware.gpu", ids), rows);
export const plans = new Answer("/api/deployment_plans", requests.plans);
export const comparisons = signal([]);

plans.state.value = { status: "idle", data: null, error: null, at: null };
everyGpu.state.value = { status: "idle", data: null, error: null, at: null };

let soon, later;

/** The memory plan follows the estimate, so that both keep the cache in the same format. */
async function askAll() {
  const given = [scenario.value, source.value];
  inspection.ask(...given);
  await estimate.ask(...given);
  if (given[0] !== scenario.value || given[1] !== source.value) return;
  const { status, data } = estimate.state.value;
  memory.ask(...given, status === "ready" ? data.resolved.kv_cache : "auto");
}

/** Ask anew whenever the scenario changes. */
export function follow() {
  let first = true;
  effect(() => {
    const given = [scenario.value, source.value];
    clearTimeout(soon);
    clearTimeout(later);
    soon = setTimeout(askAll, first ? 0 : DEBOUNCE_MS);
    later = setTimeout(() => curve.ask(...given), first ? 60 : LATER_MS);
    for (const question of [memory, estimate, inspection]) if (!first) question.state.value = { ...question.state.peek(), status: "loading" };
    for (const question of [plans, everyGpu]) if (question.state.peek().data) question.state.value = { ...question.state.peek(), status: "stale" };
    first = false;
  });
  effect(() => compareAll(scenarios.value, sources.value, current.value));
}

let comparing;

function compareAll(all, from) {
  clearTimeout(comparing);
  if (all.length < 2) { comparisons.value = []; return; }
  comparing = setTimeout(async () => {
    const answers = await Promise.all(all.map(async (each, at) => {
      const body = requests.deployment(each, from[at]);
      try {
        const served = JSON.parse(await post("/api/serving_estimate", body));
        const kept = requests.deployment(each, from[at], served.resolved.kv_cache);
        return { served, plan: JSON.parse(await post("/api/memory_plan", kept)), error: null };
      } catch (problem) {
        return { served: null, plan: null, error: problem.message };
      }
    }));
    comparisons.value = answers;
  }, LATER_MS);
}

export async function loadCatalog(catalog) {
  const [models, gpus] = await Promise.all(["/api/available_models", "/api/available_gpus"].map(async (path) => (await fetch(path)).json()));
  catalog.value = { models, gpus };
}
