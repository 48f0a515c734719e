"""What every step of the recipe shares: where files are, token ids, captions, latents, the noise of each step."""

import json
import os
import random

import numpy as np
import torch
from concepts import PHRASINGS

WORK = os.environ.get("WORK", "work")
POSITIONS = 16
LATENT_CHANNELS = 32
END = 1
SCHEDULER = {
    "_class_name": "DDIMScheduler",
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "set_alpha_to_one": False,
    "clip_sample": False,
    "steps_offset": 0,
}


def path(*parts):
    return os.path.join(WORK, *parts)


def token_ids(tokenizer, text):
    """The ids of `text`: cut off or padded to every position, an end mark last."""
    ids = tokenizer.encode(text).ids[:POSITIONS]
    ids[-1] = END
    return ids + [END] * (POSITIONS - len(ids))


def load_captions():
    with open(path("captions.json")) as file:
        return json.load(file)


def caption(names, tags):
    """One of many ways to ask for a picture; one in ten is empty, so that guidance can be learnt."""
    if random.random() < 0.1:
        return ""
    name = random.choice(names if not tags or random.random() < 0.95 else tags)
    return random.choices(list(PHRASINGS), PHRASINGS.values())[0].format(name)


def patches(pictures):
    """Pictures of shape n, 3, 64, 64 as n, 64, 192: what is in each 8 x 8 square."""
    n = pictures.shape[0]
    squares = pictures.permute(0, 2, 3, 1).reshape(n, 8, 8, 8, 8, 3)
    return squares.permute(0, 1, 3, 5, 2, 4).reshape(n, 64, 192)


class Data:
    """The pictures, from -1 to 1, and the linear map to their latents."""

    def __init__(self):
        data = np.load(path("data.npz"))
        self.pictures = torch.from_numpy(data["pictures"]).permute(0, 3, 1, 2).float() / 127.5 - 1
        self.encoder = torch.from_numpy(data["encoder"])
        self.mean = torch.from_numpy(data["mean"])
        self.is_thing = torch.from_numpy(data["is_thing"])

    def latents(self, pictures):
        flat = (patches(pictures) - self.mean) @ self.encoder.T
        return flat.transpose(1, 2).reshape(len(pictures), LATENT_CHANNELS, 8, 8)


def signal():
    """The share of the picture's variance that is left at each of the training steps."""
    start, end, steps = SCHEDULER["beta_start"], SCHEDULER["beta_end"], SCHEDULER["num_train_timesteps"]
    betas = torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0).float()
