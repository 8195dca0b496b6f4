// What the page uses of its third-party libraries; tools/bundle.py makes one file of it.
export { h, render } from "preact";
export { useEffect, useRef, useState } from "preact/hooks";
export { computed, effect, signal } from "@preact/signals";
export { scaleLinear, scaleLog } from "d3-scale";
export { area, curveMonotoneX, line } from "d3-shape";
import { h } from "preact";
import htm from "htm";
export const html = htm.bind(h);
