// Fields of the form: units stand in them, refusals beside the one that caused them; folds, and what the service lists.
import { computed, html, signal, useEffect, useRef, useState } from "../vendor/page/libraries.js";
import { apply, change, GROUPS, LABELS, scenario, sized } from "./state.js";
import { estimate, inspection, memory, plans } from "./api.js";
import { parsed } from "./numbers.js";
import { fieldOf, objectIn } from "./requests.js";
import { sentence } from "./card.js";

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
    if (value !== undefined && !(value >= 0 && value < Infinity)) found[key] ??= `${name} must be a number of 0 or more.`;
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

/** What people type, in the unit of a field: 64k tokens, 500 ms, 24 GB, $20. */
function inUnit(text, unit) {
  const [, number, step] = /^\$? *([\d.,]*\d) *([a-z]*)\.?$/i.exec(text.trim()) ?? [];
  const factor = { tokens: { k: 1024, m: 1048576 }, s: { ms: 0.001, s: 1 }, ms: { ms: 1, s: 1000 }, GiB: { gb: 1, gib: 1 }, "$/h": { "": 1 } }[unit]?.[step?.toLowerCase()];
  return factor && parsed(number) >= 0 ? String(Number((parsed(number) * factor).toPrecision(12))) : text;
}

/** ``scale``: of the shown unit to the one in which the scenario keeps it. */
export function Field({ name, label = LABELS[name], unit, hint, options, rows, known, wide, mode = "decimal", scale = 1 }) {
  const value = shownValue(name, scale), refusal = refusals.value[name], id = `f-${name}`;
  const take = (said) => {
    const text = inUnit(said, unit);
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

const MOST = 300;

/** Rows that hold every word of the text, those whose name begins with it first. rows: [{value, text, aside, group, words}]. */
function matching(rows, text) {
  const words = text.toLowerCase().split(/[\s]+/).filter(Boolean);
  const found = rows.filter((row) => words.every((word) => row.words.includes(word)));
  const rank = (row) => (row.value.startsWith(words[0] ?? "") ? 0 : 1);
  return found.sort((one, other) => rank(one) - rank(other));
}

/** A text field that searches a catalog: an editable combobox with a list, after the pattern of the ARIA practices.
 * ``known``: whether a text names a row; other texts are taken when the field is left, so that a search is no answer. */
function Combobox({ id, name, label, value, rows, described, invalid, known, onValue }) {
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState(null);
  const [at, setAt] = useState(-1);
  const list = useRef(null);
  // What stands in the field when it is entered is a choice, not a search: all rows are offered then.
  const found = matching(rows, typed ?? "");
  const shown = found.slice(0, MOST);
  const active = open && at >= 0 && at < shown.length ? at : -1;
  useEffect(() => { if (active >= 0) list.current?.children[active]?.scrollIntoView({ block: "nearest" }); }, [active, open]);
  const close = () => { setOpen(false); setTyped(null); setAt(-1); };
  const choose = (row) => { onValue(row.value); close(); };
  const leave = () => {
    if (typed !== null && typed.trim() !== value) onValue(typed.trim());
    close();
  };
  const start = () => {
    setOpen(true);
    setAt(found.findIndex((row) => row.value === value));
  };
  const keys = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (!open) start();
      else if (shown.length) setAt((active + step + shown.length) % shown.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (active >= 0) choose(shown[active]);
      else leave();
    } else if (event.key === "Escape" && open) {
      event.stopPropagation();
      close();
    }
  };
  const type = (event) => {
    setTyped(event.target.value);
    setOpen(true);
    setAt(-1);
    if (known(event.target.value)) onValue(event.target.value.trim());
  };
  const count = found.length ? `${found.length} found` : "none found";
  return html`<div class="combobox">
    <input id=${id} name=${name} type="text" role="combobox" aria-expanded=${open && shown.length > 0} aria-controls=${`${id}-list`} aria-autocomplete="list" aria-activedescendant=${active >= 0 ? `${id}-${active}` : null}
      aria-describedby=${described} aria-invalid=${invalid} autocomplete="off" spellcheck=${false} value=${typed ?? value}
      onInput=${type} onKeyDown=${keys} onClick=${() => { if (!open) start(); }} onFocus=${(event) => event.target.select()} onBlur=${leave} />
    <span class="hidden" aria-live="polite">${open && typed !== null ? count : ""}</span>
    <ul id=${`${id}-list`} class="options" role="listbox" aria-label=${label} hidden=${!open || !shown.length} ref=${list}>${open && shown.map((row, place) => html`
      <li id=${`${id}-${place}`} role="option" aria-selected=${place === active} onMouseDown=${(event) => event.preventDefault()} onClick=${() => choose(row)}>
        <span>${row.text}</span><small>${row.aside}</small></li>`)}</ul></div>`;
}
