// The cards of speed: throughput and latency over concurrency, throughput against speed, roofline, where time goes.
import { html } from "../vendor/page/libraries.js";
import { current, look, names, scenarios, view } from "./state.js";
import { answered, comparisons, curve, estimate, memory } from "./api.js";
import { Bars, StackedBar, XYChart } from "./charts.js";
import { Card, Choices, Data, Missing } from "./card.js";
import { BOUNDS, byBound, gpusOf, keeps, operatorsOf, runs, secondsOf, spread } from "./figures.js";
import { takeLoad } from "./memory.js";
import { count, integer, parsed, percent, significant, size, time } from "./numbers.js";
import { SESSIONS } from "./requests.js";

const AT = "workload.concurrency";
const FIGURES = {
  output_tokens_per_s: { name: "Output", axis: "output tok/s", show: (value) => `${count(value)} tok/s`, tick: count },
  ttft_s: { name: "TTFT", axis: "TTFT, s", show: time, tick: count },
  tpot_s: { name: "TPOT", axis: "TPOT, ms", show: time, tick: (value) => count(1000 * value) },
};

const timed = (rows) => (rows ?? []).filter((row) => !row.error && row.output_tokens_per_s > 0);

/** The curves of the other scenarios: [{name, tone, rows}]. */
function others() {
  if (!comparisons.value || scenarios.value.length < 2) return [];
  const { all, answers } = comparisons.value;
  return answers.map((one, at) => ({ name: names.value[at], tone: `s${at + 1}`, at, rows: runs(one.plan) ? timed(one.points) : [], n: gpusOf(all[at]) }))
    .filter((each) => each.at !== current.value && each.rows.length);
}

/** Whether the scenario is such a load as the curve is of: its range holds for the curve then. */
const isLoop = (each) => each.load === "c" && parsed(each.c) > 1;

/** Where on the curve the scenario is: requests in flight, or sessions alive. */
const inFlight = (each) => (each.load === "c" || each.load === SESSIONS ? parsed(each[each.load]) : 0);

/** Runs that were measured on this model, GPU and engine at these lengths. */
const measuredRuns = (served) => served?.basis.measured_curve ?? [];

const COLUMNS = [
  { name: "Concurrent requests", unit: "requests", show: integer }, { name: "Output", unit: "tokens/s", show: count },
  { name: "TTFT", unit: "s", show: time }, { name: "TPOT", unit: "s", show: time },
];

/** Cards of speed have nothing to show where memory holds no request. */
const unheld = (served) => served && memory.state.value.data && !runs(memory.state.value.data);
const Unheld = html`<p class="note">— no speed is shown for what memory cannot hold</p>`;

export function Throughput() {
  const rows = timed(curve.state.value.data), served = estimate.state.value.data, each = answered.value.scenario;
  const key = view.value.fig in FIGURES ? view.value.fig : "output_tokens_per_s", tone = `s${current.value + 1}`;
  const kind = FIGURES[key], range = isLoop(each) ? spread(served, key) : null, mine = scenarios.value.length > 1 ? names.value[current.value] : "This scenario";
  const ends = (value) => (range ? { low: value * range[0], high: value * range[1] } : {});
  const likely = (value) => (range ? `, likely ${kind.show(value * range[0])} to ${kind.show(value * range[1])}` : "");
  const points = rows.map((row) => ({ x: row[AT], y: row[key], value: row[AT], ...ends(row[key]), text: `${integer(row[AT])} at once: ${kind.show(row[key])}${likely(row[key])}` }));
  const measured = measuredRuns(served).filter((run) => run[key] != null).map((run) => ({ x: run.requests, y: run[key], text: `Measured at ${integer(run.requests)}: ${kind.show(run[key])} (${run.source})` }));
  const series = [
    { name: mine, tone, points },
    ...others().map((each) => ({ name: each.name, tone: each.tone, points: each.rows.map((row) => ({ x: row[AT], y: row[key], text: `${each.name}, ${integer(row[AT])} at once: ${kind.show(row[key])}` })) })),
    { name: "Measured", kind: "dots", tone: "s4", square: true, points: measured },
  ];
  const marker = inFlight(each) && served ? { x: inFlight(each), y: served[key], name: "your load" } : null;
  const side = html`<${Choices} label="Figure" options=${Object.entries(FIGURES).map(([one, { name }]) => [one, name])} value=${key} onChoose=${(chosen) => look({ fig: chosen })} />`;
  return html`<${Card} id="throughput" title="Throughput and latency by concurrency" question=${curve} side=${side}>
    ${unheld(served) ? Unheld : points.length ? html`<${XYChart} label=${`${kind.axis} against requests in flight`} series=${series} x=${{ label: "concurrent requests", log: true, format: count, ticks: LABELLED }} y=${{ label: kind.axis, log: true, format: kind.tick }} marker=${marker} onPick=${takeLoad}
        note=${range ? "Band: 8 of 10 measured runs that the fit had not seen lay so near to what was said." : "No band: how far off this figure is under such loads was not measured."} />
      <${Data} name="llm-calc-concurrency" columns=${COLUMNS} rows=${rows.map((row) => [row[AT], row.output_tokens_per_s, row.ttft_s, row.tpot_s])} />` : html`<${Missing} question=${curve} />`}<//>`;
}

const LABELLED = [2, 8, 32, 128, 512];

export function Pareto() {
  const rows = timed(curve.state.value.data), served = estimate.state.value.data, each = answered.value.scenario;
  const n = gpusOf(each), range = isLoop(each) ? spread(served, "output_tokens_per_s") : null;
  const pointsOf = (list, gpus, named) => list.map((row) => {
    const [user, device] = [1 / row.tpot_s, row.output_tokens_per_s / gpus];
    const late = keeps(row.ttft_s, each.ttft) === false;
    return { x: user, y: device, value: row[AT], hollow: late, name: named && LABELLED.includes(row[AT]) && `${row[AT]}` !== each.c ? integer(row[AT]) : "", text: `${integer(row[AT])} at once: ${count(user)} tok/s for a user, ${count(device)} of a GPU${late ? `; TTFT ${time(row.ttft_s)} is beyond the target` : ""}` };
  });
  const mine = pointsOf(rows, n, true).map((one) => (range ? { ...one, low: one.y * range[0], high: one.y * range[1] } : one));
  const series = [
    { name: scenarios.value.length > 1 ? names.value[current.value] : "This scenario", tone: `s${current.value + 1}`, straight: true, points: mine },
    ...others().map((other) => ({ name: other.name, tone: other.tone, straight: true, points: pointsOf(other.rows, other.n, false) })),
  ];
  const marker = served && inFlight(each) ? { x: 1 / served.tpot_s, y: served.output_tokens_per_s_per_gpu, name: "your load" } : null;
  const limit = parsed(each.tpot), region = limit > 0 ? { from: 1 / limit, name: "TPOT target kept" } : null;
  const columns = [COLUMNS[0], { name: "For one user", unit: "tokens/s", show: count }, { name: "Of one GPU", unit: "tokens/s", show: count }];
  return html`<${Card} id="pareto" title="Throughput of a GPU against speed for a user" question=${curve} note="Each point is a number of requests in flight: more of them fill the GPU and slow each user down.">
    ${unheld(served) ? Unheld : mine.length ? html`<${XYChart} label="Tokens a second of a GPU against those of one user" series=${series} x=${{ label: "tok/s for one user", format: count }} y=${{ label: "tok/s of one GPU", format: count }} marker=${marker} region=${region} onPick=${takeLoad} note=${each.ttft ? "Hollow: TTFT beyond the target." : ""} />
      <${Data} name="llm-calc-pareto" columns=${columns} rows=${mine.map((one) => [one.value, one.x, one.y])} />` : html`<${Missing} question=${curve} />`}<//>`;
}

export function Roofline() {
  const served = estimate.state.value.data, { device } = answered.value;
  if (!served || !device || unheld(served)) return null;
  const type = served.resolved.multiplied_in, peak = device.tflops[type] * 1e12, bandwidth = device.memory_bandwidth_gb_per_s * 1e9;
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
  return html`<${Card} id="roofline" title="Roofline" question=${estimate} note=${`Dashed: the roof of one GPU, ${count(bandwidth / 1e12)} TB/s and ${count(peak / 1e12)} TFLOP/s dense ${type}. The larger a mark, the more of its phase's time. Left out: attention among the tokens of a prompt and exchange between GPUs, whose bytes are not counted apart.`}>
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
    <${Bars} label=${`Longest operators of ${name}`} rows=${rows.slice(0, MOST_OPERATORS).map((each) => ({ name: each.bound === "launch" ? each.name : html`${each.name} <small>${BOUNDS[each.bound].name.toLowerCase()}</small>`, tone: BOUNDS[each.bound].tone, value: each.seconds, text: `${time(each.seconds)} · ${percent(each.seconds / all)}` }))} />`;
}

export function Budget() {
  const served = estimate.state.value.data;
  if (!served || unheld(served)) return null;
  return html`<${Card} id="budget" title="Where the time goes" question=${estimate}>
    <${Phase} served=${served} name="decode" title="One decode step" /><${Phase} served=${served} name="prefill" title="Prefill of one prompt" /><//>`;
}
