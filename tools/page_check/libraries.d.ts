// What tools/page_libraries.js exports, as far as the page's own scripts lean on its types.
export interface Signal<T> { value: T; peek(): T; }
export function signal<T>(value: T): Signal<T>;
export function computed<T>(of: () => T): Signal<T>;
export function effect(run: () => void | (() => void)): () => void;
export const html: (strings: TemplateStringsArray, ...values: unknown[]) => any;
export function h(...parts: unknown[]): any;
export function render(...parts: unknown[]): void;
export function useEffect(run: () => void | (() => void), when?: unknown[]): void;
export function useRef<T>(value: T): { current: T };
export function useState<T>(value: T): [T, (value: T) => void];
export function scaleLinear(...parts: unknown[]): any;
export function scaleLog(...parts: unknown[]): any;
export function area(): any;
export function line(): any;
export const curveMonotoneX: any;
