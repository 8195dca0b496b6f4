// The service's sentences and names of fields, in the words of the page.

const FIELDS = {
  "workload.concurrency": "concurrent requests", "workload.input_tokens": "input", "workload.output_tokens": "output", workload: "load",
  "workload.request_rate": "arrivals", "workload.prefix_cache_hit_fraction": "cached prefix", "precision.kv_cache": "KV cache", "precision.weights": "weights",
  "hardware.count": "number of GPUs", "hardware.gpu": "GPU", "hardware.gpu_memory_bytes": "memory of a GPU", "hardware.host": "host", "hardware.host.memory_bytes": "memory of the host", hardware: "memory",
  model: "model", "model.name": "model name", "model.hf_config": "config.json", "model.gguf_base64": "GGUF header", "engine.version": "release of the engine",
  "engine.gpu_memory_utilization": "GPU memory share", "engine.max_model_len": "longest context", "engine.n_ctx": "longest context",
  "limits.usd_per_hour": "budget", "limits.ttft_s": "TTFT target", "limits.tpot_s": "TPOT target", "limits.max_gpus": "most GPUs", gpus: "GPU", prices: "price of a GPU", parallelism: "layout", "parallelism.tensor": "tensor parallel",
  "parallelism.pipeline": "pipeline parallel", "parallelism.data": "data parallel", "parallelism.expert": "expert parallel",
};
const DIFFERENCES = {
  input_tokens: "input", output_tokens: "output", requests: "requests at once", tensor: "tensor parallel GPUs", pipeline: "pipeline stages",
  data: "data parallel groups", expert: "expert parallel GPUs", gpu: "GPU", kv_cache: "KV cache",
};

/** What a published run differs in: "input_tokens 8x" as "input (8×)". */
export function differing(text) {
  const [name, ...rest] = text.split(" ");
  const much = rest.join(" ").replace(/x$/, "×");
  return `${DIFFERENCES[name] ?? name}${much ? ` (${much})` : ""}`;
}

/** A sentence of the service; a field at its start goes by its name here, a format keeps its case. */
export function sentence(text) {
  const found = /^(?:base\.)?([a-z_.0-9]+): /.exec(text);
  const named = found && FIELDS[found[1]] ? `${FIELDS[found[1]]}: ${text.slice(found[0].length)}` : text;
  const start = /^[a-z]+[ :]/.test(named) && !/^(fp|bf|int)\d/.test(named) ? named[0].toUpperCase() : named[0];
  return `${start}${named.slice(1)}${/[.!?]$/.test(named) ? "" : "."}`;
}
