"""Measure adherence and seams: generate slices for held-out captions, each continuing the last, and let the probe read.

Prints, a field, the share read as the caption says: rendered clips (the probe's own limit), then generated slices. The
seam is the change between two slices over the mean change between two frames within one: 1 is invisible.
"""

import argparse
from pathlib import Path

import torch

from clips import Clips
from denoiser import Denoiser, GuidedStep, draw_noise, sample_slice
from latent import Latent
from probe import as_line, field_accuracy, load_probe, rendered_accuracy
from world import condition_of

BATCH = 100


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--captions", type=int, default=500)
    parser.add_argument("--slices", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    clips, probe = Clips(args.work_dir, "valid"), load_probe(args.work_dir)
    denoiser = Denoiser(Latent()).eval()
    denoiser.load_state_dict(torch.load(args.work_dir / "base.pt"))
    step, generator = GuidedStep(denoiser), torch.Generator().manual_seed(11)
    fields = torch.from_numpy(clips.shards["valid000"][2][: args.captions])
    logits: list[list[torch.Tensor]] = [[] for _ in range(args.slices)]
    within, across = [], []
    for part in fields.split(BATCH):
        previous, last = None, None
        for index in range(args.slices):
            with torch.autocast("cpu", torch.bfloat16):
                previous = sample_slice(step, draw_noise(len(part), generator), condition_of(part), previous, args.steps)
            video = denoiser.latent.decode(previous.float()).clamp(-1, 1)
            logits[index].append(probe(video))
            within.append((video[:, 1:] - video[:, :-1]).abs().mean())
            if last is not None:
                across.append((video[:, 0] - last).abs().mean())
            last = video[:, -1]
    print(f"rendered: {as_line(rendered_accuracy(probe, clips))}")
    for index, parts in enumerate(logits):
        print(f"slice {index + 1}, {args.steps} steps: {as_line(field_accuracy(torch.cat(parts), fields))}", flush=True)
    if across:
        print(f"seam: {torch.stack(across).mean() / torch.stack(within).mean():.2f} times the change within a slice")


if __name__ == "__main__":
    main()
