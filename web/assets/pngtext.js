// What a PNG file says of itself: the texts in it, read here, without asking a server.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10];
/** The most of one text that is read, in bytes; no parameters are longer. */
const LONGEST = 2 ** 21;

const latin = new TextDecoder("latin1");
const utf8 = new TextDecoder();

/** @param {Uint8Array} bytes @returns {Promise<Map<string, string> | null>} The texts by their keyword; null if it is no PNG. */
export async function textsOf(bytes) {
  if (!SIGNATURE.every((byte, n) => bytes[n] === byte)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts = new Map();
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const kind = latin.decode(bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (kind === "IEND" || data.length < length) break;
    const read = { tEXt: plain, zTXt: packed, iTXt: international }[kind];
    if (read && length <= LONGEST) {
      const [keyword, text] = await read(data).catch(() => ["", ""]);
      if (keyword && !texts.has(keyword)) texts.set(keyword, text);
    }
    at += 12 + length;
  }
  return texts;
}

/** Splits at the first zero byte. */
function split(data) {
  const end = data.indexOf(0);
  return end < 0 ? [data, data.subarray(data.length)] : [data.subarray(0, end), data.subarray(end + 1)];
}

async function plain(data) {
  const [keyword, text] = split(data);
  return [latin.decode(keyword), latin.decode(text)];
}

async function packed(data) {
  const [keyword, rest] = split(data);
  return [latin.decode(keyword), latin.decode(await unpack(rest.subarray(1)))];
}

async function international(data) {
  const [keyword, rest] = split(data);
  const [, translated] = split(rest.subarray(2));
  const [, text] = split(translated);
  return [latin.decode(keyword), utf8.decode(rest[0] === 1 ? await unpack(text) : text)];
}

/** Unpacks at most `LONGEST` bytes: a small file may hold a very long text. */
async function unpack(data) {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const parts = [];
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > LONGEST) throw new Error("too long");
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
