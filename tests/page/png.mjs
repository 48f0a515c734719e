// PNG files made here, so that a test knows every byte of them.

import { crc32, deflateSync } from "node:zlib";

const crcOf = crc32 ?? ((bytes) => ~bytes.reduce((crc, byte) => {
  crc ^= byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  return crc;
}, -1) >>> 0);

const word = (value) => Buffer.from([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);

function chunk(kind, data) {
  const named = Buffer.concat([Buffer.from(kind), data]);
  return Buffer.concat([word(data.length), named, word(crcOf(named))]);
}

/** A text chunk of each kind. */
export const text = {
  plain: (keyword, words) => chunk("tEXt", Buffer.from(`${keyword}\0${words}`, "latin1")),
  packed: (keyword, words) => chunk("zTXt", Buffer.concat([Buffer.from(`${keyword}\0\0`), deflateSync(Buffer.from(words, "latin1"))])),
  international: (keyword, words) => chunk("iTXt", Buffer.from(`${keyword}\0\0\0\0\0${words}`)),
  internationalPacked: (keyword, words) => chunk("iTXt", Buffer.concat([Buffer.from(`${keyword}\0\x01\0\0\0`), deflateSync(Buffer.from(words))])),
};

/** A grey picture, another for another shade. @param {{width?: number, height?: number, shade?: number, texts?: Buffer[]}} [of] */
export function png({ width = 1, height = 1, shade = 0, texts = [] } = {}) {
  const rows = Buffer.alloc((width + 1) * height, shade % 256);
  for (let row = 0; row < height; row += 1) rows[row * (width + 1)] = 0;
  const header = Buffer.concat([word(width), word(height), Buffer.from([8, 0, 0, 0, 0])]);
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk("IHDR", header), ...texts, chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}
