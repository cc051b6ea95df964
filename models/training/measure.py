"""Measure adherence and seams: generate slices for held-out captions, each continuing the last, and let the probe read.

Prints, a field, the share read as the caption says: rendered clips (the probe's own limit), then generated slices. The
seam is the change between two slices over the mean change between two frames within one; rendered clips' own is beside it
(they have none).
"""

from pathlib import Path

import torch
from torch import Tensor

from .clips import Clips, to_unit
from .denoiser import GUIDANCE, SAMPLER_STEPS, Denoiser, SamplerStep, draw_noise, sample_slice
from .latent import Latent
from .presets import Preset
from .probe import as_line, field_accuracy, load_probe, rendered_accuracy
from .world import SLICE_FRAMES, condition_of

BATCH = 64


def seam_ratio(clips: list[Tensor]) -> float:
    """clips [B,8k,3,H,W], slices end to end -> mean change across slices over mean change inside."""
    change = torch.cat([(clip[:, 1:] - clip[:, :-1]).abs().mean((0, 2, 3, 4))[None] for clip in clips]).mean(0)
    across = torch.arange(len(change)) % SLICE_FRAMES == SLICE_FRAMES - 1
    return float(change[across].mean() / change[~across].mean())


@torch.no_grad()
def generate(step: SamplerStep, fields: Tensor, slices: int, steps: int, guidance: float, seed: int) -> Tensor:
    """-> video [B,8*slices,3,32,32], every slice continuing the last."""
    generator, previous, parts = torch.Generator().manual_seed(seed), None, []
    for _ in range(slices):
        with torch.autocast("cpu", torch.bfloat16):
            noise = draw_noise(len(fields), generator)
            previous = sample_slice(step, noise, condition_of(fields), previous, steps, guidance).float()
        parts.append(step.denoiser.latent.decode(previous).clamp(-1, 1))
    return torch.cat(parts, 1)


def load_step(work_dir: Path, weights: str) -> SamplerStep:
    """weights: base (guided in two forwards) or student."""
    denoiser = Denoiser(Latent()).eval()
    denoiser.load_state_dict(torch.load(work_dir / f"{weights}.pt"))
    return SamplerStep(denoiser, distilled=weights == "student")


@torch.no_grad()
def measure(work_dir: Path, weights: str, captions: int, slices: int, steps: int = SAMPLER_STEPS, guidance: float = GUIDANCE):
    clips, probe = Clips(work_dir, "valid"), load_probe(work_dir)
    step = load_step(work_dir, weights)
    video, _, all_fields = clips.shards["valid000"]
    fields = torch.from_numpy(all_fields[:captions])
    parts = [generate(step, part, slices, steps, guidance, seed) for seed, part in enumerate(fields.split(BATCH))]
    print(f"{weights}, {steps} steps, guidance {guidance}")
    for index in range(slices):
        wanted = slice(index * SLICE_FRAMES, (index + 1) * SLICE_FRAMES)
        logits = torch.cat([probe(part[:, wanted]) for part in parts])
        print(f"slice {index + 1}: {as_line(field_accuracy(logits, fields))}", flush=True)
    print(f"seam: {seam_ratio(parts):.2f} (rendered: {seam_ratio([to_unit(video[:captions])]):.2f})", flush=True)


def run(preset: Preset, work_dir: Path) -> None:
    print(f"rendered: {as_line(rendered_accuracy(load_probe(work_dir), Clips(work_dir, 'valid')))}")
    for weights in ("base", "student"):
        if (work_dir / f"{weights}.pt").exists():
            measure(work_dir, weights, preset.captions, preset.measured_slices)
