"""Train the denoiser for a given time on the clips that exist so far (more may appear meanwhile).

Writes base.pt (the averaged weights) and sheet_base.png every few minutes, so that export can run at any time.
"""

import argparse
import copy
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from clips import Clips
from denoiser import Denoiser, GuidedStep, draw_noise, sample_slice
from latent import Latent, to_tokens
from muon import Muon
from sheet import save_rows
from world import SLICE_FRAMES, condition_of

BATCH = 96
ADAM_RATE, MUON_RATE, AVERAGING = 1.5e-3, 0.02, 0.9985
WARMUP_STEPS, DECAY_SHARE = 60, 0.45
# Weight of tokens that the object or the sun's or moon's disc covers, against 1 of the background.
OBJECT_WEIGHT = 8.0
# Noise levels are drawn as sigmoid(N(1, 1.2)): mostly high, where the layout is decided.
LEVEL_MEAN, LEVEL_DEVIATION = 1.0, 1.2
FIELD_DROP, CAPTION_DROP = 0.08, 0.10
PREVIOUS_SHARE, PREVIOUS_NOISE = 0.5, 0.35
# In the second half of training this many rows continue from the model's own estimate of the previous slice instead
# of the true one: what it will meet at run time, and the cure of drift.
OWN_PREVIOUS_ROWS = 16
CHECKPOINT_S = 240


def token_weights(attention: Tensor) -> Tensor:
    """attention [B,8,32,32] -> weights [B,32,1]; widened by a pixel, because edges make an object recognisable."""
    wide = F.max_pool2d(attention, 3, 1, 1).unsqueeze(2).expand(-1, -1, 3, -1, -1)
    return 1 + OBJECT_WEIGHT * to_tokens(wide).mean(-1, keepdim=True).clamp(0, 1).sqrt()


class Trainer:
    def __init__(self, work_dir: Path, seed: int, compiled: bool):
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.work_dir = work_dir
        self.clips = Clips(work_dir)
        latent = Latent()
        latent.load_state_dict(torch.load(work_dir / "latent.pt"))
        self.model = Denoiser(latent)
        self.average = copy.deepcopy(self.model).eval()
        self.forward = torch.compile(self.model, dynamic=False) if compiled else self.model
        kernels, others = [], []
        for name, parameter in self.model.named_parameters():
            inner_kernel = parameter.ndim == 4 and name.split(".")[0] not in ("enter", "leave", "position")
            (kernels if inner_kernel else others).append(parameter)
        self.optimizers = [
            (torch.optim.AdamW(others, ADAM_RATE, betas=(0.9, 0.98), weight_decay=0.01), ADAM_RATE),
            (Muon(kernels, MUON_RATE), MUON_RATE),
        ]
        self.steps = 0

    def predict(self, *inputs: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.forward(*inputs).float()

    @torch.no_grad()
    def own_previous(self, previous: Tensor, condition: Tensor) -> Tensor:
        """The model's one-step estimate of a noised slice: soft and slightly wrong, like its own output."""
        rows = len(previous)
        sigma = 0.3 + 0.6 * torch.rand(rows)
        noisy = torch.lerp(previous, torch.randn_like(previous), sigma.view(-1, 1, 1))
        return self.predict(noisy, sigma, condition, torch.zeros_like(previous), torch.zeros(rows))

    def batch(self, own_previous: bool):
        video, attention, fields = self.clips.draw(BATCH, 2 * SLICE_FRAMES, self.rng)
        first, second = self.model.latent.encode(video).chunk(2, 1)
        has_previous = (torch.rand(BATCH) < PREVIOUS_SHARE).float()
        continued = has_previous.view(-1, 1, 1) > 0
        clean = torch.where(continued, second, first)
        half_attention = torch.where(continued.unsqueeze(-1), attention[:, SLICE_FRAMES:], attention[:, :SLICE_FRAMES])
        dropped = (torch.rand(BATCH, 8) < FIELD_DROP) | (torch.rand(BATCH, 1) < CAPTION_DROP)
        condition = condition_of(torch.where(dropped, 0, fields))
        previous = first + torch.randn_like(first) * torch.rand(BATCH, 1, 1) * PREVIOUS_NOISE
        if own_previous:
            rows = slice(OWN_PREVIOUS_ROWS)
            previous[rows] = self.own_previous(first[rows], condition[rows])
        return clean, token_weights(half_attention), condition, previous * has_previous.view(-1, 1, 1), has_previous

    def step(self, progress: float) -> float:
        """One update; progress in [0,1] of the training time sets the learning rate. Returns the loss."""
        rate = min(1, (self.steps + 1) / WARMUP_STEPS) * min(1.0, (1 - progress) / DECAY_SHARE) + 1e-3
        for optimizer, base_rate in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = base_rate * rate
        clean, weights, condition, previous, has_previous = self.batch(own_previous=progress > 0.5)
        sigma = torch.sigmoid(torch.randn(BATCH) * LEVEL_DEVIATION + LEVEL_MEAN)
        level = sigma.view(-1, 1, 1)
        noisy = torch.lerp(clean, torch.randn_like(clean), level)
        error = (self.predict(noisy, sigma, condition, previous, has_previous) - clean).square()
        loss = (weights / level.clamp(min=0.1) * error).mean()
        for optimizer, _ in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, _ in self.optimizers:
            optimizer.step()
        self.steps += 1
        keep = min(AVERAGING, self.steps / (self.steps + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - keep)
        return loss.item()

    def checkpoint(self) -> None:
        torch.save(self.average.state_dict(), self.work_dir / "base.next.pt")
        (self.work_dir / "base.next.pt").rename(self.work_dir / "base.pt")
        fields = Clips(self.work_dir, "valid").shards["valid000"][2][:16]
        condition = condition_of(torch.from_numpy(fields))
        step, generator, rows, previous = GuidedStep(self.average), torch.Generator().manual_seed(5), [], None
        for _ in range(2):
            previous = sample_slice(step, draw_noise(len(fields), generator), condition, previous)
            rows.append(self.average.latent.decode(previous)[:, ::2])
        save_rows(torch.cat(rows, 1), self.work_dir / "sheet_base.png", zoom=2, columns=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-compile", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    trainer = Trainer(args.work_dir, args.seed, not args.no_compile)
    print(f"{sum(p.numel() for p in trainer.model.parameters()) / 1e6:.2f} M parameters", flush=True)
    started, saved, losses = time.time(), time.time(), []
    while (elapsed := time.time() - started) < args.minutes * 60:
        losses.append(trainer.step(elapsed / (args.minutes * 60)))
        if trainer.steps % 50 == 0:
            clips = trainer.clips.refresh()
            rate = trainer.steps * BATCH / elapsed
            print(f"{trainer.steps} {elapsed:.0f} s loss {np.mean(losses[-50:]):.4f} {rate:.0f} samples/s {clips} clips", flush=True)
        if time.time() - saved > CHECKPOINT_S:
            trainer.checkpoint()
            saved = time.time()
    trainer.checkpoint()
    print(f"done: {trainer.steps} steps, {trainer.steps * BATCH} samples", flush=True)


if __name__ == "__main__":
    main()
