"""How long diffusers with PyTorch takes for one picture of a diffusers folder, on the CPU: the yardstick of the engine.

    python speed.py FOLDER [--steps 20] [--guidance 7.5] [--threads 1] [--repeats 5] [--size PIXELS]

Prints JSON: the milliseconds of each repeat, its best and its median. Loading and a first warm-up are not counted; the
prompt's encoding, the steps and the decoding are. Needs torch, diffusers and transformers.
"""

import argparse
import json
import statistics
import time

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextModel


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=7.5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--size", type=int, help="side in pixels; default: the size the model was trained at")
    return parser.parse_args()


def load(model, folder, part):
    return model.from_pretrained(folder, subfolder=part, torch_dtype=torch.float32).eval()


@torch.inference_mode()
def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    text_encoder = load(CLIPTextModel, args.folder, "text_encoder")
    unet = load(UNet2DConditionModel, args.folder, "unet")
    vae = load(AutoencoderKL, args.folder, "vae")
    scheduler = DDIMScheduler.from_pretrained(args.folder, subfolder="scheduler")
    scale = 2 ** (len(vae.config.block_out_channels) - 1)
    side = args.size // scale if args.size else unet.config.sample_size
    # Which words does not matter for the time: every prompt fills all positions.
    config = text_encoder.config
    ids = torch.full((2, config.max_position_embeddings), config.eos_token_id % config.vocab_size)

    def draw():
        states = text_encoder(ids).last_hidden_state
        scheduler.set_timesteps(args.steps)
        latents = torch.randn(1, unet.config.in_channels, side, side) * scheduler.init_noise_sigma
        for t in scheduler.timesteps:
            both = scheduler.scale_model_input(torch.cat([latents, latents]), t)
            if args.guidance > 1:
                unwanted, wanted = unet(both, t, states).sample.chunk(2)
                output = unwanted + args.guidance * (wanted - unwanted)
            else:
                output = unet(both[:1], t, states[1:]).sample
            latents = scheduler.step(output, t, latents).prev_sample
        return vae.decode(latents / vae.config.scaling_factor).sample

    draw()
    times = []
    for _ in range(args.repeats):
        started = time.perf_counter()
        draw()
        times.append((time.perf_counter() - started) * 1000)
    print(
        json.dumps(
            {
                "engine": "diffusers",
                "steps": args.steps,
                "threads": args.threads,
                "size": side * scale,
                "milliseconds": [round(t, 1) for t in times],
                "best": round(min(times), 1),
                "median": round(statistics.median(times), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
