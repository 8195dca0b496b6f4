// Bars and grids: memory of one GPU, shares of time, GPUs by speed, what fits.
import { html } from "../vendor/page/libraries.js";
import { useWidth } from "./xychart.js";

const HATCH = html`<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
  <rect width="7" height="7" class="hatch-ground" /><line x1="0" y1="0" x2="0" y2="7" class="hatch-line" /></pattern></defs>`;

/** One bar of parts, a gap between them, against a limit. parts: [{name, value, text, tone | free}]. */
export function StackedBar({ label, parts, total, limit, height = 36 }) {
  const [box, width] = useWidth();
  const scale = (value) => (value / total) * width;
  const shown = parts.filter((each) => each.value > 0);
  let left = 0;
  const placed = shown.map((each) => {
    const start = left;
    left += scale(each.value);
    return { ...each, start, wide: Math.max(1, scale(each.value) - 2) };
  });
  const mark = limit && scale(limit.value);
  return html`<figure class="chart" ref=${box}>
    <div role="img" aria-label=${`${label}: ${parts.map((each) => `${each.name} ${each.text}`).join(", ")}`}>
      ${width > 0 && html`<svg width=${width} height=${limit ? height + 28 : height + 6} aria-hidden="true">${HATCH}
        ${placed.map((each) => html`<rect class=${`part ${each.free ? "free" : each.tone}`} x=${each.start} y="4" width=${each.wide} height=${height} rx="3"><title>${each.name}: ${each.text}</title></rect>`)}
        ${limit && html`<g class="limit"><line class="under" x1=${mark} x2=${mark} y1="2" y2=${height + 6} /><line x1=${mark} x2=${mark} y1="0" y2=${height + 10} /><text x=${mark} y=${height + 23} text-anchor=${mark + 7 * limit.text.length > width ? "end" : "start"}>${limit.text}</text></g>`}
      </svg>`}
    </div>
    <ul class="legend">${shown.map((each) => html`<li><span class=${`swatch ${each.free ? "free" : each.tone}`}></span>${each.name} <b>${each.text}</b></li>`)}</ul>
  </figure>`;
}

/** Rows against columns. cell(row, column) gives {tone, shade, symbol, text}: never by colour alone. */
export function HeatMap({ label, caption, rows, columns, cell }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table class="heat">
    <caption>${caption}</caption>
    <thead><tr><td></td>${columns.map((each) => html`<th scope="col">${each.name}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr><th scope="row">${row.name}</th>${columns.map((column) => {
      const { tone, shade, symbol, text } = cell(row, column);
      return html`<td class=${`cell ${tone}`} style=${shade === undefined ? "" : `--shade:${Math.round(shade * 100)}%`} title=${text}><span aria-hidden="true">${symbol}</span><span class="hidden">${text}</span></td>`;
    })}</tr>`)}</tbody></table></div>`;
}

/** Horizontal bars. rows: [{name, value, text, tone?, chosen?, onChoose?}]. */
export function Bars({ label, rows }) {
  const most = Math.max(...rows.map((row) => row.value), 1e-12);
  return html`<ol class="bars" aria-label=${label}>${rows.map((row) => html`<li class=${row.chosen ? "chosen" : ""}>
    ${row.onChoose ? html`<button type="button" class="plain bar-name" aria-pressed=${Boolean(row.chosen)} onClick=${row.onChoose}>${row.name}</button>` : html`<span class="bar-name">${row.name}</span>`}
    <span class="track"><span class=${`bar ${row.tone ?? ""}`} style=${`--share:${row.value / most}`}></span></span><b>${row.text}</b></li>`)}</ol>`;
}
