"""Drawing with diffusers from a packed folder, in 32 bits: for the reference vectors and the score."""

import json
import os

import torch
from diffusers import AutoencoderKL, DDIMScheduler, EulerDiscreteScheduler, UNet2DConditionModel
from recipe import path, token_ids
from tokenizers import Tokenizer
from transformers import CLIPTextModel

SCHEDULERS = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler}


class Pipeline:
    def __init__(self, folder):
        load = lambda model, part: model.from_pretrained(folder, subfolder=part, torch_dtype=torch.float32).eval()
        self.unet = load(UNet2DConditionModel, "unet")
        self.text_encoder = load(CLIPTextModel, "text_encoder")
        self.vae = load(AutoencoderKL, "vae")
        self.tokenizer = Tokenizer.from_file(path("tokenizer.json"))
        with open(os.path.join(folder, "scheduler", "scheduler_config.json")) as file:
            self.scheduler = json.load(file)

    @torch.no_grad()
    def draw(self, prompts, noise, steps, guidance, kind="ddim"):
        """The text states, the latents and the pictures, from -1 to 1, of `prompts`."""
        scheduler = SCHEDULERS[kind].from_config(self.scheduler)
        scheduler.set_timesteps(steps)
        ids = [token_ids(self.tokenizer, text) for text in [""] * len(prompts) + prompts]
        states = self.text_encoder(torch.tensor(ids)).last_hidden_state
        x = noise * scheduler.init_noise_sigma
        for t in scheduler.timesteps:
            both = scheduler.scale_model_input(torch.cat([x, x]), t)
            unwanted, wanted = self.unet(both, t, states).sample.chunk(2)
            x = scheduler.step(unwanted + guidance * (wanted - unwanted), t, x).prev_sample
        return states, x, self.vae.decode(x).sample
