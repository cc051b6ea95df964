"""An independent judge of adherence: a small classifier from a clip of 8 draft frames to the caption fields.

It is trained on rendered clips only and never sees the denoiser, so its reading of generated clips is fair; its own
accuracy on rendered clips bounds what can be measured and is always reported beside. Stars are invisible in drafts and
count as clear. Run as a script to train it: probe.pt.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clips import Clips, to_unit
from train_text import field_loss
from world import CONDITION_WIDTH, FIELD_NAMES, SLICE_FRAMES, WEATHER, field_id, split_fields

BATCH, RATE = 64, 2e-3
WIDTH = 96


class Probe(nn.Module):
    """video [B,8,3,32,32] in [-1,1] -> field logits [B,48]."""

    def __init__(self):
        super().__init__()

        def stage(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
            conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())

        self.enter = nn.Conv2d(SLICE_FRAMES * 3 * 4, WIDTH, 3, 1, 1)
        self.position = nn.Parameter(torch.zeros(1, WIDTH, 16, 16))
        self.stages = nn.Sequential(
            nn.BatchNorm2d(WIDTH), nn.ReLU(), stage(WIDTH, WIDTH), stage(WIDTH, 160, 2), stage(160, 160), stage(160, 256)
        )
        self.head = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, CONDITION_WIDTH))

    def forward(self, video: Tensor) -> Tensor:
        x = F.pixel_unshuffle(video.flatten(1, 2), 2).to(memory_format=torch.channels_last)
        x = self.stages(self.enter(x) + self.position).float()
        return self.head(torch.cat([x.amax((2, 3)), x.mean((2, 3))], 1)).float()


def field_accuracy(logits: Tensor, fields: Tensor) -> dict[str, float]:
    """Share of clips read right, a field, over the clips whose caption sets the field."""
    shares = {}
    for i, (name, part) in enumerate(zip(FIELD_NAMES, split_fields(logits))):
        read, meant = 1 + part[:, 1:].argmax(1), fields[:, i]
        if i == WEATHER:
            stars, clear = field_id(WEATHER, "stars"), field_id(WEATHER, "clear")
            read, meant = torch.where(read == stars, clear, read), torch.where(meant == stars, clear, meant)
        said = meant > 0
        shares[name] = float((read[said] == meant[said]).float().mean())
    return shares


def as_line(shares: dict[str, float]) -> str:
    return " ".join(f"{name} {100 * share:.0f}" for name, share in shares.items())


def load_probe(work_dir: Path) -> Probe:
    probe = Probe()
    probe.load_state_dict(torch.load(work_dir / "probe.pt"))
    return probe.eval()


@torch.no_grad()
def rendered_accuracy(probe: Probe, clips: Clips, count: int = 1000) -> dict[str, float]:
    """What the probe reads on rendered clips it was not trained on."""
    video, _, fields = clips.shards["valid000"]
    logits = [probe(to_unit(video[i : i + 100, :SLICE_FRAMES])) for i in range(0, count, 100)]
    return field_accuracy(torch.cat(logits), torch.from_numpy(fields[:count]))


def disturbed(video: Tensor) -> Tensor:
    """Noise, brightness and blur, so that the judge looks at shapes and not at rendering precision."""
    batch = len(video)
    video = video + torch.randn_like(video) * torch.rand(batch, 1, 1, 1, 1) * 0.08
    video = video * (0.92 + 0.16 * torch.rand(batch, 1, 1, 1, 1))
    blurred = F.avg_pool2d(video.flatten(0, 1), 3, 1, 1).view_as(video)
    return torch.where(torch.rand(batch, 1, 1, 1, 1) < 0.2, blurred, video)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    rng = np.random.default_rng(1)
    clips, valid = Clips(args.work_dir), Clips(args.work_dir, "valid")
    probe = Probe()
    optimizer = torch.optim.AdamW(probe.parameters(), RATE, weight_decay=0.02)
    started, step = time.time(), 0
    while (progress := (time.time() - started) / (args.minutes * 60)) < 1:
        optimizer.param_groups[0]["lr"] = RATE * min(1, step / 50) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6
        video, _, fields = clips.draw(BATCH, SLICE_FRAMES, rng)
        with torch.autocast("cpu", torch.bfloat16):
            logits = probe(disturbed(video))
        loss = field_loss(logits, fields)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step % 200 == 0:
            probe.eval()
            print(f"{step} {time.time() - started:.0f} s {as_line(rendered_accuracy(probe, valid, 500))}", flush=True)
            probe.train()
    torch.save(probe.state_dict(), args.work_dir / "probe.pt")
    print(f"rendered clips: {as_line(rendered_accuracy(probe.eval(), valid))}", flush=True)


if __name__ == "__main__":
    main()
