// The cards of speed: throughput and latency over concurrency, throughput against speed, roofline, where time goes.
import { html, signal } from "../vendor/page/libraries.js";
import { current, gpu, LETTERS, scenario, scenarios } from "./state.js";
import { comparisons, curve, estimate, memory } from "./api.js";
import { Bars, StackedBar } from "./bars.js";
import { Card, Choices, Data, Missing } from "./card.js";
import { BOUNDS, byBound, keeps, operatorsOf, runs, secondsOf, spread, spreadOf } from "./figures.js";
import { takeLoad } from "./memory.js";
import { count, integer, percent, significant, size, time } from "./numbers.js";
import { XYChart } from "./xychart.js";

const AT = "workload.concurrency";
const FIGURES = {
  output_tokens_per_s: { name: "Output", axis: "output tok/s", show: (value) => `${count(value)} tok/s`, tick: count },
  ttft_s: { name: "TTFT", axis: "TTFT", show: time, tick: (value) => time(value, 2) },
  tpot_s: { name: "TPOT", axis: "TPOT", show: time, tick: (value) => time(value, 2) },
};
const figure = signal("output_tokens_per_s");

const answered = (rows) => (rows ?? []).filter((row) => !row.error && row.output_tokens_per_s > 0);

/** The curves of the other scenarios: [{name, tone, rows}]. */
function others() {
  const answers = comparisons.value;
  if (answers.length !== scenarios.value.length) return [];
  return answers.map((one, at) => ({ name: `Scenario ${LETTERS[at].toUpperCase()}`, tone: `s${at + 2}`, at, rows: answered(one.points), n: Number(scenarios.value[at].n) || 1 }))
    .filter((each) => each.at !== current.value && each.rows.length);
}

/** Runs that were measured on this model, GPU and engine at these lengths. */
const measuredRuns = (served) => served?.basis.measured_curve ?? [];

const COLUMNS = [
  { name: "Requests in flight", unit: "requests", show: integer }, { name: "Output", unit: "tokens/s", show: count },
  { name: "TTFT", unit: "s", show: time }, { name: "TPOT", unit: "s", show: time },
];

/** Cards of speed have nothing to show where memory holds no request. */
const unheld = (served) => served && memory.state.value.data && !runs(memory.state.value.data);
const Unheld = html`<p class="note">— no speed is shown for what memory cannot hold</p>`;

export function Throughput() {
  const rows = answered(curve.state.value.data), served = estimate.state.value.data, key = figure.value;
  const kind = FIGURES[key], range = spread(served, key), mine = `Scenario ${LETTERS[current.value].toUpperCase()}`;
  const ends = (value) => (range ? { low: value * range[0], high: value * range[1] } : {});
  const likely = (value) => (range ? `, likely ${kind.show(value * range[0])} to ${kind.show(value * range[1])}` : "");
  const points = rows.map((row) => ({ x: row[AT], y: row[key], value: row[AT], ...ends(row[key]), text: `${integer(row[AT])} at once: ${kind.show(row[key])}${likely(row[key])}` }));
  const measured = measuredRuns(served).filter((run) => run[key] != null).map((run) => ({ x: run.requests, y: run[key], text: `Measured at ${integer(run.requests)}: ${kind.show(run[key])} (${run.source})` }));
  const series = [
    { name: mine, tone: "s1", points },
    ...others().map((each) => ({ name: each.name, tone: each.tone, points: each.rows.map((row) => ({ x: row[AT], y: row[key], text: `${each.name}, ${integer(row[AT])} at once: ${kind.show(row[key])}` })) })),
    { name: "Measured", kind: "dots", tone: "s4", square: true, points: measured },
  ];
  const marker = scenario.value.load === "c" && served ? { x: Number(scenario.value.c), y: served[key], name: "your load" } : null;
  const side = html`<${Choices} label="Figure" options=${Object.entries(FIGURES).map(([one, { name }]) => [one, name])} value=${key} onChoose=${(chosen) => { figure.value = chosen; }} />`;
  return html`<${Card} id="throughput" title="Against concurrency" question=${curve} side=${side}>
    ${unheld(served) ? Unheld : points.length ? html`<${XYChart} label=${`${kind.axis} against requests in flight`} series=${series} x=${{ label: "requests in flight", log: true, format: count }} y=${{ label: kind.axis, log: true, format: kind.tick }} marker=${marker} onPick=${takeLoad}
        note=${range ? "Band: where 8 of 10 measured runs of this kind lay." : "No band: the error of this figure is not known."} />
      <${Data} name="llm-calc-concurrency" columns=${COLUMNS} rows=${rows.map((row) => [row[AT], row.output_tokens_per_s, row.ttft_s, row.tpot_s])} />` : html`<${Missing} question=${curve} />`}<//>`;
}

const LABELLED = [2, 8, 32, 128, 512];

export function Pareto() {
  const rows = answered(curve.state.value.data), served = estimate.state.value.data, each = scenario.value;
  const n = Number(each.n) || 1, range = spreadOf(served);
  const pointsOf = (list, gpus, named) => list.map((row) => {
    const [user, device] = [1 / row.tpot_s, row.output_tokens_per_s / gpus];
    const late = keeps(row.ttft_s, each.ttft) === false;
    return { x: user, y: device, value: row[AT], hollow: late, name: named && LABELLED.includes(row[AT]) && `${row[AT]}` !== each.c ? integer(row[AT]) : "", text: `${integer(row[AT])} at once: ${count(user)} tok/s for a user, ${count(device)} of a GPU${late ? `; TTFT ${time(row.ttft_s)} is beyond the target` : ""}` };
  });
  const mine = pointsOf(rows, n, true).map((one) => (range ? { ...one, low: one.y * range[0], high: one.y * range[1] } : one));
  const series = [
    { name: `Scenario ${LETTERS[current.value].toUpperCase()}`, tone: "s1", straight: true, points: mine },
    ...others().map((other) => ({ name: other.name, tone: other.tone, straight: true, points: pointsOf(other.rows, other.n, false) })),
  ];
  const marker = served && each.load === "c" ? { x: 1 / served.tpot_s, y: served.output_tokens_per_s_per_gpu, name: "your load" } : null;
  const limit = Number(each.tpot), region = each.tpot && limit > 0 ? { from: 1 / limit, name: "TPOT target kept" } : null;
  const columns = [COLUMNS[0], { name: "For one user", unit: "tokens/s", show: count }, { name: "Of one GPU", unit: "tokens/s", show: count }];
  return html`<${Card} id="pareto" title="Throughput against speed" question=${curve} note="Each point is a number of requests in flight: more of them fill the GPU and slow each user down.">
    ${unheld(served) ? Unheld : mine.length ? html`<${XYChart} label="Tokens a second of a GPU against those of one user" series=${series} x=${{ label: "tok/s for one user", format: count }} y=${{ label: "tok/s of one GPU", format: count }} marker=${marker} region=${region} onPick=${takeLoad} note=${each.ttft ? "Hollow: TTFT beyond the target." : ""} />
      <${Data} name="llm-calc-pareto" columns=${columns} rows=${mine.map((one) => [one.value, one.x, one.y])} />` : html`<${Missing} question=${curve} />`}<//>`;
}

/** Peak of the number type that matrices are multiplied in. */
function peakOf(device, served) {
  const words = `${served.resolved.weights}`, rates = device.tflops;
  const native = [["nvfp4", "fp4"], ["mxfp4", "fp4"], ["fp8", "fp8"], ["int8", "int8"]].find(([start, type]) => words.startsWith(start) && rates[type]);
  const type = native?.[1] ?? ["bf16", "fp16", "fp32"].find((one) => rates[one]);
  return [type, rates[type] * 1e12];
}

export function Roofline() {
  const served = estimate.state.value.data, device = gpu.value;
  if (!served || !device || unheld(served)) return null;
  const [type, peak] = peakOf(device, served), bandwidth = device.memory_bandwidth_gb_per_s * 1e9;
  const dots = (phase) => {
    const all = operatorsOf(served, phase), total = secondsOf(all);
    const shown = all.filter((each) => each.flops > 0 && each.bytes > 0);
    const longest = shown.reduce((most, each) => (!most || each.seconds > most.seconds ? each : most), null);
    return shown.map((each) => ({ x: each.flops / each.bytes, y: each.flops / each.seconds, r: 4 + 10 * Math.sqrt(each.seconds / total), name: each === longest ? each.name : "", side: phase === "prefill" ? -9 : 9, text: `${each.name} in ${phase}: ${count(each.flops / each.seconds / 1e12)} TFLOP/s at ${count(each.flops / each.bytes)} FLOPs a byte, ${time(each.seconds)}, bound by ${BOUNDS[each.bound].name.toLowerCase()}` }));
  };
  const operators = served.operators.filter((each) => each.flops > 0 && each.bytes > 0);
  const xs = operators.map((each) => each.flops / each.bytes);
  const [low, high] = [Math.min(...xs, 1) / 2, Math.max(...xs, peak / bandwidth) * 3];
  const roof = [low, peak / bandwidth, high].map((x) => ({ x, y: Math.min(peak, x * bandwidth) }));
  const series = [{ name: "Decode", kind: "dots", tone: "s1", points: dots("decode") }, { name: "Prefill", kind: "dots", tone: "s4", hollow: true, points: dots("prefill") }, { tone: "roof", points: roof, straight: true, bare: true }];
  const columns = [{ name: "Operator" }, { name: "Phase" }, { name: "FLOPs", unit: "FLOPs", show: count }, { name: "Bytes", unit: "bytes", show: size }, { name: "Time", unit: "s", show: time }, { name: "Bound by" }];
  return html`<${Card} id="roofline" title="Roofline" question=${estimate} note=${`Dashed: the roof of one GPU, ${count(bandwidth / 1e12)} TB/s and ${count(peak / 1e12)} TFLOP/s dense ${type}. The larger a mark, the more of its phase's time.`}>
    <${XYChart} label="FLOP/s of each operator against FLOPs a byte" series=${series} x=${{ label: "FLOPs a byte moved", log: true, format: count }} y=${{ label: "TFLOP/s", log: true, format: (value) => significant(value / 1e12, 2) }} height=${340} />
    <${Data} name="llm-calc-operators" columns=${columns} rows=${served.operators.map((each) => [each.name, each.phase, each.flops, each.bytes, each.seconds, each.bound])} /><//>`;
}

const MOST_OPERATORS = 5;

function Phase({ served, name, title }) {
  const rows = [...operatorsOf(served, name)].sort((one, other) => other.seconds - one.seconds), all = secondsOf(rows);
  if (!rows.length) return null;
  const parts = byBound(served, name).map(([bound, seconds]) => ({ name: BOUNDS[bound].name, tone: BOUNDS[bound].tone, value: seconds, text: percent(seconds / all) }));
  return html`<h3>${title}: ${time(all)}</h3>
    <${StackedBar} label=${title} parts=${parts} total=${all} height=${20} />
    <${Bars} label=${`Longest operators of ${name}`} rows=${rows.slice(0, MOST_OPERATORS).map((each) => ({ name: html`${each.name} <small>${BOUNDS[each.bound].name.toLowerCase()}</small>`, value: each.seconds, text: time(each.seconds) }))} />`;
}

export function Budget() {
  const served = estimate.state.value.data;
  if (!served || unheld(served)) return null;
  return html`<${Card} id="budget" title="Where the time goes" question=${estimate}>
    <${Phase} served=${served} name="decode" title="One decode step" /><${Phase} served=${served} name="prefill" title="Prefill of one prompt" /><//>`;
}
