// A text field that searches a catalog: an editable combobox with a list, after the pattern of the ARIA practices.
import { html, useEffect, useRef, useState } from "../vendor/page/libraries.js";

const MOST = 300;

/** Rows that hold every word of the text, those whose name begins with it first. rows: [{value, text, aside, group, words}]. */
function matching(rows, text) {
  const words = text.toLowerCase().split(/[\s]+/).filter(Boolean);
  const found = rows.filter((row) => words.every((word) => row.words.includes(word)));
  const rank = (row) => (row.value.startsWith(words[0] ?? "") ? 0 : 1);
  return found.sort((one, other) => rank(one) - rank(other));
}

/** ``known``: whether a text names a row; other texts are taken when the field is left, so that a search is no answer. */
export function Combobox({ id, name, label, value, rows, described, invalid, known, onValue }) {
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
