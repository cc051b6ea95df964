"""Train the denoiser on the clips that exist so far (more may appear meanwhile).

Writes base.pt (the averaged weights) and sheet_base.png at every checkpoint, so that export can run at any time.
"""

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .clips import Clips
from .denoiser import Denoiser, SamplerStep, draw_noise, sample_slice, sampler_sigmas
from .latent import CHANNELS, COARSE_CHANNELS, load_latent, to_tokens
from .loop import Loop
from .muon import Muon
from .presets import Preset
from .sheet import save_rows
from .world import SLICE_FRAMES, condition_of

ADAM_RATE, MUON_RATE, AVERAGING = 1.5e-3, 0.02, 0.998
WARMUP_STEPS, DECAY_SHARE = 60, 0.6
# Weight of tokens that the object or the sun's or moon's disc covers, against 1 of the background.
OBJECT_WEIGHT = 8.0
# Fine components are many and small; at full weight they would drown what carries the layout.
FINE_WEIGHT = 0.3
# Noise levels are drawn as sigmoid(N(1, 1.2)): mostly high, where the layout is decided; a share is drawn from the
# sampler's own levels, 1 among them, which the sigmoid never reaches.
LEVEL_MEAN, LEVEL_DEVIATION, SAMPLER_LEVEL_SHARE = 1.0, 1.2, 0.3
FIELD_DROP, CAPTION_DROP = 0.08, 0.10
# Shares of a batch by what its rows continue; the rest continues true slices, with a little noise against drift.
BEGINNING_SHARE, OWN_SHARE, CHANGE_SHARE, CHANGED_SHARE = 0.42, 0.29, 0.06, 0.03
PREVIOUS_NOISE = 0.1
# Rows that continue the model's own slice begin when it can draw one worth continuing.
OWN_FROM = 0.15


def token_weights(attention: Tensor) -> Tensor:
    """attention [B,8,32,32] -> weights [B,32,1]; widened by a pixel, because edges make an object recognisable."""
    wide = F.max_pool2d(attention, 3, 1, 1).unsqueeze(2).expand(-1, -1, 3, -1, -1)
    return 1 + OBJECT_WEIGHT * to_tokens(wide).mean(-1, keepdim=True).clamp(0, 1).sqrt()


def bent(last: Tensor, video: Tensor) -> Tensor:
    """What a changed prompt looks like: the last frame shown [B,1,3,32,32] dissolves into the new scene [B,8,...]."""
    share = torch.linspace(0.12, 1, SLICE_FRAMES, device=video.device).view(1, -1, 1, 1, 1)
    return torch.lerp(last.expand_as(video), video, share)


def joined(last: Tensor, true_last: Tensor, video: Tensor) -> Tensor:
    """The slice to draw after a slightly wrong one: without a jump from what was shown, true again at its end."""
    share = torch.linspace(0.9, 0, SLICE_FRAMES, device=video.device).view(1, -1, 1, 1, 1)
    return video + share * (last - true_last)


def optimizers_of(model: nn.Module) -> list[tuple[torch.optim.Optimizer, float]]:
    """Muon for the inner kernels, AdamW for the rest; each with its full rate."""
    kernels, others = [], []
    for name, parameter in model.named_parameters():
        inner_kernel = parameter.ndim == 4 and name.split(".")[0] not in ("enter", "leave", "gate", "position")
        (kernels if inner_kernel else others).append(parameter)
    adam = torch.optim.AdamW(others, ADAM_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    return [(adam, ADAM_RATE), (Muon(kernels, MUON_RATE), MUON_RATE)]


class Trainer:
    """One training run of a denoiser: draws batches, updates the model and its running average."""

    name, rate = "base", 1.0
    # Strength of guidance with which the model draws its own slices, and whether it has learnt to in one forward.
    own_guidance, distilled = 1.0, False

    def __init__(self, preset: Preset, work_dir: Path):
        torch.manual_seed(preset.seed)
        self.preset, self.work_dir, self.device, self.rows = preset, work_dir, preset.device, preset.batch
        self.rng = np.random.default_rng(preset.seed)
        self.clips = Clips(work_dir, device=self.device)
        self.model = Denoiser(load_latent(work_dir)).to(self.device)
        self.begin()
        self.average = copy.deepcopy(self.model).eval()
        self.forward = torch.compile(self.model, dynamic=False) if preset.compiled else self.model
        self.optimizers = optimizers_of(self.model)
        self.channel_weights = torch.ones(CHANNELS, device=self.device)
        self.channel_weights[COARSE_CHANNELS:] = FINE_WEIGHT
        self.sampler_levels = torch.tensor(sampler_sigmas()[:-1], device=self.device)
        self.updates = 0

    def begin(self) -> None:
        """Load the weights to begin with, if any."""

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, device=self.device)

    def predict(self, *inputs: Tensor) -> Tensor:
        with self.preset.autocast():
            return self.forward(*inputs, torch.full_like(inputs[1], self.own_guidance)).float()

    @torch.no_grad()
    def own_slice(self, condition: Tensor, previous: Tensor) -> Tensor:
        """A slice as the model draws it in two steps, continuing a true one: soft and slightly wrong."""
        rows = len(previous)
        ones = torch.ones(rows, device=self.device)
        estimate = self.predict(torch.randn_like(previous), ones, condition, previous, ones)
        sigma = 0.4 + 0.4 * self.uniform(rows)
        noisy = torch.lerp(estimate, torch.randn_like(estimate), sigma.view(-1, 1, 1))
        return self.predict(noisy, sigma, condition, previous, ones)

    def batch(self, own: bool):
        """-> clean [B,32,384], token weights [B,32,1], condition [B,48], previous [B,32,384], has_previous [B]."""
        encode, decode, rows = self.model.latent.encode, self.model.latent.decode, self.rows
        beginnings, own_rows, changes, changed = (
            max(1, round(share * rows)) for share in (BEGINNING_SHARE, OWN_SHARE, CHANGE_SHARE, CHANGED_SHARE)
        )
        begin, begin_attention, begin_fields = self.clips.draw(beginnings, 1, self.rng, beginning=True)
        follow, follow_attention, follow_fields = self.clips.draw(rows - beginnings, 3, self.rng)
        first, second, third = follow.split(SLICE_FRAMES, 1)
        _, second_attention, third_attention = follow_attention.split(SLICE_FRAMES, 1)
        fields = torch.cat([begin_fields, follow_fields])
        dropped = (self.uniform(rows, 8) < FIELD_DROP) | (self.uniform(rows, 1) < CAPTION_DROP)
        condition = condition_of(torch.where(dropped, 0, fields))

        later = self.uniform(len(follow)) < 0.5
        later[:own_rows] = own
        pick = later.view(-1, 1, 1, 1, 1)
        shown, wanted = torch.where(pick, second, first), torch.where(pick, third, second)
        attention = torch.where(later.view(-1, 1, 1, 1), third_attention, second_attention)
        previous = encode(shown)
        previous = previous + torch.randn_like(previous) * self.uniform(len(follow), 1, 1) * PREVIOUS_NOISE
        if own:
            drawn = self.own_slice(condition[beginnings : beginnings + own_rows], encode(first[:own_rows]))
            previous[:own_rows] = drawn
            wanted[:own_rows] = joined(decode(drawn)[:, -1:], shown[:own_rows, -1:], wanted[:own_rows])

        # The last rows continue another clip than their caption's: the scene bends within one slice, then goes on.
        new, new_attention, new_fields = self.clips.draw(changes + changed, 2, self.rng, beginning=True)
        bend = bent(shown[-len(new) :, -1:], new[:, :SLICE_FRAMES])
        condition[-len(new) :] = condition_of(torch.where(dropped[-len(new) :], 0, new_fields))
        wanted[-len(new) :], attention[-len(new) :] = bend, new_attention[:, :SLICE_FRAMES]
        wanted[-changed:], attention[-changed:] = new[-changed:, SLICE_FRAMES:], new_attention[-changed:, SLICE_FRAMES:]
        previous[-changed:] = encode(bend[-changed:])

        clean = encode(torch.cat([begin, wanted]))
        weights = token_weights(torch.cat([begin_attention, attention]))
        previous = torch.cat([torch.zeros_like(clean[:beginnings]), previous])
        has_previous = (torch.arange(rows, device=self.device) >= beginnings).float()
        return clean, weights, condition, previous, has_previous

    def levels(self) -> Tensor:
        sigma = torch.sigmoid(torch.randn(self.rows, device=self.device) * LEVEL_DEVIATION + LEVEL_MEAN)
        exact = self.sampler_levels[torch.randint(len(self.sampler_levels), (self.rows,), device=self.device)]
        return torch.where(self.uniform(self.rows) < SAMPLER_LEVEL_SHARE, exact, sigma)

    def guidance(self) -> Tensor:
        """Strengths the model is told of: none, until they are distilled."""
        return torch.ones(self.rows, device=self.device)

    def target(self, clean: Tensor, *_inputs: Tensor) -> Tensor:
        return clean

    def step(self, progress: float) -> float:
        """One update; progress in [0,1] of the training time sets the learning rate. Returns the loss."""
        rate = self.rate * min(1, (self.updates + 1) / WARMUP_STEPS) * min(1.0, (1 - progress) / DECAY_SHARE) + 1e-3
        for optimizer, full_rate in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = full_rate * rate
        clean, weights, condition, previous, has_previous = self.batch(own=progress > OWN_FROM)
        sigma = self.levels()
        level = sigma.view(-1, 1, 1)
        noisy = torch.lerp(clean, torch.randn_like(clean), level)
        inputs = (noisy, sigma, condition, previous, has_previous, self.guidance())
        with self.preset.autocast():
            estimate = self.forward(*inputs).float()
        error = (estimate - self.target(clean, *inputs)).square()
        loss = (weights / level.clamp(min=0.1) * error * self.channel_weights).mean()
        for optimizer, _ in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, _ in self.optimizers:
            optimizer.step()
        self.updates += 1
        keep = min(AVERAGING, self.updates / (self.updates + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - keep)
        return loss.item()

    def save(self) -> None:
        """The averaged weights, and a sheet of 16 held-out captions: two slices, every other frame."""
        weights = copy.deepcopy(self.average).cpu()
        torch.save(weights.state_dict(), self.work_dir / f"{self.name}.next.pt")
        (self.work_dir / f"{self.name}.next.pt").rename(self.work_dir / f"{self.name}.pt")
        fields = Clips(self.work_dir, "valid").shards["valid000"][2][:16]
        condition = condition_of(torch.from_numpy(fields))
        step, generator = SamplerStep(weights, self.distilled), torch.Generator().manual_seed(5)
        rows, previous = [], None
        for _ in range(2):
            previous = sample_slice(step, draw_noise(len(fields), generator), condition, previous)
            rows.append(weights.latent.decode(previous)[:, ::2])
        save_rows(torch.cat(rows, 1), self.work_dir / f"sheet_{self.name}.png", zoom=2, columns=2)

    def train(self, minutes: float) -> None:
        size = sum(p.numel() for p in self.model.parameters()) / 1e6
        print(f"{self.name}: {size:.2f} M parameters", flush=True)
        keep = {"model": self.model, "average": self.average}
        keep |= {f"optimizer{i}": optimizer for i, (optimizer, _) in enumerate(self.optimizers)}
        loop = Loop(self.work_dir, self.name, self.preset, minutes, keep)
        loop.on_checkpoint, self.updates = self.save, loop.steps
        self.rng = np.random.default_rng(self.preset.seed + loop.steps)
        for progress in loop:
            loop.losses.append(self.step(progress))


def run(preset: Preset, work_dir: Path) -> None:
    Trainer(preset, work_dir).train(preset.base_minutes)
