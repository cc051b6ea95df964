"""An independent judge of adherence: a small classifier from a clip of 8 draft frames to the caption fields.

It is trained on rendered clips only and never sees the denoiser, so its reading of generated clips is fair; its own
accuracy on rendered clips bounds what can be measured and is always reported beside. Stars are invisible in drafts and
count as clear.
"""

import copy
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .clips import Clips, to_unit
from .loop import Loop
from .muon import Muon
from .presets import Preset
from .world import COLOR, CONDITION_WIDTH, FIELD_NAMES, MOTION, OBJECT, SLICE_FRAMES, WEATHER, field_id, split_fields

RATE, MUON_RATE = 2e-3, 0.02
WIDTHS = (96, 160, 256)
# The fields that are hard to read weigh more.
FIELD_LOSS = {OBJECT: 2.0, COLOR: 1.5, MOTION: 2.0}


class Probe(nn.Module):
    """video [B,8,3,32,32] in [-1,1] -> field logits [B,48]."""

    def __init__(self):
        super().__init__()

        def stage(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
            conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())

        high, middle, low = WIDTHS
        self.enter = nn.Conv2d(SLICE_FRAMES * 3 * 4, high, 3, 1, 1)
        self.position = nn.Parameter(torch.zeros(1, high, 16, 16))
        self.stages = nn.Sequential(
            nn.BatchNorm2d(high), nn.ReLU(), stage(high, high), stage(high, middle, 2), stage(middle, middle),
            stage(middle, middle), stage(middle, low),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Linear(2 * low, 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, CONDITION_WIDTH))

    def forward(self, video: Tensor) -> Tensor:
        x = F.pixel_unshuffle(video.flatten(1, 2), 2).to(memory_format=torch.channels_last)
        x = self.stages(self.enter(x) + self.position).float()
        return self.head(torch.cat([x.amax((2, 3)), x.mean((2, 3))], 1)).float()


    def fused(self) -> "Probe":
        """Normalisations folded into the convolutions before them, as an exporter does: rounding then hits the same
        weights in torch and in the file."""
        for stage in self.stages[2:]:
            stage[0], stage[1] = fuse_conv_bn_eval(stage[0], stage[1]), nn.Identity()
        return self


def probe_loss(logits: Tensor, fields: Tensor) -> Tensor:
    parts = split_fields(logits)
    return sum(FIELD_LOSS.get(i, 1.0) * F.cross_entropy(part, fields[:, i]) for i, part in enumerate(parts))


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
def rendered_accuracy(probe: Probe, clips: Clips, count: int = 2000) -> dict[str, float]:
    """What the probe reads on rendered clips it was not trained on."""
    video, _, fields = clips.shards["valid000"]
    logits = [probe(to_unit(video[i : i + 100, :SLICE_FRAMES])) for i in range(0, min(count, len(fields)), 100)]
    return field_accuracy(torch.cat(logits), torch.from_numpy(fields[:count]))


def disturbed(video: Tensor) -> Tensor:
    """Noise, brightness and blur, so that the judge looks at shapes and not at rendering precision."""

    def uniform() -> Tensor:
        return torch.rand(len(video), 1, 1, 1, 1, device=video.device)

    video = (video + torch.randn_like(video) * uniform() * 0.08) * (0.92 + 0.16 * uniform())
    blurred = F.avg_pool2d(video.flatten(0, 1), 3, 1, 1).view_as(video)
    return torch.where(uniform() < 0.2, blurred, video)


def run(preset: Preset, work_dir: Path) -> None:
    clips, valid = Clips(work_dir, device=preset.device), Clips(work_dir, "valid")
    probe = Probe().to(preset.device)
    kernels = [p for p in probe.stages.parameters() if p.ndim == 4]
    others = [p for p in probe.parameters() if not any(p is kernel for kernel in kernels)]
    optimizers = [(torch.optim.AdamW(others, RATE, weight_decay=0.02), RATE), (Muon(kernels, MUON_RATE), MUON_RATE)]
    keep = {"model": probe} | {f"optimizer{i}": optimizer for i, (optimizer, _) in enumerate(optimizers)}
    loop = Loop(work_dir, "probe", preset, preset.probe_minutes, keep)
    rng = np.random.default_rng(1 + preset.seed + loop.steps)

    def save() -> None:
        weights = copy.deepcopy(probe).cpu().eval()
        torch.save(weights.state_dict(), work_dir / "probe.pt")
        print(f"rendered clips: {as_line(rendered_accuracy(weights, valid))}", flush=True)

    loop.on_checkpoint = save
    for progress in loop:
        rate = min(1, (loop.steps + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-3
        for optimizer, full_rate in optimizers:
            optimizer.param_groups[0]["lr"] = full_rate * rate
        video, _, fields = clips.draw(preset.probe_batch, 1, rng)
        with preset.autocast():
            logits = probe(disturbed(video))
        loss = probe_loss(logits.float(), fields)
        for optimizer, _ in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer, _ in optimizers:
            optimizer.step()
        loop.losses.append(loss.item())
