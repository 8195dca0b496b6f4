// Fields of the form: units stand in them, refusals beside the one that caused them; folds, and what the service lists.
import { computed, html, signal, useEffect, useRef } from "../vendor/page/libraries.js";
import { apply, change, GROUPS, LABELS, scenario, sized } from "./state.js";
import { estimate, inspection, memory, plans } from "./api.js";
import { Combobox } from "./combobox.js";
import { parsed } from "./numbers.js";
import { fieldOf, objectIn } from "./requests.js";
import { sentence } from "./words.js";

export const unfolded = signal(false);

/** Refusals by field: the sentence of the first question that was refused for it. */
export const refusals = computed(() => {
  const found = {}, each = scenario.value;
  for (const question of [estimate, memory, inspection, plans]) {
    const { error, status } = question.state.value;
    if (status !== "error" || !error || error.down) continue;
    const fields = error.details?.fields ?? [];
    if (fields.length > 1) for (const one of fields) found[fieldOf({ details: one }, each)] ??= sentence(`${one.field}: ${one.accepted}`);
    else found[fieldOf(error, each)] ??= sentence(error.error);
  }
  // What only the page and the plans read: the service is not asked about it while no plan is wanted.
  for (const [key, name] of OWN) {
    const value = parsed(each[key]);
    if (value !== undefined && !(value >= 0)) found[key] ??= `${name} must be a number of 0 or more.`;
  }
  if (!objectIn(each.json)) found.json = `${LABELS.json}: must be a JSON object.`;
  return found;
});

const OWN = [["ttft", "TTFT"], ["tpot", "TPOT"], ["usd", "The price"], ["bud", "The budget"], ["max", "The number of GPUs"]];

/** Open whatever folds a field away, and go to it. */
export function toField(key) {
  unfolded.value = true;
  setTimeout(() => {
    const field = document.getElementById(`f-${key}`) ?? document.getElementById("paste");
    for (let fold = field?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    field?.focus();
  }, 50);
}

/** Fields that are folded away; the fold says how many are filled in, and opens by itself where one is refused. */
export function Fold({ keys, title, children }) {
  const box = useRef(null), open = keys.some((key) => refusals.value[key]), said = keys.filter((key) => scenario.value[key]).length;
  useEffect(() => { if (open) box.current.open = true; }, [open]);
  return html`<details class="more wide" ref=${box}><summary>${title}${said > 0 && html` <span class="chip">${said} set</span>`}</summary><div class="fields">${children}</div></details>`;
}

const YES_NO = [["true", "yes"], ["false", "no"]];

/** A field as the service lists it. */
function Listed({ key, unit, kind, help = "", choices }) {
  const options = choices && kind !== "list" && [["", "not said"], ...(kind === "flag" ? YES_NO : same(choices))];
  const hint = `${help}${kind === "list" ? `; ${choices ? `of ${choices.join(", ")}, ` : ""}with commas` : ""}`;
  return html`<${Field} key=${key} name=${key} unit=${unit} options=${options} hint=${hint} mode=${kind === "number" ? "decimal" : "text"} wide=${hint.length > 40 || LABELS[key].length > 16} />`;
}

/** All that a request may say beyond the fields above: groups that the service lists, and JSON for the rest. */
export function Further() {
  const each = scenario.value, keysOf = (group) => group.fields.map(({ key }) => key);
  const shown = GROUPS.filter((group) => (group.engine ?? each.e) === each.e || keysOf(group).some((key) => refusals.value[key]));
  return html`<${Fold} keys=${[...new Set(shown.flatMap(keysOf)), "json"]} title="More: drafts, adapters, images …">
    ${shown.map((group) => html`<${Fold} key=${group.title} keys=${keysOf(group)} title=${group.title}>${group.about && html`<p class="hint wide">${sentence(group.about)}</p>`}${group.fields.map(Listed)}<//>`)}
    <${Field} name="json" mode="text" wide hint='Such as {"workload": {"batch": 8, "concurrency": null}}: goes over the request; null takes a field away.' /><//>`;
}


/** What was typed into a field that is shown in another unit than it is kept in: the text stands as it was typed. */
const typed = signal({});
const scaledBack = (text, scale) => (Number.isFinite(parsed(text)) ? String(Number((parsed(text) / scale).toPrecision(12))) : text);

function shownValue(name, scale) {
  const kept = scenario.value[name], text = typed.value[name];
  if (scale === 1) return kept;
  if (text !== undefined && scaledBack(text, scale) === kept) return text;
  return Number.isFinite(parsed(kept)) ? String(Number((parsed(kept) * scale).toPrecision(12))) : kept;
}

/** 64k and 1M of tokens as numbers. */
function tokens(text) {
  const [, number, step] = /^([\d.]+) *([km])$/i.exec(text.trim()) ?? [];
  return step ? String(Number(number) * (/k/i.test(step) ? 1024 : 1048576)) : text;
}

/** ``scale``: of the shown unit to the one in which the scenario keeps it. */
export function Field({ name, label = LABELS[name], unit, hint, options, rows, known, wide, mode = "decimal", scale = 1 }) {
  const value = shownValue(name, scale), refusal = refusals.value[name], id = `f-${name}`;
  const take = (said) => {
    const text = unit === "tokens" ? tokens(said) : said;
    if (scale !== 1) typed.value = { ...typed.value, [name]: text };
    change({ [name]: scale === 1 ? text : scaledBack(text, scale) });
  };
  const common = { id, name, "aria-invalid": Boolean(refusal), "aria-describedby": `${id}-help`, onInput: (event) => take(event.target.value) };
  const offered = options && (options.some(([key]) => key === value) ? options : [...options, [value, value]]);
  const control = rows
    ? html`<${Combobox} id=${id} name=${name} label=${label} value=${value} rows=${rows} described=${`${id}-help`} invalid=${Boolean(refusal)} known=${known} onValue=${(next) => apply(name === "g" ? sized(next) : { [name]: next })} />`
    : options
      ? html`<select ...${common} value=${value}>${offered.map(([key, shown]) => html`<option value=${key} selected=${key === value}>${shown}</option>`)}</select>`
      : html`<span class="with-unit"><input ...${common} type="text" inputmode=${mode} value=${value} autocomplete="off" spellcheck=${false} />${unit && html`<span class="unit" aria-hidden="true">${unit}</span>`}</span>`;
  return html`<div class=${`field ${wide ? "wide" : ""} ${refusal ? "refused" : ""}`}><label for=${id}>${label}${unit && html`<span class="hidden"> in ${unit}</span>`}</label>${control}
    <p class=${refusal ? "refusal" : "hint"} id=${`${id}-help`} role=${refusal ? "alert" : null}>${refusal ? `⚠ ${refusal}` : hint ?? ""}</p></div>`;
}

/** Choices that are called what they are. */
export const same = (names = []) => names.map((each) => [each, each]);
