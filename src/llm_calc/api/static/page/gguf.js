// The header of a GGUF file without the lists of its tokenizer, which make it megabytes long: what a service needs of it.
const FIRST_BYTES = 2 ** 22;
const MOST_BYTES = 2 ** 28;
const LONG_LIST = 4096;
const LONG_TEXT = 1024;
const [STRING, ARRAY] = [8, 9];
/** Bytes of a value by its kind. */
const SIZES = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const UINT8 = 0;
const TOKENS = "tokenizer.ggml.tokens";

class More extends Error {}

/** The bytes with the place that is read next; where they end before a value does, more of the file is needed. */
class Bytes {
  constructor(buffer) {
    this.all = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.at = 0;
  }

  pass(size) {
    const start = this.at;
    if (start + size > this.all.length) throw new More();
    this.at = start + size;
    return start;
  }

  u32() { return this.view.getUint32(this.pass(4), true); }

  u64() {
    const value = Number(this.view.getBigUint64(this.pass(8), true));
    if (!Number.isSafeInteger(value)) throw new Error("a length is too large");
    return value;
  }

  text() {
    const length = this.u64(), start = this.pass(length);
    return length > LONG_TEXT ? "" : new TextDecoder().decode(this.all.subarray(start, start + length));
  }
}

function passValue(from, kind) {
  if (kind === STRING) from.text();
  else if (kind in SIZES) from.pass(SIZES[kind]);
  else throw new Error(`a value is of an unknown kind ${kind}`);
}

/** Pass one key and its value; the parts to keep of it, none where only a tokenizer needs it. */
function pair(from) {
  const start = from.at, name = from.text(), kind = from.u32(), value = from.at;
  if (kind === ARRAY) {
    const [one, length] = [from.u32(), from.u64()];
    if (one in SIZES) from.pass(SIZES[one] * length);
    else for (let each = 0; each < length; each += 1) passValue(from, one);
    if (name === TOKENS && length > LONG_LIST) return [from.all.subarray(start, value), listOf(length)];
    if (one === STRING ? length > 0 : length > LONG_LIST) return [];
  } else {
    const before = from.at;
    passValue(from, kind);
    if (from.at - before > LONG_TEXT) return [];
  }
  return [from.all.subarray(start, from.at)];
}

/** A list that says nothing but its length. */
function listOf(length) {
  const list = new Uint8Array(12 + length), view = new DataView(list.buffer);
  view.setUint32(0, UINT8, true);
  view.setBigUint64(4, BigInt(length), true);
  return list;
}

/** Pass the list of tensors: name, dimensions, type and place of each. */
function tensors(from, count) {
  const start = from.at;
  for (let each = 0; each < count; each += 1) {
    from.text();
    from.pass(8 * from.u32() + 12);
  }
  return from.all.subarray(start, from.at);
}

/** The short form of a header: magic, version, counts, the keys that are kept, all tensors. */
export function shortHeader(buffer) {
  const from = new Bytes(buffer), head = new Uint8Array(24);
  if (from.u32() !== 0x46554747) throw new Error("it does not begin with GGUF");
  from.u32();
  const [count, keys] = [from.u64(), from.u64()], kept = [];
  for (let each = 0; each < keys; each += 1) kept.push(pair(from));
  const found = kept.filter((parts) => parts.length);
  head.set(from.all.subarray(0, 24));
  new DataView(head.buffer).setBigUint64(16, BigInt(found.length), true);
  return new Blob([head, ...found.flat(), tensors(from, count)]);
}

/** The short form of the header of a file, of which no more is read than it takes. */
export async function headerOf(file) {
  for (let size = FIRST_BYTES; ; size *= 4) {
    try {
      return new Uint8Array(await shortHeader(await file.slice(0, size).arrayBuffer()).arrayBuffer());
    } catch (problem) {
      if (!(problem instanceof More)) throw problem;
      if (size >= file.size || size >= MOST_BYTES) throw new Error("it ends before the list of its tensors does");
    }
  }
}
