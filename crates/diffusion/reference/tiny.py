"""Writes the folder tests/tiny: a Stable Diffusion 2 in miniature with random weights, and what diffusers computes from it.

It covers what tintype-icons does not: three levels, two layers a block, heads per level, linear projections, gelu in the
text encoder, a padding token, epsilon, leading timesteps with an offset, a scaling factor. Usage: python tiny.py
"""

import json
import os
import shutil

import torch
from diffusers import AutoencoderKL, DDIMScheduler, EulerDiscreteScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "tests", "tiny")
ICONS = os.path.join(HERE, "..", "..", "..", "models", "tintype-icons")
SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "timestep_spacing": "leading",
    "steps_offset": 1,
    "set_alpha_to_one": False,
    "clip_sample": False,
    "skip_prk_steps": True,
}
STEPS, GUIDANCE = 7, 5.0


def write_json(value, *parts):
    os.makedirs(os.path.dirname(os.path.join(OUT, *parts)), exist_ok=True)
    with open(os.path.join(OUT, *parts), "w") as file:
        json.dump(value, file, indent=2)


def save(model, part, stem):
    """Half precision, and the model as it reads back."""
    model.save_pretrained(os.path.join(OUT, part))
    file = os.path.join(OUT, part, f"{stem}.safetensors")
    save_file({name: weight.half() for name, weight in load_file(file).items()}, file, metadata={"format": "pt"})
    return type(model).from_pretrained(os.path.join(OUT, part), torch_dtype=torch.float32).eval()


def main():
    torch.manual_seed(1)
    text = CLIPTextConfig(
        vocab_size=2048, hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2,
        max_position_embeddings=8, hidden_act="gelu", bos_token_id=0, eos_token_id=1, pad_token_id=5,
    )  # fmt: skip
    text_encoder = save(CLIPTextModel(text), "text_encoder", "model")
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 16, 16), layers_per_block=2, cross_attention_dim=16, norm_num_groups=4,
        attention_head_dim=(1, 2, 4), use_linear_projection=True,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    )  # fmt: skip
    unet = save(unet, "unet", "diffusion_pytorch_model")
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 16, 16), layers_per_block=2, norm_num_groups=4, scaling_factor=0.18215,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )  # fmt: skip
    vae = save(vae, "vae", "diffusion_pytorch_model")
    os.makedirs(os.path.join(OUT, "tokenizer"), exist_ok=True)
    for file in ("vocab.json", "merges.txt"):
        shutil.copy(os.path.join(ICONS, "tokenizer", file), os.path.join(OUT, "tokenizer", file))
    write_json({"pad_token": {"content": "1"}}, "tokenizer", "special_tokens_map.json")
    write_json(SCHEDULER, "scheduler", "scheduler_config.json")
    write_json({"_class_name": "StableDiffusionPipeline"}, "model_index.json")
    with open(os.path.join(OUT, "tokenizer", "vocab.json")) as file:
        words = json.load(file)
    ids = lambda *tokens: [0] + [words[t] for t in tokens] + [1] + [words["1"]] * (6 - len(tokens))
    reference(text_encoder, unet, vae, torch.tensor([ids(), ids("red</w>", "heart</w>")]))


@torch.no_grad()
def reference(text_encoder, unet, vae, ids):
    # Odd at every level below: 10 by 14 latent pixels.
    noise = torch.randn(1, 4, 10, 14, generator=torch.Generator().manual_seed(2))
    states = text_encoder(ids).last_hidden_state
    vectors = {"noise": noise, "token_ids": ids, "text_hidden": states}
    for kind, scheduler in (("ddim", DDIMScheduler), ("euler", EulerDiscreteScheduler)):
        scheduler = scheduler.from_config(SCHEDULER)
        scheduler.set_timesteps(STEPS)
        x = noise * scheduler.init_noise_sigma
        for t in scheduler.timesteps:
            unwanted, wanted = unet(scheduler.scale_model_input(torch.cat([x, x]), t), t, states).sample.chunk(2)
            x = scheduler.step(unwanted + GUIDANCE * (wanted - unwanted), t, x).prev_sample
        vectors[f"{kind}.latents"] = x.contiguous()
        vectors[f"{kind}.picture"] = vae.decode(x / vae.config.scaling_factor).sample.contiguous()
    save_file(vectors, os.path.join(OUT, "vectors.safetensors"))


if __name__ == "__main__":
    main()
