// The words of the page, for who meets them for the first time: one press away.
import { html, signal } from "../vendor/page/libraries.js";
import { Dialog } from "./card.js";
import { LINKS } from "./state.js";

export const glossary = signal(false);

export const WordsButton = () => html`<button type="button" class="small" aria-haspopup="dialog" onClick=${() => { glossary.value = true; }}>What do these words mean?</button>`;

export function Glossary() {
  return html`<${Dialog} open=${glossary} titled="words-title" title="Words"><dl>${LINKS.lists.glossary.map(([word, means]) => html`<dt><b>${word}</b></dt><dd class="note">${means}</dd>`)}</dl><//>`;
}
