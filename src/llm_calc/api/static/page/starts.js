// Where one begins: a machine of one's own, rented ones, or a service for others; one press sets all of it.
import { html } from "../vendor/page/libraries.js";
import { apply, DEFAULTS, isExample, LINKS, setSource } from "./state.js";

/** All of a start at once: what it does not say is as in the example, and a file goes. */
function begin(start) {
  setSource(null);
  apply({ ...DEFAULTS, w: "", ...start.set });
}

export function Starts({ onBegin }) {
  const press = (start) => { onBegin(); begin(start); };
  return html`<p class="presets" role="group" aria-label="Begin with">${isExample.value && html`<span class="chip">Example</span>`}<span class="hint">Begin with</span>${LINKS.starts.map((each) => html`<button type="button" onClick=${() => press(each)}>${each.name}</button>`)}</p>`;
}
