"""The share of taught prompts whose picture is nearest, pixel by pixel and either way round, to its own icon.
Usage: python score.py FOLDER [--steps 12] [--guidance 2.5]"""

import argparse

import torch
from recipe import LATENT_CHANNELS, Data, load_captions
from sampling import Pipeline

BATCH = 32


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--guidance", type=float, default=2.5)
    args = parser.parse_args()
    data, names, pipeline = Data(), [set(names) for names, _ in load_captions()], Pipeline(args.folder)
    first = [captions[0] for captions, _ in load_captions()]
    icons = torch.cat([data.pictures, data.pictures.flip(3)]).flatten(1)
    sizes = (icons**2).sum(1)

    def is_own(i, nearest):
        return i == nearest or bool(names[i] & names[nearest])

    for kind, wanted in (("things", data.is_thing), ("coloured things", ~data.is_thing)):
        indexes, right = wanted.nonzero().flatten().tolist(), 0
        for start in range(0, len(indexes), BATCH):
            batch = indexes[start : start + BATCH]
            shape = (1, LATENT_CHANNELS, 8, 8)
            noise = torch.cat([torch.randn(shape, generator=torch.Generator().manual_seed(i)) for i in batch])
            _, _, drawn = pipeline.draw([first[i] for i in batch], noise, args.steps, args.guidance)
            distances = sizes[None] - 2 * drawn.clamp(-1, 1).flatten(1) @ icons.T
            nearest = (distances.argmin(1) % len(names)).tolist()
            right += sum(is_own(i, j) for i, j in zip(batch, nearest))
        print(f"{kind}: {right} of {len(indexes)} ({right / max(1, len(indexes)):.1%})")


if __name__ == "__main__":
    main()
