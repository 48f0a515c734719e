"""A small AutoencoderKL around the linear latents: its encoder learns to reach them, its decoder to draw clean icons from
noisy ones."""

import argparse
import time

import torch
import torch.nn.functional as F
from average import Average, learning_rate
from diffusers import AutoencoderKL
from recipe import LATENT_CHANNELS, Data, path

BATCH = 8
RATE = 2e-3


def new_autoencoder():
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 64, 96),
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=16,
        sample_size=64,
        scaling_factor=1.0,
    )


def varied(x):
    """Pictures turned round, moved and with their colours swapped: a decoder must not learn icons by heart."""
    if torch.rand(1) < 0.5:
        x = x.flip(3)
    if torch.rand(1) < 0.5:
        x = torch.roll(x, torch.randint(-7, 8, (2,)).tolist(), (2, 3))
    return x[:, torch.randperm(3)] if torch.rand(1) < 0.3 else x


def edges(x):
    return x[..., 1:, :] - x[..., :-1, :], x[..., :, 1:] - x[..., :, :-1]


def loss_of(vae, x, latents):
    noisy = latents + torch.randn_like(latents) * torch.rand(len(x), 1, 1, 1) * 0.35
    y, posterior = vae.decode(noisy).sample, vae.encode(x).latent_dist
    sharp = sum(F.l1_loss(a, b) for a, b in zip(edges(y), edges(x)))
    reached = F.mse_loss(posterior.mean, latents) + 1e-3 * ((posterior.logvar + 10) ** 2).mean()
    return F.l1_loss(y, x) + 0.5 * sharp + 0.3 * reached


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    seconds = parser.parse_args().seconds
    torch.manual_seed(5)
    data, vae = Data(), new_autoencoder()
    parameters = list(vae.parameters())
    optimizer, average = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.0), Average(parameters)
    weights = torch.where(data.is_thing, 1.0, 0.3)
    started, step = time.time(), 0
    while (share := (time.time() - started) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * learning_rate(step, share, warm_up=100, hold=0.3)
        x = varied(data.pictures[torch.multinomial(weights, BATCH, replacement=True)])
        loss = loss_of(vae, x, data.latents(x))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        average.update()
        step += 1
        if step % 50 == 0:
            print(f"step {step} loss {loss.item():.4f}", flush=True)
    average.take_over()
    vae.save_pretrained(path("vae"))


if __name__ == "__main__":
    main()
