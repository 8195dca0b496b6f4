// Charts as SVG and bars: points and lines over two axes, which pointer and keys reach; parts of a whole, and what fits.
import {
  html, line, area, curveMonotoneX, scaleLinear, scaleLog, useEffect, useRef, useState,
} from "../vendor/page/libraries.js";

const MARGIN = { top: 14, right: 18, bottom: 42, left: 66 };
const REACH_PX = 60;
const PRESS_PX = 16;

/** @returns {[{ current: any }, number]} the box to be watched, and its width in pixels */
export function useWidth() {
  const box = useRef(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  return [box, width];
}

function ticks(scale, wanted, { log: isLog, ticks: fixed }) {
  if (fixed) return fixed.filter((value) => value >= scale.domain()[0] && value <= scale.domain()[1]);
  if (!isLog) return scale.ticks(wanted);
  const all = scale.ticks().filter((value) => Math.abs(Math.log10(value) % 1) < 1e-9);
  const fine = scale.ticks().filter((value) => /^[125]/.test(value.toExponential()));
  const found = all.length > 2 ? all : fine.length > 1 ? fine : scale.ticks(3);
  const every = Math.ceil(found.length / wanted);
  return found.filter((_, at) => at % every === 0);
}

function extent(values, isLog) {
  const low = Math.min(...values), high = Math.max(...values);
  return isLog ? [low / 1.25, high * 1.25] : [0, high * 1.1 || 1];
}

function scales({ shown, width, height, x, y, marker }) {
  const all = [...shown.flatMap((each) => each.points), ...(marker ? [marker] : [])];
  const ys = all.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]);
  const make = (axis, values) => (axis.log ? scaleLog() : scaleLinear()).domain(extent(values.filter((value) => !axis.log || value > 0), axis.log));
  return [
    make(x, all.map((point) => point.x)).range([MARGIN.left, width - MARGIN.right]),
    make(y, ys).range([height - MARGIN.bottom, MARGIN.top]),
  ];
}

function Axes({ sx, sy, x, y, width, height }) {
  const bottom = height - MARGIN.bottom, middle = (MARGIN.top + bottom) / 2;
  return html`${ticks(sy, 5, y).map((value) => html`<g class="tick"><line x1=${MARGIN.left} x2=${width - MARGIN.right} y1=${sy(value)} y2=${sy(value)} />
      <text x=${MARGIN.left - 8} y=${sy(value)} dy="0.32em" text-anchor="end">${y.format(value)}</text></g>`)}
    ${ticks(sx, width < 420 ? 4 : 6, x).map((value) => html`<text x=${sx(value)} y=${bottom + 18} text-anchor="middle">${x.format(value)}</text>`)}
    <text x=${(MARGIN.left + width - MARGIN.right) / 2} y=${height - 6} text-anchor="middle">${x.label}</text>
    <text transform=${`translate(13 ${middle}) rotate(-90)`} text-anchor="middle">${y.label}</text>`;
}

function Line({ series, sx, sy }) {
  const { points, tone, straight, kind } = series;
  if (kind === "dots") return null;
  const curved = (shape) => (straight ? shape : shape.curve(curveMonotoneX));
  const through = curved(line().x((one) => sx(one.x)).y((one) => sy(one.y)));
  const floor = sy.domain()[0];
  const between = curved(area().x((one) => sx(one.x)).y0((one) => sy(Math.max(one.low, floor))).y1((one) => sy(one.high)));
  return html`<g>${points.every((one) => one.low != null) && html`<path class=${`band ${tone}`} d=${between(points)} />`}
    <path class=${`line ${tone}`} d=${through(points)} /></g>`;
}

/** Names of points, without those that would lie on another. */
function named(shown, sx, sy) {
  const taken = [], kept = new Set();
  for (const one of shown.flatMap((each) => each.points)) {
    if (!one.name || taken.some(([left, top]) => Math.abs(sx(one.x) - left) < 36 && Math.abs(sy(one.y) - top) < 16)) continue;
    taken.push([sx(one.x), sy(one.y)]);
    kept.add(one);
  }
  return kept;
}

/** From the first to the last point, for those who do not see it. */
function spanOf(series) {
  if (!series || series.points.length < 2) return "";
  return `. From ${series.points[0].text} to ${series.points[series.points.length - 1].text}`;
}

function Mark({ one, series, sx, sy, withName }) {
  const hollow = one.hollow ?? series.hollow;
  const [left, top] = [sx(one.x), sy(one.y)];
  return html`<g class="dot">${series.square
    ? html`<rect class=${`mark ${series.tone}`} x=${left - 5} y=${top - 5} width="10" height="10" transform=${`rotate(45 ${left} ${top})`} />`
    : html`<circle class=${`${series.tone} ${hollow ? "hollow" : ""}`} cx=${left} cy=${top} r=${one.r ?? 4} />`}
    ${withName && html`<text x=${left + (one.side ?? 9)} y=${top - 8} text-anchor=${one.side < 0 ? "end" : "start"}>${one.name}</text>`}</g>`;
}

function Marker({ marker, sx, sy, width }) {
  const [left, top] = [sx(marker.x), sy(marker.y)];
  const low = top < MARGIN.top + 24;
  const anchor = left > width - 90 ? "end" : left < MARGIN.left + 60 ? "start" : "middle";
  return html`<g class="marker"><circle cx=${left} cy=${top} r="8" /><text x=${left} y=${low ? top + 24 : top - 14} text-anchor=${anchor}>${marker.name}</text></g>`;
}

function Drawing({ shown, width, height, x, y, marker, region, reached, reach, choose }) {
  const [sx, sy] = scales({ shown, width, height, x, y, marker }), near = useRef(false);
  const nearest = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    let best = null, least = REACH_PX;
    shown.forEach((each, s) => {
      for (const [p, one] of each.bare ? [] : each.points.entries()) {
        const away = Math.hypot(sx(one.x) - left, sy(one.y) - top);
        if (away < least) [best, least] = [[s, p], away];
      }
    });
    reach(best);
    near.current = least <= PRESS_PX;
  };
  const point = reached && shown[reached[0]]?.points[reached[1]];
  const names = named(shown, sx, sy);
  const from = region && Math.max(MARGIN.left, Math.min(width - MARGIN.right, sx(region.from)));
  return html`<svg width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`} aria-hidden="true" onPointerMove=${nearest} onPointerLeave=${() => reach(null)} onClick=${() => { if (near.current) choose(); }}>
    ${region && html`<g class="region"><rect x=${from} y=${MARGIN.top} width=${width - MARGIN.right - from} height=${height - MARGIN.bottom - MARGIN.top} /><text x=${from + 6} y=${MARGIN.top + 14}>${region.name}</text></g>`}
    <${Axes} sx=${sx} sy=${sy} x=${x} y=${y} width=${width} height=${height} />
    ${shown.map((series) => html`<${Line} series=${series} sx=${sx} sy=${sy} />`)}
    ${shown.map((series) => !series.bare && series.points.map((one) => html`<${Mark} one=${one} series=${series} sx=${sx} sy=${sy} withName=${names.has(one)} />`))}
    ${marker && html`<${Marker} marker=${marker} sx=${sx} sy=${sy} width=${width} />`}
    ${point && html`<circle class="reached" cx=${sx(point.x)} cy=${sy(point.y)} r=${(point.r ?? 4) + 4} />`}
  </svg>`;
}

/**
 * series: [{name, tone, points: [{x, y, low?, high?, text, value?, hollow?, name?, r?}], kind?: "dots", straight?, bare?, square?}].
 * Left and right walk the points of a series, up and down change the series, Enter or a press picks the value of a
 * point, d opens the data, Esc leaves. What is reached is told below.
 */
export function XYChart({ label, series, x, y, height = 270, marker, region, note, onPick }) {
  const [box, width] = useWidth();
  const [reached, setReached] = useState(null), [keyed, setKeyed] = useState(false);
  const positive = (point) => (!x.log || point.x > 0) && (!y.log || point.y > 0);
  const shown = series.map((each) => ({ ...each, points: each.points.filter(positive) })).filter((each) => each.points.length);
  const walkable = shown.map((each, at) => (each.bare ? -1 : at)).filter((at) => at >= 0);
  const point = reached && shown[reached[0]]?.points[reached[1]];
  const pick = () => { if (point && onPick && point.value !== undefined) onPick(point.value); };
  const keys = (event) => {
    setKeyed(true);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], turn = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const [s, p] = point ? reached : [walkable[0], step > 0 ? -1 : shown[walkable[0]]?.points.length];
    const clamp = (value, most) => Math.max(0, Math.min(most, value));
    if (event.key === "Escape") setReached(null);
    else if (event.key === "Enter") pick();
    else if (event.key === "d") {
      const data = box.current.closest(".card").querySelector("details.data");
      if (data) data.open = !data.open;
    } else if (step) setReached([s, clamp(p + step, shown[s].points.length - 1)]);
    else if (turn) {
      const next = walkable[clamp(walkable.indexOf(s) + turn, walkable.length - 1)];
      setReached([next, clamp(p, shown[next].points.length - 1)]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const many = shown.filter((each) => !each.bare && each.name).length > 1;
  return html`<figure class="chart" ref=${box}>
    ${many && html`<ul class="legend">${shown.map((each) => !each.bare && html`<li><span class=${`swatch ${each.tone} ${each.square ? "square" : each.hollow ? "hollow" : ""}`}></span>${each.name}</li>`)}</ul>`}
    <div class="plot" tabindex="0" role="application" aria-roledescription="chart" aria-label=${`${label}${spanOf(shown[0])}. Arrow keys walk the points.`} onKeyDown=${keys} style=${`min-height:${height}px`}>
      ${width > 0 && shown.length > 0 && html`<${Drawing} shown=${shown} width=${width} height=${height} x=${x} y=${y} marker=${marker} region=${region} reached=${reached} reach=${setReached} choose=${pick} />`}</div>
    <p class="told" aria-live=${keyed ? "polite" : "off"}>${point ? point.text : note || " "}</p>
  </figure>`;
}

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
