"""Train the text encoder on generated captions, report held-out accuracy a field, write text.pt."""

import random
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from .captions import caption, foreign_caption
from .languages import LANGUAGES
from .loop import Loop
from .presets import Preset
from .text_encoder import TextEncoder, token_ids
from .world import FIELD_NAMES, describe, sample_fields, split_fields

BATCH, POOL_CAPTIONS, POOLS = 128, 1500, 6
RATE = 2e-3
FOREIGN_SHARE = 0.35
SAMPLES = [
    "a red ball bouncing over a green meadow at sunset",
    "a sailing boat on a calm blue sea under a full moon with stars",
    "snow falling on mountains at night",
    "yellow hot air balloon drifting right over the desert in the morning",
    "a white bird flying left above the city in the rain",
    "purple cube sinking into the ocean, crimson sky",
    "a quiet desert",
    "ein roter Ball hüpft über die grüne Wiese bei Nacht",
    "un barco blanco en el mar al atardecer, luna llena",
]


def caption_pool(
    count: int, rng: random.Random, generator: torch.Generator, foreign_share: float = FOREIGN_SHARE
) -> tuple[Tensor, Tensor]:
    """-> ids [N,28,6], the fields the captions stand for [N,8]."""
    pairs = [
        foreign_caption(fields, rng.choice(LANGUAGES), rng) if rng.random() < foreign_share else caption(fields, rng)
        for fields in sample_fields(count, generator).tolist()
    ]
    return torch.tensor([token_ids(text) for text, _ in pairs]), torch.tensor([said for _, said in pairs])


def field_loss(logits: Tensor, fields: Tensor) -> Tensor:
    return sum(F.cross_entropy(part, fields[:, i]) for i, part in enumerate(split_fields(logits)))


def run(preset: Preset, work_dir: Path) -> None:
    """Small enough for the CPU under every preset."""
    rng, generator = random.Random(1 + preset.seed), torch.Generator().manual_seed(1 + preset.seed)
    model = TextEncoder()
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    loop = Loop(work_dir, "text", preset, preset.text_minutes, {"model": model, "optimizer": optimizer})
    loop.on_checkpoint = lambda: torch.save(model.state_dict(), work_dir / "text.pt")
    pools = [caption_pool(POOL_CAPTIONS, rng, generator) for _ in range(POOLS)]
    for progress in loop:
        optimizer.param_groups[0]["lr"] = RATE * (1 - progress) + 1e-5
        if loop.steps % 20 == 0:
            pools[loop.steps // 20 % POOLS] = caption_pool(POOL_CAPTIONS, rng, generator)
        ids, fields = pools[int(torch.randint(POOLS, (1,)))]
        rows = torch.randint(len(ids), (BATCH,))
        loss = field_loss(model(ids[rows]), fields[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loop.losses.append(loss.item())
    report(model.eval())


@torch.no_grad()
def report(model: TextEncoder) -> None:
    for name, share in (("English", 0.0), ("other languages", 1.0)):
        ids, fields = caption_pool(4000, random.Random(99), torch.Generator().manual_seed(99), share)
        right = [(part.argmax(1) == fields[:, i]).float().mean() for i, part in enumerate(split_fields(model(ids)))]
        print(f"held-out, {name}: " + " ".join(f"{n} {100 * r:.1f}" for n, r in zip(FIELD_NAMES, right)))
    for text in SAMPLES:
        logits = split_fields(model(torch.tensor([token_ids(text)])))
        print(f"{text} -> {describe(torch.cat([part.argmax(1) for part in logits]))}", flush=True)
