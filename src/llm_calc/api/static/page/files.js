// What can be taken away: files of numbers and of charts, and the clipboard.

/** Put a text on the clipboard, also where the page came over plain HTTP. Returns whether that was done. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text, className: "hidden" });
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

export function download(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function cell(value) {
  if (value === null || value === undefined) return "";
  return /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
}

/** Numbers as they are, in SI units that the heads of the columns name. */
export function asCsv(name, columns, rows) {
  const lines = [columns, ...rows].map((row) => row.map(cell).join(","));
  download(`${name}.csv`, `${lines.join("\n")}\n`, "text/csv");
}

const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity", "font"];

/** A chart as text, with the styles of the page set on each mark and the page's ground behind it. */
function standalone(svg) {
  const copied = svg.cloneNode(true);
  const [from, to] = [svg, copied].map((root) => [root, ...root.querySelectorAll("*")]);
  from.forEach((element, at) => {
    const style = getComputedStyle(element);
    for (const name of STYLES) to[at].style.setProperty(name, style.getPropertyValue(name));
  });
  copied.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copied.style.setProperty("background", getComputedStyle(svg.closest(".card")).backgroundColor);
  return new XMLSerializer().serializeToString(copied);
}

export function asSvg(name, svg) {
  download(`${name}.svg`, standalone(svg), "image/svg+xml");
}

/** A chart as a picture of twice its size. */
export async function asPng(name, svg) {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(svg))}`;
  await picture.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: svg.clientWidth * 2, height: svg.clientHeight * 2 });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => download(`${name}.png`, blob, "image/png"));
}
