// What all cards share: head and state, choices, and the data behind a chart with ways to take it away.
import { html, useEffect, useRef } from "../vendor/page/libraries.js";
import { asCsv, asPng, asSvg } from "./files.js";
import { integer } from "./numbers.js";
import { LINKS } from "./state.js";

/** A card. ``question``: asked only while the card is in view where it is a lazy one; ``shown``: what the card shows of. */
export function Card({ id, title, wide, note, side, question, shown = question, stale, children }) {
  const box = useRef(null);
  const state = shown?.state.value;
  useEffect(() => {
    if (!question?.lazy) return undefined;
    const watch = new IntersectionObserver(([entry]) => { question.wanted.value = entry.isIntersecting; }, { rootMargin: "200px" });
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const busy = state?.status === "loading" || (state?.status === "stale" && shown.wanted.value) || stale;
  const look = busy ? "stale" : state?.status === "error" ? "old" : "";
  return html`<section ref=${box} class=${`card ${wide ? "wide" : ""} ${look}`} aria-labelledby=${id} aria-busy=${Boolean(busy)}>
    <div class="head"><h2 id=${id}>${title}</h2>${side}</div>
    ${note && html`<p class="note">${note}</p>`}${children}</section>`;
}

/** A dialog that a signal opens; Esc and its button close it. */
export function Dialog({ open, titled, title, onClose, children }) {
  const box = useRef(null);
  useEffect(() => {
    if (open.value && !box.current.open) box.current.showModal();
    if (!open.value && box.current.open) box.current.close();
  });
  return html`<dialog ref=${box} aria-labelledby=${titled} onClose=${() => { open.value = false; onClose?.(); }}>
    <form method="dialog" class="head"><h2 id=${titled}>${title}</h2><button aria-label="Close">×</button></form>${open.value && children}</dialog>`;
}

/** One of a few. options: [[value, name]]. */
export function Choices({ label, options, value, onChoose }) {
  return html`<div class="choices" role="group" aria-label=${label}>${options.map(([key, name]) => html`
    <button type="button" aria-pressed=${key === value} onClick=${() => onChoose(key)}>${name}</button>`)}</div>`;
}

/** What stands where there is no figure yet, or none at all. */
export function Missing({ question, otherwise = "not known for this scenario" }) {
  const { status, error } = question.state.value;
  return html`<p class="note missing">— ${["loading", "stale"].includes(status) ? "on its way" : error ? sentence(error.error) : otherwise}</p>`;
}

/** Sentences of the service, as warnings or as notes. */
export const Told = ({ texts, warn }) => html`<ul>${texts.map((text) => html`<li class=${warn ? "warning" : ""}>${warn ? "⚠ " : ""}${sentence(text)}</li>`)}</ul>`;

/** A table that scrolls inside itself. rows: arrays of cells; the first of each names the row. */
export function Table({ label, head, rows, className = "" }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table class=${className}>
    <thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell, at) => (at ? html`<td data-name=${head[at]}>${cell}</td>` : html`<th scope="row">${cell}</th>`))}</tr>`)}</tbody>
  </table></div>`;
}

/**
 * The data of a chart, one press away. columns: [{name, unit, show}]; rows: arrays of raw values.
 * The file holds raw values, its heads the units.
 */
export function Data({ name, columns, rows, picture = true }) {
  const box = useRef(null);
  const svg = () => box.current.closest(".card").querySelector("svg");
  const heads = columns.map((column) => (column.unit ? `${column.name} [${column.unit}]` : column.name));
  return html`<details class="data" ref=${box}><summary>Data</summary>
    <p class="acts"><button type="button" onClick=${() => asCsv(name, heads, rows)}>CSV</button>
      ${picture && html`<button type="button" onClick=${() => asPng(name, svg())}>PNG</button><button type="button" onClick=${() => asSvg(name, svg())}>SVG</button>`}</p>
    <${Table} label=${`Data of ${name}`} head=${columns.map((column) => column.name)}
      rows=${rows.map((row) => row.map((value, at) => (columns[at].show ?? String)(value)))} /></details>`;
}

/** What a published run differs in: "input_tokens 8x" as "input (8×)". */
export function differing(text) {
  const [name, ...rest] = text.split(" ");
  const much = rest.join(" ").replace(/x$/, "×").replace("none", "it has none");
  return `${LINKS.lists.differences[name] ?? name}${much ? ` (${much})` : ""}`;
}

/** A sentence of the service; a field at its start goes by its name here, a format keeps its case. */
export function sentence(text) {
  // Names of the API are for its readers.
  for (const [its, here] of LINKS.lists.phrases) text = text.replace(its, here);
  text = text.replace(/ \([a-z]+(_[a-z]+)+\)/g, "").replace(/\b(ttft|tpot)_s\b/g, (name) => name.slice(0, 4).toUpperCase()).replace(/\b\d{5,}\b/g, (whole) => integer(Number(whole)));
  const { fields } = LINKS.lists, found = /^(?:base\.)?([a-z_.0-9]+): /.exec(text);
  const named = (found && fields[found[1]] ? `${fields[found[1]]}: ${text.slice(found[0].length)}` : text).replace(/\b[a-z]+([._][a-z]+)+\b/g, (path) => fields[path] ?? path);
  const start = /^[a-z]+[ :]/.test(named) && !/^(fp|bf|int)\d/.test(named) ? named[0].toUpperCase() : named[0];
  return `${start}${named.slice(1)}${/[.!?]$/.test(named) ? "" : "."}`;
}
