"""Train the refiner in two stages: on clean drafts first, then on drafts as the denoiser really makes them.

Stage 2 is chosen by --base: the drafts are noised and replaced by the denoiser's own one-step estimate, so the refiner
learns to give soft and slightly wrong drafts their edges back. Writes refiner.pt and sheet_refiner.png (a row: draft
bicubic, refined, true).
"""

import argparse
import copy
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from clips import to_unit
from denoiser import Denoiser
from latent import Latent
from refiner import Refiner, frame_triples, refiner_maps
from sheet import save_rows
from world import WEATHER, condition_of, field_id, is_value

BATCH = 16
RATE, RATE_STAGE_2 = 2.5e-3, 1.2e-3
# The gate between caption and particles learns slowly at the common rate and holds few weights.
GATE_RATE_FACTOR = 6.0
OWN_DRAFT_SHARE, BLUR_SHARE, DRAFT_NOISE = 0.6, 0.5, 0.05
# How often a pair is drawn by its weather (unspecified, clear, clouds, rain, snow, stars): sparse particles are the
# hardest to learn.
WEATHER_SHARE = torch.tensor([1.0, 1.0, 1.0, 2.5, 1.5, 3.0])
OBJECT_WEIGHT, PARTICLE_WEIGHT = 2.0, 5.0
CHECKPOINT_STEPS = 200


class Pairs:
    """Refiner pairs in memory, with drafts optionally replaced by the denoiser's."""

    def __init__(self, path: Path):
        with np.load(path) as arrays:
            self.arrays = {name: arrays[name] for name in arrays.files}
        self.fields = torch.from_numpy(self.arrays["fields"])
        self.own_drafts: np.ndarray | None = None

    @torch.no_grad()
    def degrade(self, denoiser: Denoiser) -> None:
        """Keep, beside each clean draft, the denoiser's one-step estimate of it from a random noise level."""
        drafts = self.arrays["draft"]
        self.own_drafts = drafts.copy()
        for i in range(0, len(drafts), 100):
            clean = denoiser.latent.encode(to_unit(drafts[i : i + 100, 1:]))
            rows = len(clean)
            sigma = 0.3 + 0.5 * torch.rand(rows)
            noisy = torch.lerp(clean, torch.randn_like(clean), sigma.view(-1, 1, 1))
            condition = condition_of(self.fields[i : i + 100])
            with torch.autocast("cpu", torch.bfloat16):
                estimate = denoiser(noisy, sigma, condition, torch.zeros_like(clean), torch.zeros(rows))
            video = denoiser.latent.decode(estimate.float()).clamp(-1, 1).movedim(2, -1)
            self.own_drafts[i : i + 100, 1:] = ((video + 1) * 127.5).byte().numpy()

    def rows(self, index: np.ndarray, own: np.ndarray | None = None):
        """-> triple [B,9,32,32], maps [B,4,128,128], picture [B,3,128,128], attention [B,1,128,128], fields [B,8]."""
        get = {name: array[index] for name, array in self.arrays.items()}
        drafts = get["draft"]
        if own is not None and self.own_drafts is not None:
            drafts = np.where(own[:, None, None, None, None], self.own_drafts[index], drafts)
        video = to_unit(drafts)
        # Half of the slices begin a stream: their first frame has no left neighbour but itself.
        first = torch.from_numpy(index % 2 == 0).view(-1, 1, 1, 1, 1)
        before = torch.where(first, video[:, 1:2], video[:, :1])
        frame = torch.from_numpy(get["frame"])
        triple = frame_triples(video[:, 1:], before)[torch.arange(len(index)), frame]
        grain = (torch.from_numpy(get["grain"])[:, None] / 255 - 0.5) * 6
        maps = refiner_maps(torch.from_numpy(get["particles"]), grain, torch.from_numpy(get["time_s"])[:, None])[:, 0]
        attention = torch.from_numpy(get["attention"])[:, None].float() / 255
        return triple, maps, to_unit(get["picture"]), attention, torch.from_numpy(get["fields"])


def gradients(image: Tensor) -> tuple[Tensor, Tensor]:
    return image[..., 1:] - image[..., :-1], image[..., 1:, :] - image[..., :-1, :]


def refiner_loss(output: Tensor, picture: Tensor, maps: Tensor, attention: Tensor, fields: Tensor) -> Tensor:
    """Absolute error weighted by object and visible particles, plus edges, plus squared error."""
    weather = torch.stack([is_value(fields, WEATHER, name) for name in ("stars", "snow", "rain")], 1)
    visible = F.max_pool2d(maps[:, :3], 5, 1, 2) * weather.float().view(-1, 3, 1, 1)
    weight = 1 + OBJECT_WEIGHT * attention + PARTICLE_WEIGHT * (visible.amax(1, keepdim=True) > 0.15).float()
    edges = sum((a - b).abs().mean() for a, b in zip(gradients(output), gradients(picture)))
    return (weight * (output - picture).abs()).mean() + 0.7 * edges + (output - picture).square().mean()


def augmented(triple: Tensor) -> Tensor:
    """Blur some drafts and add a little noise: no draft at run time is as clean as a rendered one."""
    blurred = F.avg_pool2d(F.pad(triple, (1, 1, 1, 1), mode="replicate"), 3, 1)
    amount = torch.rand(len(triple), 1, 1, 1) * (torch.rand(len(triple), 1, 1, 1) < BLUR_SHARE)
    triple = torch.lerp(triple, blurred, amount)
    return triple + torch.randn_like(triple) * torch.rand(len(triple), 1, 1, 1) * DRAFT_NOISE


def psnr(a: Tensor, b: Tensor) -> float:
    return 10 * math.log10(4 / (a.clamp(-1, 1) - b).square().mean().item())


@torch.no_grad()
def evaluate(refiner: Refiner, pairs: Pairs, sheet: Path) -> str:
    index = np.arange(len(pairs.fields))
    own = np.full(len(index), pairs.own_drafts is not None)
    triple, maps, picture, _, fields = pairs.rows(index, own)
    parts = zip(triple.split(40), condition_of(fields).split(40), maps.split(40))
    output = torch.cat([refiner(*part) for part in parts])
    bicubic = F.interpolate(triple[:, 3:6], scale_factor=4, mode="bicubic")
    save_rows(torch.stack([bicubic, output, picture], 1)[:24], sheet, columns=4)
    return f"{psnr(output, picture):.2f} dB (bicubic {psnr(bicubic, picture):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--base", type=Path, help="denoiser weights: train stage 2 on its drafts, from refiner.pt")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    pairs, valid = Pairs(args.work_dir / "refine-train.npz"), Pairs(args.work_dir / "refine-valid.npz")
    refiner, path = Refiner(), args.work_dir / "refiner.pt"
    if args.base:
        refiner.load_state_dict(torch.load(path))
        denoiser = Denoiser(Latent()).eval()
        denoiser.load_state_dict(torch.load(args.base))
        for data in (pairs, valid):
            data.degrade(denoiser)
        print("drafts degraded", flush=True)
    average = copy.deepcopy(refiner).eval()
    gate = list(refiner.map_gate.parameters())
    others = [p for name, p in refiner.named_parameters() if not name.startswith("map_gate")]
    groups = [{"params": others, "factor": 1.0}, {"params": gate, "factor": GATE_RATE_FACTOR}]
    base_rate = RATE_STAGE_2 if args.base else RATE
    optimizer = torch.optim.AdamW(groups, base_rate, betas=(0.9, 0.99), weight_decay=1e-4)
    shares = WEATHER_SHARE[pairs.fields[:, WEATHER]]
    assert WEATHER_SHARE.numel() == field_id(WEATHER, "stars") + 1
    started, step, losses = time.time(), 0, []
    while (progress := (time.time() - started) / (args.minutes * 60)) < 1:
        rate = base_rate * min(1, (step + 1) / 40) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-5
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        index = torch.multinomial(shares, BATCH, True).numpy()
        triple, maps, picture, attention, fields = pairs.rows(index, rng.random(BATCH) < OWN_DRAFT_SHARE)
        condition = condition_of(torch.where(torch.rand(BATCH, 8) < 0.05, 0, fields))
        with torch.autocast("cpu", torch.bfloat16):
            inputs = augmented(triple).to(memory_format=torch.channels_last)
            output = refiner(inputs, condition, maps).float()
        loss = refiner_loss(output, picture, maps, attention, fields)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(refiner.parameters(), 1.0)
        optimizer.step()
        step += 1
        keep = min(0.995, step / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(refiner.parameters()), 1 - keep)
        losses.append(loss.item())
        if step % CHECKPOINT_STEPS == 0:
            torch.save(average.state_dict(), path)
            quality = evaluate(average, valid, args.work_dir / "sheet_refiner.png")
            print(f"{step} {time.time() - started:.0f} s loss {np.mean(losses[-100:]):.4f} {quality}", flush=True)
    torch.save(average.state_dict(), path)
    print(f"done: {step} steps, {evaluate(average, valid, args.work_dir / 'sheet_refiner.png')}", flush=True)


if __name__ == "__main__":
    main()
