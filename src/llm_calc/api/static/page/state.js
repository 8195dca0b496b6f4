// The state of the page: up to four scenarios, of which one is edited; everything else follows from it.
import { computed, signal } from "../vendor/page/libraries.js";

export const VERSION = 1;
export const MOST_SCENARIOS = 4;
export const LETTERS = ["a", "b", "c", "d"];

/** The example that the page opens with; a link holds only what differs from it. */
export const DEFAULTS = Object.freeze({
  m: "llama-3.1-70b", w: "fp8", kv: "auto", g: "h100-80gb-sxm", n: "2", tp: "", pp: "", dp: "", ep: "",
  e: "vllm", i: "1024", o: "512", load: "c", c: "32", r: "2", b: "8", px: "", len: "16384",
  ttft: "", tpot: "", usd: "",
});

export const PRESETS = [
  { name: "Chat", set: { i: "1024", o: "512", load: "c", c: "32", len: "16384" } },
  { name: "RAG", set: { i: "8192", o: "512", load: "c", c: "16", len: "32768" } },
  { name: "Coding agent", set: { i: "16384", o: "1024", load: "c", c: "8", len: "65536", px: "0.6" } },
  { name: "Batch", set: { i: "2048", o: "512", load: "off", len: "8192" } },
];

export const scenarios = signal([{ ...DEFAULTS }]);
export const current = signal(0);
/** A pasted config.json or GGUF header of each scenario, kept out of the query of the link. */
export const sources = signal([null]);
export const unknownKeys = signal([]);
export const catalog = signal({ models: [], gpus: [] });
export const theme = signal("auto");

export const scenario = computed(() => scenarios.value[current.value]);
export const source = computed(() => sources.value[current.value] ?? null);

export function change(fields) {
  scenarios.value = scenarios.value.map((each, at) => (at === current.value ? { ...each, ...fields } : each));
}

export function setSource(content) {
  const next = [...sources.value];
  next[current.value] = content;
  sources.value = next;
}

export function addScenario() {
  if (scenarios.value.length >= MOST_SCENARIOS) return;
  sources.value = [...sources.value, source.value];
  scenarios.value = [...scenarios.value, { ...scenario.value }];
  current.value = scenarios.value.length - 1;
}

export function removeScenario(at) {
  if (scenarios.value.length < 2) return;
  const keep = (list) => list.filter((_, index) => index !== at);
  const next = Math.max(0, current.value - (at <= current.value ? 1 : 0));
  sources.value = keep(sources.value);
  current.value = 0;
  scenarios.value = keep(scenarios.value);
  current.value = Math.min(next, scenarios.value.length - 1);
}

/** Whether the example stands untouched. */
export const isExample = computed(
  () => scenarios.value.length === 1 && !source.value
    && Object.keys(DEFAULTS).every((key) => scenarios.value[0][key] === DEFAULTS[key]),
);

export const gpu = computed(() => {
  const name = scenario.value.g.toLowerCase();
  return catalog.value.gpus.find((row) => row.id === name || row.aliases.includes(name)) ?? null;
});

export const model = computed(() => {
  const name = scenario.value.m.toLowerCase();
  return catalog.value.models.find((row) => row.name === name || row.aliases.includes(name)) ?? null;
});
