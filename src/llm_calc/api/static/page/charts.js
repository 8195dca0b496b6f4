// Charts as SVG: each is one picture with a name, a table of its data, and points that keys walk.
import { html, line, area, curveMonotoneX, scaleLinear, scaleLog, useEffect, useRef, useState } from "../vendor/page/libraries.js";

const MARGIN = { top: 12, right: 18, bottom: 42, left: 58 };

function useWidth() {
  const box = useRef(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  return [box, width];
}

function niceTicks(scale, wanted, isLog) {
  if (!isLog) return scale.ticks(wanted);
  const all = scale.ticks().filter((value) => Math.abs(Math.log10(value) % 1) < 1e-9);
  const every = Math.ceil(all.length / wanted);
  return all.length > 1 ? all.filter((_, at) => at % every === 0) : scale.ticks(3);
}

/** The table behind a chart, one press away. */
export function DataTable({ columns, rows }) {
  return html`<details class="data"><summary>Data</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="Data of the chart">
      <table><thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table>
    </div></details>`;
}

/**
 * Points and lines over two axes. series: {name, points: [{x, y, low?, high?, text}], kind: line|dots, mark?}.
 * Arrow keys walk the points of the first series; what is reached is told.
 */
export function XYChart({ label, series, x, y, height = 260, marker, note }) {
  const [box, width] = useWidth();
  const [at, setAt] = useState(null);
  const shown = series.map((each) => ({ ...each, points: each.points.filter((point) => point.x > 0 && point.y > 0 || (!x.log && !y.log)) }));
  const all = shown.flatMap((each) => each.points);
  const walk = shown[0]?.points ?? [];
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") setAt(null);
    if (!step || !walk.length) return;
    event.preventDefault();
    setAt(at === null ? (step > 0 ? 0 : walk.length - 1) : Math.min(walk.length - 1, Math.max(0, at + step)));
  };
  const told = at === null ? "" : walk[at]?.text ?? "";
  const drawn = width > 0 && all.length ? draw({ shown, all, width, height, x, y, marker, at, setAt }) : null;
  return html`<figure class="chart" ref=${box}>
    <div class="plot" tabindex="0" role="img" aria-label=${`${label}. Arrow keys walk the points.`} onKeyDown=${move} style=${`min-height:${height}px`}>
      ${drawn}</div>
    <p class="told" aria-live="polite">${told || note || " "}</p>
  </figure>`;
}

function extent(values, isLog) {
  const low = Math.min(...values), high = Math.max(...values);
  if (isLog) return [low / 1.25, high * 1.25];
  return [0, high * 1.08 || 1];
}

function draw({ shown, all, width, height, x, y, marker, at, setAt }) {
  const make = (axis) => (axis.log ? scaleLog() : scaleLinear());
  const ys = all.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]).filter((value) => !y.log || value > 0);
  const sx = make(x).domain(x.domain ?? extent(all.map((point) => point.x), x.log)).range([MARGIN.left, width - MARGIN.right]);
  const sy = make(y).domain(y.domain ?? extent(ys, y.log)).range([height - MARGIN.bottom, MARGIN.top]);
  const xTicks = niceTicks(sx, width < 420 ? 4 : 6, x.log), yTicks = niceTicks(sy, 5, y.log);
  const point = (each) => [sx(each.x), sy(each.y)];
  return html`<svg width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`} aria-hidden="true">
    ${yTicks.map((value) => html`<g class="tick"><line x1=${MARGIN.left} x2=${width - MARGIN.right} y1=${sy(value)} y2=${sy(value)} />
      <text x=${MARGIN.left - 8} y=${sy(value)} dy="0.32em" text-anchor="end">${y.format(value)}</text></g>`)}
    ${xTicks.map((value) => html`<text class="tick" x=${sx(value)} y=${height - MARGIN.bottom + 18} text-anchor="middle">${x.format(value)}</text>`)}
    <text class="axis" x=${(MARGIN.left + width - MARGIN.right) / 2} y=${height - 6} text-anchor="middle">${x.label}</text>
    <text class="axis" transform=${`translate(13 ${(MARGIN.top + height - MARGIN.bottom) / 2}) rotate(-90)`} text-anchor="middle">${y.label}</text>
    ${shown.map((each, index) => each.kind === "dots" ? null : html`<g>
      ${each.points.some((one) => one.low) && html`<path class=${`band s${index + 1}`} d=${area().x((one) => sx(one.x)).y0((one) => sy(Math.max(one.low ?? one.y, sy.domain()[0]))).y1((one) => sy(one.high ?? one.y)).curve(curveMonotoneX)(each.points)} />`}
      <path class=${`line s${index + 1}`} d=${path(each, sx, sy)} /></g>`)}
    ${shown.map((each, index) => each.bare ? null : each.points.map((one, place) => html`<g class="dot" onMouseEnter=${() => index === 0 && setAt(place)}>
      <circle class=${`s${index + 1} ${each.hollow ? "hollow" : ""}`} cx=${point(one)[0]} cy=${point(one)[1]} r=${one.r ?? 4} />
      ${one.name && html`<text class="name" x=${point(one)[0] + (one.left ? -8 : 8)} y=${point(one)[1]} dy="0.32em" text-anchor=${one.left ? "end" : "start"}>${one.name}</text>`}</g>`))}
    ${marker && html`<g class="marker"><circle cx=${sx(marker.x)} cy=${sy(marker.y)} r="8" /><text x=${sx(marker.x)} y=${sy(marker.y) - 14} text-anchor=${sx(marker.x) > width - 110 ? "end" : "middle"}>${marker.name}</text></g>`}
    ${at !== null && shown[0]?.points[at] && html`<circle class="reached" cx=${point(shown[0].points[at])[0]} cy=${point(shown[0].points[at])[1]} r="7" />`}
  </svg>`;
}

function path(series, sx, sy) {
  const through = line().x((one) => sx(one.x)).y((one) => sy(one.y));
  return (series.straight ? through : through.curve(curveMonotoneX))(series.points);
}

/** One bar of parts against a limit. parts: {name, value, text, series|free}. */
export function StackedBar({ label, parts, total, limit, format }) {
  const [box, width] = useWidth();
  const inner = Math.max(0, width - 2);
  const scale = (value) => (value / total) * inner;
  let left = 0;
  const placed = parts.filter((each) => each.value > 0).map((each) => {
    const found = { ...each, x: left, width: scale(each.value) };
    left += found.width;
    return found;
  });
  return html`<figure class="chart" ref=${box}>
    <div role="img" aria-label=${`${label}: ${parts.map((each) => `${each.name} ${each.text}`).join(", ")}`}>
      ${inner > 0 && html`<svg width=${width} height="64" aria-hidden="true">
        <defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="7" height="7" class="hatch-ground" /><line x1="0" y1="0" x2="0" y2="7" class="hatch-line" /></pattern></defs>
        ${placed.map((each) => html`<rect class=${`part ${each.free ? "free" : each.tone}`} x=${each.x + 1} y="6" width=${Math.max(0, each.width - 2)} height="36" rx="2"><title>${each.name}: ${each.text}</title></rect>`)}
        ${limit && html`<g class="limit"><line x1=${scale(limit.value)} x2=${scale(limit.value)} y1="0" y2="48" /><text x=${Math.min(scale(limit.value), inner - 4)} y="61" text-anchor=${scale(limit.value) > inner * 0.6 ? "end" : "start"}>${limit.name} ${format(limit.value)}</text></g>`}
      </svg>`}
    </div>
    <ul class="legend">${parts.map((each) => html`<li><span class=${`swatch ${each.free ? "free" : each.tone}`}></span>${each.name} <b>${each.text}</b></li>`)}</ul>
  </figure>`;
}

/** Rows against columns; every cell says what it is with a symbol and words, not by colour alone. */
export function HeatMap({ label, rows, columns, cell, rowTitle, columnTitle }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table class="heat">
    <caption class="quiet">${rowTitle} down, ${columnTitle} across</caption>
    <thead><tr><th scope="col"><span class="hidden">${rowTitle}</span></th>${columns.map((each) => html`<th scope="col">${each.name}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr><th scope="row">${row.name}</th>${columns.map((column) => {
      const { tone, symbol, text } = cell(row, column);
      return html`<td class=${`cell ${tone}`} title=${text}><span aria-hidden="true">${symbol}</span><span class="hidden">${text}</span></td>`;
    })}</tr>`)}</tbody></table></div>`;
}

/** Horizontal bars, longest first. rows: {name, value, text, chosen}. */
export function Bars({ label, rows }) {
  const most = Math.max(...rows.map((row) => row.value), 1e-12);
  return html`<ol class="bars" aria-label=${label}>${rows.map((row) => html`<li class=${row.chosen ? "chosen" : ""}>
    <span class="bar-name">${row.name}</span><span class="bar" style=${`--share:${row.value / most}`}></span><b>${row.text}</b></li>`)}</ol>`;
}
