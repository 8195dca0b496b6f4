// The state of the page: up to four scenarios, of which one is edited; everything else follows from it.
import { computed, signal } from "../vendor/page/libraries.js";
import { loadOf, namesOf } from "./names.js";
import { parsed } from "./numbers.js";

export const LETTERS = ["a", "b", "c", "d"];

/** What a link means where it is silent, its keys and their fields: one file, read by the command line too. */
export const LINKS = JSON.parse(document.getElementById("links").textContent);
export const VERSION = LINKS.version;
export const DEFAULTS = Object.freeze(LINKS.defaults);
export const MOST_SCENARIOS = LINKS.most_scenarios;
export const ENGINE_FLAGS = LINKS.engine_flags;
/** Names of what quantizers write beside a config.json. */
export const BESIDE = LINKS.files_beside;
export const CUSTOM = LINKS.custom_model;
/** What is offered for choice: engines, formats and hosts of the catalogs, loads by name. */
export const LISTS = LINKS.lists;
/** Groups of fields that the page draws as the service lists them; a field's key is its path in a request. */
export const GROUPS = LINKS.further;
/** Each of these fields once, though several engines may have it. */
export const FURTHER = Object.values(Object.fromEntries(GROUPS.flatMap((group) => group.fields).map((field) => [field.key, field])));
/** What each key is called. */
export const LABELS = { ...LISTS.labels, ...Object.fromEntries(FURTHER.map(({ key, label }) => [key, label])) };
/** The groups of which a scenario says something. */
export const saidOf = (each) => GROUPS.filter((group) => (group.engine ?? each.e) === each.e && group.fields.some(({ key }) => each[key]));

export const scenarios = signal([{ ...DEFAULTS }]);
export const current = signal(0);
/** A pasted config.json or GGUF header of each scenario, kept out of the query of the link. */
export const sources = signal([null]);
export const unknownKeys = signal([]);
export const catalog = signal({ models: [], gpus: [] });
/** Version of the program and of its data: what a link was made with, and what answers now. */
export const linkedData = signal("");
export const version = signal(null);
export const theme = signal("auto");
/** How it is looked at: figures of charts, orders of lists; part of the link. */
export const view = signal({ ...LINKS.view });

export function look(fields) {
  view.value = { ...view.value, ...fields };
}

export const scenario = computed(() => scenarios.value[current.value]);
export const source = computed(() => sources.value[current.value] ?? null);

/** The chip of a name as people type it: with its maker before it, with its memory behind it where it is sold so. */
function chipOf({ g }) {
  const plain = g.trim().replace(/^(nvidia|amd|intel|apple) +/i, ""), whole = named(catalog.value.gpus, plain, "id");
  const [, name, gb] = /^(.*?)[ -]?(\d+) ?gb$/i.exec(plain) ?? [];
  const row = name && !whole && named(catalog.value.gpus, name, "id");
  return row && [row.vram_gb, ...(row.memory_options_gb ?? [])].includes(Number(gb)) ? { ...row, vram_gb: Number(gb) } : whole;
}

/** A chip goes with an engine that runs on it. */
function withEngine(now, fields) {
  const device = "g" in fields && fields.g !== now.g && chipOf(fields);
  const runs = (engine) => !device || (LISTS.runs[engine] ?? [device.id]).includes(device.id);
  return runs(fields.e ?? now.e) ? fields : { ...fields, e: LISTS.engines.find(([engine]) => runs(engine))[0] };
}

/** A context that a model has positions for, where the form says a longer one. */
export const within = (most, each) => (most < parsed(each.len) ? { len: String(most) } : {});

/** What belongs to what was changed, and goes with it. */
function following(now, fields) {
  const anew = (key) => key in fields && fields[key] !== now[key], found = {};
  // A price and a memory of one's own are those of one kind of GPU.
  if (anew("g")) Object.assign(found, { usd: "", mem: "", host: "", hmem: "" });
  // A model comes in the format in which it was published.
  if (anew("m")) Object.assign(found, { w: "" }, within(named(catalog.value.models, fields.m, "name")?.seq_len, now));
  // One that shares the machine's memory is one machine, of one user.
  if (anew("g") && chipOf(fields)?.memory_options_gb?.length) Object.assign(found, { n: "1", c: "1", tp: "", pp: "", dp: "", ep: "" });
  // Options of an engine are its own, also where another has one of the same kind: shares of memory are of other wholes.
  if (anew("e")) Object.assign(found, { ev: "", host: "", hmem: "", util: "", seqs: "" }, ...FURTHER.filter(({ key }) => key.startsWith("engine.")).map(({ key }) => ({ [key]: "" })));
  if (anew("e") && now.load === "s" && LISTS.without_sessions.includes(fields.e)) found.load = "c";
  // Neither takes the other's formats.
  if (anew("e") && [fields.e, now.e].some((each) => LISTS.own.includes(each))) Object.assign(found, { w: "", kv: "auto" });
  return found;
}

export function change(fields) {
  const now = scenario.value, said = withEngine(now, fields);
  scenarios.value = scenarios.value.map((each, at) => (at === current.value ? { ...each, ...following(now, said), ...said } : each));
}

/** One press that changes the scenario: Back undoes it, and the focus does not fall off the page. */
export function apply(fields) {
  history.pushState(null, "", location.href);
  change(fields);
  keepFocus();
}

/** Where what had the focus is gone, the verdict takes it. */
export function keepFocus() {
  setTimeout(() => { if (document.activeElement === document.body) document.getElementById("verdict")?.focus(); }, 250);
}

export function setSource(content) {
  const next = [...sources.value];
  next[current.value] = content;
  sources.value = next;
}

export function addScenario() {
  if (scenarios.value.length >= MOST_SCENARIOS) return;
  history.pushState(null, "", location.href);
  sources.value = [...sources.value, source.value];
  scenarios.value = [...scenarios.value, { ...scenario.value }];
  current.value = scenarios.value.length - 1;
  keepFocus();
}

export function removeScenario(at) {
  if (scenarios.value.length < 2) return;
  const keep = (list) => list.filter((_, index) => index !== at);
  const next = Math.max(0, current.value - (at <= current.value ? 1 : 0));
  sources.value = keep(sources.value);
  current.value = 0;
  scenarios.value = keep(scenarios.value);
  current.value = Math.min(next, scenarios.value.length - 1);
  keepFocus();
}

/** Whether the example stands untouched. */
export const isExample = computed(
  () => scenarios.value.length === 1 && !source.value
    && Object.keys(DEFAULTS).every((key) => scenarios.value[0][key] === DEFAULTS[key]),
);

/** The row of a catalog that a name, an alias or a Hugging Face id stands for; null where none is. */
export function named(rows, name, key) {
  const wanted = name.trim().toLowerCase().replace(/[ _]/g, "-");
  const names = (row) => [row[key], row.name, ...row.aliases, ...(row.hugging_face_ids ?? [])];
  return rows.find((row) => names(row).some((each) => each.toLowerCase().replace(/[ _]/g, "-") === wanted)) ?? null;
}

export const deviceOf = chipOf;
export const gpu = computed(() => deviceOf(scenario.value));
export const model = computed(() => named(catalog.value.models, scenario.value.m, "name"));

/** What a scenario's model is called. */
export function modelName(each, from) {
  if (from) return from.name;
  return each.m === CUSTOM ? "own dimensions" : each.m;
}

/** What each scenario is called where several stand beside each other. */
export const names = computed(() => namesOf(
  scenarios.value.map((each, at) => ({ ...each, m: sources.value[at]?.name ?? each.m })),
  { model: (each) => modelName(each, null), gpu: (each) => deviceOf(each)?.name.replace(/^(NVIDIA|AMD|Intel|Apple) /, "") ?? each.g },
));

/** A scenario in one line. */
export function summary(each, from) {
  const whole = (text) => (text === "" || Number.isNaN(Number(text)) ? text : new Intl.NumberFormat("en").format(text));
  const lengths = `${whole(each.i)} in / ${whole(each.o)} out`;
  return `${modelName(each, from)}${each.w ? ` ${each.w}` : ""} · ${each.n} × ${each.g}${each.mem ? ` (${each.mem} GiB)` : ""} · ${each.e}${each.ev ? ` ${each.ev}` : ""} · ${lengths} · ${[loadOf(each, whole), ...FURTHER.filter(({ key }) => each[key]).map(({ key, label }) => `${label} ${each[key]}`), each.json].filter(Boolean).join(" · ")}`;
}

/** A row with a size is the chip and its memory; "8x h200" is a number and a chip. */
export function sized(text) {
  const [, n, name] = /^(\d+) *(?:x(?!tx?\b)|×|\*) *(.+)/i.exec(text.trim()) ?? [];
  if (n) return { ...sized(name), n };
  const [, id, gb] = /^(.+)-(\d+)gb$/.exec(text.trim()) ?? [];
  return id && !named(catalog.value.gpus, text, "id") && named(catalog.value.gpus, id, "id") ? { g: id, mem: gb } : { g: text };
}
