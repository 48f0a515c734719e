"""From rendered icons to what is trained on: 64 x 64 pictures, recoloured ones, captions, a tokenizer, linear latents."""

import json
import re

import numpy as np
import torch
from concepts import COLOURED, COLOURS, FILLERS, HELD_OUT, SYNONYMS, THINGS
from recipe import LATENT_CHANNELS, patches, path
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers


def on_white(rgba):
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return rgba[..., :3].astype(np.float32) / 255 * alpha + (1 - alpha)


def half(picture):
    return picture.reshape(64, 2, 64, 2, 3).mean((1, 3))


def to_hsv(x):
    high, low = x.max(-1), x.min(-1)
    spread = high - low
    r, g, b = x[..., 0], x[..., 1], x[..., 2]
    safe = np.where(spread == 0, 1, spread)
    hue = np.where(high == r, ((g - b) / safe) % 6, np.where(high == g, (b - r) / safe + 2, (r - g) / safe + 4)) * 60
    return hue, np.where(high > 0, spread / np.maximum(high, 1e-6), 0), high


def to_rgb(hue, saturation, value):
    hue = (hue % 360) / 60
    sector, f = np.floor(hue).astype(int) % 6, hue - np.floor(hue)
    v, s = value, saturation
    p, q, t = v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f))
    return np.stack(
        [np.choose(sector, [v, q, p, p, t, v]), np.choose(sector, [t, v, v, q, p, p]), np.choose(sector, [p, p, t, v, v, q])],
        -1,
    )


def recoloured(picture, target):
    """The picture with its main hue turned to `target` degrees."""
    hue, saturation, value = to_hsv(picture)
    histogram = np.zeros(36)
    np.add.at(histogram, (hue / 10).astype(int) % 36, (saturation > 0.3) * saturation * value)
    main = np.convolve(np.r_[histogram[-1:], histogram, histogram[:1]], [1, 1, 1], "valid").argmax() * 10 + 5
    distance = (hue - main + 180) % 360 - 180
    near = (np.abs(distance) < 35) & (saturation > 0.2)
    return to_rgb(np.where(near, target + distance * 0.4, hue), saturation, value)


def load_icons():
    with open(path("icons.json")) as file:
        names = json.load(file)
    pixels = np.memmap(path("icons.rgba"), dtype=np.uint8, mode="r").reshape(len(names), 128, 128, 4)
    return {name: (pixels[i], codes) for i, (name, codes) in enumerate(names)}


def load_tags():
    with open(path("node_modules/emojibase-data/en/data.json")) as file:
        emoji = json.load(file)
    wanted = re.compile(r"[a-z][a-z \-]{1,18}")
    plain = lambda code: code.lower().replace("-fe0f", "")
    return {plain(e["hexcode"]): [t.lower() for t in e.get("tags", []) if wanted.fullmatch(t.lower())] for e in emoji}


def build(icons, tags):
    """The pictures, the names and tags of each, and which of them are things, not coloured variants."""
    pictures, captions, is_thing = [], [], []
    for name in (name for name in THINGS if name in icons):
        pixels, codes = icons[name]
        spoken = "t-shirt" if name == "t-shirt" else name.replace("-", " ")
        pictures.append(half(on_white(np.array(pixels))))
        captions.append(([spoken] + SYNONYMS.get(name, []), tags.get(codes[0].replace("-fe0f", ""), [])))
        is_thing.append(True)
    for name, spoken in COLOURED.items():
        for colour, hue in COLOURS.items():
            if name in icons and (spoken, colour) not in HELD_OUT:
                pictures.append(half(recoloured(on_white(np.array(icons[name][0])), hue)))
                captions.append(([f"{colour} {spoken}"], []))
                is_thing.append(False)
    return np.stack(pictures).astype(np.float32), captions, np.array(is_thing)


def linear_latents(pictures):
    """A linear map from a patch to its main components, evenly spread, and the mean patch."""
    flat = patches(torch.from_numpy(pictures * 2 - 1).permute(0, 3, 1, 2)).reshape(-1, 192).numpy()
    mean = flat.mean(0)
    values, vectors = np.linalg.eigh(np.cov((flat - mean).T))
    order = values.argsort()[::-1][:LATENT_CHANNELS]
    scale = np.sqrt(values[order]) ** 0.5
    spread = ((flat - mean) @ vectors[:, order] / scale).std()
    return (vectors[:, order] / scale / spread).T.astype(np.float32), mean.astype(np.float32)


def train_tokenizer(captions):
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[a-z]+|[0-9]"), "removed", invert=True)
    texts = [text for names, tags in captions for text in names * 6 + tags * 2] + FILLERS * 50
    trainer = trainers.BpeTrainer(
        vocab_size=2048,
        special_tokens=["<|startoftext|>", "<|endoftext|>"],
        end_of_word_suffix="</w>",
        initial_alphabet=list("abcdefghijklmnopqrstuvwxyz0123456789'-"),
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|startoftext|> $A <|endoftext|>", special_tokens=[("<|startoftext|>", 0), ("<|endoftext|>", 1)]
    )
    return tokenizer


def main():
    pictures, captions, is_thing = build(load_icons(), load_tags())
    encoder, mean = linear_latents(pictures)
    pixels = (pictures * 255).round().astype(np.uint8)
    np.savez(path("data.npz"), pictures=pixels, encoder=encoder, mean=mean, is_thing=is_thing)
    with open(path("captions.json"), "w") as file:
        json.dump(captions, file)
    train_tokenizer(captions).save(path("tokenizer.json"))
    print(f"{len(pictures)} pictures, {is_thing.sum()} of them things")


if __name__ == "__main__":
    main()
