"""Train the text encoder on generated captions (about 90 s), report held-out accuracy a field, write text.pt."""

import argparse
import random
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from captions import caption
from text_encoder import TextEncoder, token_ids
from world import FIELD_NAMES, describe, sample_fields, split_fields

BATCH, POOL_CAPTIONS, POOLS = 128, 1500, 6
RATE = 2e-3
SAMPLES = [
    "a red ball bouncing over a green meadow at sunset",
    "a sailing boat on a calm blue sea under a full moon with stars",
    "snow falling on mountains at night",
    "yellow hot air balloon drifting right over the desert in the morning",
    "a white bird flying left above the city in the rain",
    "purple cube sinking into the ocean, crimson sky",
    "a quiet desert",
]


def caption_pool(count: int, rng: random.Random, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """-> ids [N,28,6], the fields the captions stand for [N,8]."""
    pairs = [caption(fields, rng) for fields in sample_fields(count, generator).tolist()]
    return torch.tensor([token_ids(text) for text, _ in pairs]), torch.tensor([said for _, said in pairs])


def field_loss(logits: Tensor, fields: Tensor) -> Tensor:
    return sum(F.cross_entropy(part, fields[:, i]) for i, part in enumerate(split_fields(logits)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=1.5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng, generator = random.Random(1), torch.Generator().manual_seed(1)
    model = TextEncoder()
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    pools = [caption_pool(POOL_CAPTIONS, rng, generator) for _ in range(POOLS)]
    started, step = time.time(), 0
    while (progress := (time.time() - started) / (args.minutes * 60)) < 1:
        optimizer.param_groups[0]["lr"] = RATE * (1 - progress) + 1e-5
        if step % 20 == 0:
            pools[step // 20 % POOLS] = caption_pool(POOL_CAPTIONS, rng, generator)
        ids, fields = pools[int(torch.randint(POOLS, (1,)))]
        rows = torch.randint(len(ids), (BATCH,))
        loss = field_loss(model(ids[rows]), fields[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step % 200 == 0:
            print(f"{step} {time.time() - started:.0f} s loss {loss.item():.4f}", flush=True)

    model.eval()
    torch.save(model.state_dict(), args.work_dir / "text.pt")
    ids, fields = caption_pool(4000, random.Random(99), torch.Generator().manual_seed(99))
    with torch.no_grad():
        right = [(part.argmax(1) == fields[:, i]).float().mean() for i, part in enumerate(split_fields(model(ids)))]
        print("held-out: " + " ".join(f"{n} {100 * r:.1f}" for n, r in zip(FIELD_NAMES, right)))
        for text in SAMPLES:
            logits = split_fields(model(torch.tensor([token_ids(text)])))
            print(f"{text} -> {describe(torch.cat([part.argmax(1) for part in logits]))}")


if __name__ == "__main__":
    main()
