"""Distil guidance: a student learns to give in one forward what classifier-free guidance needs two for.

Its target is the guided estimate of the trained denoiser at a random strength, which it is told (Meng et al., "On
Distillation of Guided Diffusion Models", 2023); it begins as that denoiser. Writes student.pt.
"""

from pathlib import Path

import torch
from torch import Tensor

from .denoiser import GUIDANCE, GUIDANCE_RANGE, Denoiser, guided_estimate
from .latent import Latent
from .presets import Preset
from .train_base import Trainer

# Share of rows at the sampler's own guidance; the rest is spread over the range.
USUAL_SHARE = 0.4


class Distiller(Trainer):
    name, rate = "student", 0.25
    own_guidance, distilled = GUIDANCE, True

    def begin(self) -> None:
        weights = torch.load(self.work_dir / "base.pt")
        self.teacher = Denoiser(Latent())
        self.teacher.load_state_dict(weights)
        self.teacher.eval().to(self.device)
        self.teach = torch.compile(self.teacher, dynamic=False) if self.preset.compiled else self.teacher
        self.model.load_state_dict(weights)

    def target(self, clean: Tensor, *inputs: Tensor) -> Tensor:
        """What the teacher says in two forwards; the true clean slice is not looked at."""
        with torch.no_grad(), self.preset.autocast():
            return guided_estimate(self.teach, *inputs)

    def guidance(self) -> Tensor:
        low, high = GUIDANCE_RANGE
        spread = low + (high - low) * self.uniform(self.rows)
        return torch.where(self.uniform(self.rows) < USUAL_SHARE, torch.full_like(spread, GUIDANCE), spread)


def run(preset: Preset, work_dir: Path) -> None:
    Distiller(preset, work_dir).train(preset.distil_minutes)
