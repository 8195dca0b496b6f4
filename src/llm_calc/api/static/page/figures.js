// Figures that follow from answers: the word of the verdict, cost, likely ranges, what decides the time.
import { DASH, parsed, percent } from "./numbers.js";

const TIGHT_FRACTION = 0.05;
/** What an answer rests on. */
export const CHIPS = { measured: "Measured", calibrated: "Calibrated", formula_only: "Formula only" };

/** Whether the engine starts and holds at least one request: only then is a speed an answer. */
export function runs(plan) {
  return Boolean(plan) && (plan.fits || (plan.starts && plan.sequences_that_fit >= 1 && plan.asked_context_tokens <= plan.max_model_len_tokens));
}

/** Tone, icon and word of a memory plan. */
export function verdict(plan) {
  if (!plan) return ["unknown", "?", "Unknown"];
  if (!plan.fits) return runs(plan) ? ["warn", "⚠", "Does not hold all at once"] : ["bad", "✕", "Does not fit"];
  const tight = plan.headroom_bytes < TIGHT_FRACTION * plan.per_gpu.memory_bytes;
  return tight ? ["warn", "⚠", "Tight"] : ["fits", "✓", "Fits"];
}

/** GPUs of a scenario; one where the field is empty. */
export const gpusOf = (each) => parsed(each.n) ?? 1;

/** Rent of all GPUs of a scenario [USD/h]; null where no price is known. */
export function rentPerHour(each, device) {
  // Two kinds of GPUs have two prices, of which the page knows one.
  if (each["disaggregated.decode_hardware.gpu"]) return null;
  const price = each.usd === "" ? device?.typical_usd_per_hour : parsed(each.usd), count = gpusOf(each);
  return price == null || Number.isNaN(price) || Number.isNaN(count) ? null : price * count;
}

/** Rent over generated tokens [USD/10^6 tokens]. */
export function costPerMillion(each, device, served) {
  const rent = rentPerHour(each, device);
  return rent === null || !served ? null : (rent / 3600 / served.output_tokens_per_s) * 1e6;
}

/** Ends of the likely range of a figure over its value; null where none is known. */
export function spread(served, key) {
  const range = served?.interval[key];
  return range ? [range.low / served[key], range.high / served[key]] : null;
}

export const operatorsOf = (served, phase) => (served?.operators ?? []).filter((each) => each.phase === phase && each.seconds > 0);
export const secondsOf = (operators) => operators.reduce((sum, each) => sum + each.seconds, 0);

export const BOUNDS = {
  memory: { name: "Memory", tone: "s1", means: "waiting for weights and cache to stream from GPU memory" },
  compute: { name: "Compute", tone: "s4", means: "multiplying" },
  communication: { name: "Interconnect", tone: "s3", means: "exchanging data between GPUs" },
  launch: { name: "Overhead", tone: "s5", means: "scheduling and starting kernels" },
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

/** Whether arrivals come faster than they are served: the queue grows without end. */
export function overloaded(each, served) {
  return Boolean(served) && each.load === "r" && served.requests_per_s < 0.98 * parsed(each.r);
}

/** Whether a value keeps a target of the form; null where there is none. */
export function keeps(value, target) {
  const limit = parsed(target);
  return limit === undefined || Number.isNaN(limit) || value == null ? null : value <= limit;
}
