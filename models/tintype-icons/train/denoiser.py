"""The UNet and the text encoder, trained together to predict velocity: first on a few things, then on all."""

import argparse
import time

import torch
import torch.nn.functional as F
from average import Average, learning_rate
from diffusers import UNet2DConditionModel
from recipe import LATENT_CHANNELS, POSITIONS, Data, caption, load_captions, path, signal, token_ids
from tokenizers import Tokenizer
from transformers import CLIPTextConfig, CLIPTextModel

BATCH = 16
THINGS_AT_FIRST = 60
RATE = {"first": 1.2e-3, "all": 1.0e-3}
HOLD = {"first": 0.3, "all": 0.45}


def new_models(vocabulary):
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=128,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=POSITIONS,
            hidden_act="quick_gelu",
            projection_dim=128,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        layers_per_block=1,
        block_out_channels=(96, 160),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=128,
        attention_head_dim=4,
        norm_num_groups=32,
    )
    torch.nn.init.zeros_(unet.conv_out.weight)
    torch.nn.init.zeros_(unet.conv_out.bias)
    for name, parameter in text_encoder.named_parameters():
        if "token_embedding" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return unet, text_encoder


def resumed_models():
    return UNet2DConditionModel.from_pretrained(path("unet")), CLIPTextModel.from_pretrained(path("text_encoder"))


def timesteps():
    """Spread evenly over the batch, with more of high noise."""
    u = (torch.rand(1) + torch.arange(BATCH) / BATCH) % 1
    return (u**0.75 * 1000).long().clamp(0, 999)[torch.randperm(BATCH)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", choices=["first", "all"], required=True)
    parser.add_argument("--seconds", type=float, default=3600)
    args = parser.parse_args()
    torch.manual_seed(300)
    data, captions = Data(), load_captions()
    tokenizer = Tokenizer.from_file(path("tokenizer.json"))
    first = args.stage == "first"
    unet, text_encoder = new_models(tokenizer.get_vocab_size()) if first else resumed_models()
    unet.to(memory_format=torch.channels_last).train()
    text_encoder.train()
    latents = torch.stack([data.latents(data.pictures), data.latents(data.pictures.flip(3))], 1)
    weights = torch.where(data.is_thing, 1.0, 0.25)
    if first:
        weights[THINGS_AT_FIRST:] = 0
    parameters = list(unet.parameters()) + list(text_encoder.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=RATE[args.stage], betas=(0.9, 0.99), weight_decay=0.01)
    average, left = Average(parameters), signal()
    started, step = time.time(), 0
    while (share := (time.time() - started) / args.seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE[args.stage] * learning_rate(step, share, warm_up=60, hold=HOLD[args.stage])
        chosen = torch.multinomial(weights, BATCH, replacement=True)
        x, t = latents[chosen, (torch.rand(BATCH) < 0.35).long()], timesteps()
        noise = torch.randn_like(x)
        kept, added = left[t].sqrt().view(-1, 1, 1, 1), (1 - left[t]).sqrt().view(-1, 1, 1, 1)
        ids = torch.tensor([token_ids(tokenizer, caption(*captions[i])) for i in chosen.tolist()])
        noisy = (kept * x + added * noise).contiguous(memory_format=torch.channels_last)
        velocity = unet(noisy, t, text_encoder(ids).last_hidden_state).sample
        loss = F.mse_loss(velocity, kept * noise - added * x)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        average.update()
        step += 1
        if step % 50 == 0:
            print(f"step {step} loss {loss.item():.4f}", flush=True)
    average.take_over()
    unet.save_pretrained(path("unet"))
    text_encoder.save_pretrained(path("text_encoder"))


if __name__ == "__main__":
    main()
