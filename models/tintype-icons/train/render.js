// Renders every Fluent Emoji icon to 128 x 128 RGBA pixels. Usage: node render.js WORK
const fs = require('fs');
const path = require('path');
const { Resvg } = require('@resvg/resvg-js');

const SIZE = 128;
const MARGIN = 0.04;
const work = process.argv[2] || 'work';
const set = require('@iconify-json/fluent-emoji-flat/icons.json');
const characters = require('@iconify-json/fluent-emoji-flat/chars.json');

const codes = {};
for (const [code, name] of Object.entries(characters)) (codes[name] ??= []).push(code);

const wanted = (name) => codes[name] && !/skin-tone/.test(name) && !/^flag-/.test(name);

function render(icon) {
  const width = icon.width || set.width || 16;
  const height = icon.height || set.height || 16;
  const margin = MARGIN * width;
  const box = [(icon.left || 0) - margin, (icon.top || 0) - margin, width + 2 * margin, height + 2 * margin];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="${box.join(' ')}" width="${SIZE}" height="${SIZE}">${icon.body}</svg>`;
  return Buffer.from(new Resvg(svg, { fitTo: { mode: 'width', value: SIZE } }).render().pixels);
}

const names = [];
const pictures = [];
for (const name of Object.keys(set.icons).filter(wanted)) {
  const pixels = render(set.icons[name]);
  if (pixels.length !== SIZE * SIZE * 4) continue;
  pictures.push(pixels);
  names.push([name, codes[name]]);
}
fs.mkdirSync(work, { recursive: true });
fs.writeFileSync(path.join(work, 'icons.rgba'), Buffer.concat(pictures));
fs.writeFileSync(path.join(work, 'icons.json'), JSON.stringify(names));
console.log(`${names.length} icons`);
