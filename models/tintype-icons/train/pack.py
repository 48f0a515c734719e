"""Trained weights to a diffusers folder in half precision, with the list of concepts and the reference vectors.
Usage: python pack.py FOLDER"""

import json
import os
import sys

import torch
from recipe import LATENT_CHANNELS, SCHEDULER, load_captions, path, token_ids
from safetensors.torch import load_file, save_file

PARTS = {"unet": "diffusion_pytorch_model", "text_encoder": "model", "vae": "diffusion_pytorch_model"}
INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "safety_checker": [None, None],
    "feature_extractor": [None, None],
    "requires_safety_checker": False,
}
TOKENIZER = {
    "tokenizer_class": "CLIPTokenizer",
    "model_max_length": 16,
    "bos_token": "<|startoftext|>",
    "eos_token": "<|endoftext|>",
    "pad_token": "<|endoftext|>",
    "unk_token": "<|endoftext|>",
}
PROMPTS = ["red heart", "a blue car", "cat face", "birthday cake"]


def write_json(value, *parts):
    os.makedirs(os.path.dirname(os.path.join(*parts)), exist_ok=True)
    with open(os.path.join(*parts), "w") as file:
        json.dump(value, file, indent=2)


def pack_weights(folder):
    for part, stem in PARTS.items():
        with open(path(part, "config.json")) as file:
            config = json.load(file)
        config.pop("_name_or_path", None)
        write_json(config, folder, part, "config.json")
        weights = load_file(path(part, f"{stem}.safetensors"))
        if part == "text_encoder":
            prefixed = lambda name: name if name.startswith("text_model.") else f"text_model.{name}"
            weights = {prefixed(name): w for name, w in weights.items() if "position_ids" not in name}
        halves = {name: weight.half().contiguous() for name, weight in weights.items()}
        save_file(halves, os.path.join(folder, part, f"{stem}.safetensors"), metadata={"format": "pt"})


def pack_tokenizer(folder):
    with open(path("tokenizer.json")) as file:
        model = json.load(file)["model"]
    write_json(model["vocab"], folder, "tokenizer", "vocab.json")
    write_json(TOKENIZER, folder, "tokenizer", "tokenizer_config.json")
    pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    with open(os.path.join(folder, "tokenizer", "merges.txt"), "w") as file:
        file.write("#version: 0.2\n" + "\n".join(pairs) + "\n")


def reference(folder):
    """What an engine must reproduce: computed in 32 bits from the packed weights."""
    from sampling import Pipeline

    pipeline = Pipeline(folder)
    shape = (1, LATENT_CHANNELS, 8, 8)
    noise = torch.cat([torch.randn(shape, generator=torch.Generator().manual_seed(i)) for i in range(len(PROMPTS))])
    vectors = {"noise": noise, "token_ids": torch.tensor([token_ids(pipeline.tokenizer, text) for text in PROMPTS])}
    for kind in ("ddim", "euler"):
        states, latents, pictures = pipeline.draw(PROMPTS, noise, 12, 2.5, kind)
        pixels = ((pictures.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
        vectors |= {f"{kind}.latents": latents.contiguous(), f"{kind}.image": pixels.contiguous()}
        vectors |= {"text_hidden": states[len(PROMPTS) :].contiguous(), "text_hidden_empty": states[:1].contiguous()}
    metadata = {"prompts": json.dumps(PROMPTS), "steps": "12", "guidance_scale": "2.5"}
    os.makedirs(os.path.join(folder, "reference"), exist_ok=True)
    save_file(vectors, os.path.join(folder, "reference", "vectors.safetensors"), metadata=metadata)


def main():
    folder = sys.argv[1]
    pack_weights(folder)
    pack_tokenizer(folder)
    write_json(SCHEDULER, folder, "scheduler", "scheduler_config.json")
    write_json(INDEX, folder, "model_index.json")
    write_json(sorted({name for names, _ in load_captions() for name in names}), folder, "concepts.json")
    reference(folder)


if __name__ == "__main__":
    main()
