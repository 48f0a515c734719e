// How a picture was made, as its file says it: our own JSON, or the text of AUTOMATIC1111 and those who write like it. The server's
// `tintype inspect` reads more forms.

/** @typedef {{prompt?: string, negative_prompt?: string, width?: number, height?: number, steps?: number, guidance_scale?: number, seed?: number, model?: string, scheduler?: string}} Parameters */

const NUMBERS = ["width", "height", "steps", "guidance_scale", "seed"];
const WORDS = ["prompt", "negative_prompt", "model", "scheduler"];

/** @param {Map<string, string>} texts @returns {Parameters | null} */
export function parametersOf(texts) {
  const own = fromJson(texts.get("tintype"));
  return own ?? fromText(texts.get("parameters"));
}

function fromJson(text) {
  try {
    const given = JSON.parse(text ?? "null");
    const kept = [...NUMBERS.filter((name) => Number.isFinite(given[name])), ...WORDS.filter((name) => typeof given[name] === "string")];
    return kept.length ? Object.fromEntries(kept.map((name) => [name, given[name]])) : null;
  } catch {
    return null;
  }
}

/** Reads `a cat\nNegative prompt: dogs\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model: x`. */
function fromText(text) {
  if (!text) return null;
  const lines = text.replace(/\r\n?/g, "\n").trimEnd().split("\n");
  const isSettings = /(^|, )Steps: \d+/.test(lines.at(-1));
  const settings = isSettings ? settingsOf(lines.pop()) : {};
  const negative = lines.findIndex((line) => line.startsWith("Negative prompt:"));
  const prompt = lines.slice(0, negative < 0 ? lines.length : negative).join("\n").trim();
  const rest = negative < 0 ? "" : lines.slice(negative).join("\n").replace("Negative prompt:", "").trim();
  if (!prompt && !isSettings) return null;
  return { ...(prompt && { prompt }), ...(rest && { negative_prompt: rest }), ...settings };
}

function settingsOf(line) {
  const pairs = new Map([...line.matchAll(/\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)/g)].map(([, name, value]) => [name, value.trim()]));
  const number = (name) => (pairs.has(name) && Number.isFinite(Number(pairs.get(name))) ? Number(pairs.get(name)) : undefined);
  const [, width, height] = pairs.get("Size")?.match(/^(\d+)x(\d+)$/) ?? [];
  const found = { steps: number("Steps"), guidance_scale: number("CFG scale"), seed: number("Seed"), width: width && Number(width), height: height && Number(height), model: pairs.get("Model"), scheduler: pairs.get("Sampler") };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
