// From the form to the bodies of requests, and from a refused field back to the form.

const number = (text) => (text === "" ? undefined : Number(text));

function lean(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

export function modelPart(scenario, source) {
  if (!source) return { name: scenario.m };
  return source.kind === "gguf" ? { gguf_base64: source.content } : { hf_config: source.content };
}

function layout(scenario) {
  const sizes = lean({
    tensor: number(scenario.tp), pipeline: number(scenario.pp), data: number(scenario.dp), expert: number(scenario.ep),
  });
  return Object.keys(sizes).length ? sizes : undefined;
}

export function workloadPart(scenario) {
  const loads = {
    c: { concurrency: number(scenario.c) }, r: { request_rate: number(scenario.r) },
    b: { batch: number(scenario.b) }, off: { offline: true },
  };
  return lean({
    input_tokens: number(scenario.i), output_tokens: number(scenario.o), ...loads[scenario.load],
    prefix_cache_hit_fraction: number(scenario.px),
  });
}

const LENGTH_FLAG = { vllm: "max_model_len", sglang: "context_length", trtllm: "max_seq_len", "llama.cpp": "n_ctx", generic: "max_model_len" };

export function enginePart(scenario) {
  const length = number(scenario.len);
  return lean({ name: scenario.e, [LENGTH_FLAG[scenario.e]]: length });
}

/** ``cache``: the format of the KV cache where the form leaves it open. */
export function deployment(scenario, source, cache = "auto") {
  return lean({
    model: modelPart(scenario, source),
    precision: lean({ weights: scenario.w || undefined, kv_cache: scenario.kv === "auto" ? cache : scenario.kv }),
    hardware: { gpu: scenario.g, count: number(scenario.n) },
    parallelism: layout(scenario),
    engine: enginePart(scenario),
    workload: workloadPart(scenario),
  });
}

export function inspection(scenario, source) {
  return lean({
    model: modelPart(scenario, source),
    precision: lean({ weights: scenario.w || undefined, kv_cache: scenario.kv || "auto" }),
    workload: lean({ input_tokens: number(scenario.i), output_tokens: number(scenario.o) }),
  });
}

export function plans(scenario, source) {
  const prices = scenario.usd ? { [scenario.g]: number(scenario.usd) } : undefined;
  return lean({
    model: modelPart(scenario, source),
    workload: workloadPart(scenario),
    limits: lean({ ttft_s: number(scenario.ttft), tpot_s: number(scenario.tpot) }),
    prices,
    max_plans: 8,
  });
}

/** A grid over one field of the estimate, as NDJSON. */
export function sweep(scenario, source, path, values) {
  const base = deployment(scenario, source);
  if (path.startsWith("workload.")) base.workload = lean({ input_tokens: base.workload.input_tokens, output_tokens: base.workload.output_tokens });
  return { target: "serving_estimate", base, grid: { [path]: values }, format: "ndjson" };
}

const FIELDS = [
  ["model", "m"], ["precision.weights", "w"], ["precision.kv_cache", "kv"], ["hardware.gpu", "g"],
  ["hardware.count", "n"], ["parallelism.tensor", "tp"], ["parallelism.pipeline", "pp"], ["parallelism.data", "dp"],
  ["parallelism.expert", "ep"], ["engine.name", "e"], ["engine", "len"], ["workload.input_tokens", "i"],
  ["workload.output_tokens", "o"], ["workload.concurrency", "c"], ["workload.request_rate", "r"], ["workload.batch", "b"],
  ["workload.prefix_cache_hit_fraction", "px"], ["limits.ttft_s", "ttft"], ["limits.tpot_s", "tpot"], ["prices", "usd"],
];

/** Which field of the form an error is about; "" where none is. */
export function fieldOf(refusal) {
  const path = refusal.details?.field ?? refusal.details?.fields?.[0]?.field ?? refusal.error.split(":")[0];
  const found = FIELDS.find(([start]) => path === start || path.startsWith(`${start}.`) || path.startsWith(`${start}[`));
  return found ? found[1] : "";
}
