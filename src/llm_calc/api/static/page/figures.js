// Figures that follow from answers: the word of the verdict, cost, likely ranges, what decides the time.
import { DASH, percent } from "./numbers.js";

const TIGHT_FRACTION = 0.05;

/** Whether the engine starts and holds at least one request: only then is a speed an answer. */
export function runs(plan) {
  return Boolean(plan) && plan.kv_cache_tokens >= plan.asked_context_tokens && plan.max_concurrency >= 1;
}

/** Tone, icon and word of a memory plan. */
export function verdict(plan) {
  if (!plan) return ["unknown", "?", "Unknown"];
  if (!plan.fits) return runs(plan) ? ["warn", "⚠", "Does not hold all at once"] : ["bad", "✕", "Does not fit"];
  const tight = plan.headroom_bytes < TIGHT_FRACTION * plan.per_gpu.memory_bytes;
  return tight ? ["warn", "⚠", "Tight"] : ["fits", "✓", "Fits"];
}

/** Rent of all GPUs of a scenario [USD/h]; null where no price is known. */
export function rentPerHour(each, device) {
  const price = each.usd === "" ? device?.typical_usd_per_hour : Number(each.usd);
  return price == null || Number.isNaN(price) ? null : price * Number(each.n);
}

/** Rent over generated tokens [USD/10^6 tokens]. */
export function costPerMillion(each, device, served) {
  const rent = rentPerHour(each, device);
  return rent === null || !served ? null : (rent / 3600 / served.output_tokens_per_s) * 1e6;
}

/** Ends of the likely range over the value: of the throughput, else of the time per token that it follows. */
export function spreadOf(served) {
  const own = served?.interval.output_tokens_per_s, pace = served?.interval.tpot_s;
  if (own) return [own.low / served.output_tokens_per_s, own.high / served.output_tokens_per_s];
  return pace ? [served.tpot_s / pace.high, served.tpot_s / pace.low] : null;
}

/** The same for one figure of a run. */
export function spread(served, key) {
  if (key === "output_tokens_per_s") return spreadOf(served);
  const range = served?.interval[key];
  return range ? [range.low / served[key], range.high / served[key]] : null;
}

export const operatorsOf = (served, phase) => (served?.operators ?? []).filter((each) => each.phase === phase && each.seconds > 0);
export const secondsOf = (operators) => operators.reduce((sum, each) => sum + each.seconds, 0);

export const BOUNDS = {
  memory: { name: "Memory", tone: "s1", means: "waiting for weights and cache to stream from GPU memory" },
  compute: { name: "Compute", tone: "s4", means: "multiplying" },
  communication: { name: "Links", tone: "s3", means: "exchanging data between GPUs" },
  launch: { name: "Launches", tone: "s5", means: "scheduling and starting kernels" },
};

/** Time of a phase by what bounds it: [[bound, seconds]], longest first. */
export function byBound(served, phase) {
  const sums = new Map();
  for (const each of operatorsOf(served, phase)) sums.set(each.bound, (sums.get(each.bound) ?? 0) + each.seconds);
  return [...sums].sort((one, other) => other[1] - one[1]);
}

/** What most of a decode step waits for, in words. */
export function boundOf(served) {
  const shares = byBound(served, "decode");
  if (!shares.length) return [DASH, ""];
  const total = shares.reduce((sum, [, seconds]) => sum + seconds, 0);
  return [BOUNDS[shares[0][0]].name, `${percent(shares[0][1] / total)} of a decode step`];
}

/** Whether a value keeps a target of the form; null where there is none. */
export function keeps(value, target) {
  const limit = Number(target);
  return target === "" || Number.isNaN(limit) || value == null ? null : value <= limit;
}
