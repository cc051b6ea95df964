"""Train the refiner in two stages: on clean drafts first, then on drafts as the denoiser really makes them.

In the second the drafts are noised and replaced by the denoiser's own one-step estimate, so the refiner learns to give
soft and slightly wrong drafts their edges back. Writes refiner_clean.pt, refiner.pt and sheets (a row: draft bicubic,
refined, true).
"""

import copy
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .clips import to_unit
from .denoiser import Denoiser
from .latent import Latent
from .loop import Loop
from .presets import Preset
from .refiner import S_SIZE, XS_SIZE, Refiner, RefinerSize, frame_triples, refiner_maps
from .sheet import save_rows
from .world import WEATHER, condition_of, field_id, is_value

RATE, RATE_STAGE_2 = 2.5e-3, 1.2e-3
# The gate between caption and particles learns slowly at the common rate and holds few weights.
GATE_RATE_FACTOR = 6.0
OWN_DRAFT_SHARE, BLUR_SHARE, DRAFT_NOISE = 0.6, 0.5, 0.05
# How often a pair is drawn by its weather (unspecified, clear, clouds, rain, snow, stars): sparse particles are the
# hardest to learn.
WEATHER_SHARE = torch.tensor([1.0, 1.0, 1.0, 2.5, 1.5, 3.0])
OBJECT_WEIGHT, PARTICLE_WEIGHT = 2.0, 5.0


class Pairs:
    """Refiner pairs in memory, with drafts optionally replaced by the denoiser's."""

    def __init__(self, path: Path, size_px: int, device: str):
        self.size_px, self.device = size_px, device
        with np.load(path) as arrays:
            self.arrays = {name: arrays[name] for name in arrays.files}
        self.fields = torch.from_numpy(self.arrays["fields"])
        self.own_drafts: np.ndarray | None = None

    @torch.no_grad()
    def degrade(self, denoiser: Denoiser) -> None:
        """Keep, beside each clean draft, the denoiser's one-step estimate of it from a random noise level."""
        drafts, device = self.arrays["draft"], self.device
        self.own_drafts = drafts.copy()
        for i in range(0, len(drafts), 100):
            clean = denoiser.latent.encode(to_unit(drafts[i : i + 100, 1:]).to(device))
            ones = torch.ones(len(clean), device=device)
            sigma = 0.3 + 0.4 * torch.rand(len(clean), device=device)
            noisy = torch.lerp(clean, torch.randn_like(clean), sigma.view(-1, 1, 1))
            condition = condition_of(self.fields[i : i + 100].to(device))
            with torch.autocast(device, torch.bfloat16):
                estimate = denoiser(noisy, sigma, condition, torch.zeros_like(clean), ones * 0, ones)
            video = denoiser.latent.decode(estimate.float()).clamp(-1, 1).movedim(2, -1)
            self.own_drafts[i : i + 100, 1:] = ((video + 1) * 127.5).byte().cpu().numpy()

    def rows(self, index: np.ndarray, own: np.ndarray | None = None):
        """-> triple [B,9,32,32], maps [B,4,S,S], picture [B,3,S,S], attention [B,1,S,S], fields [B,8]."""
        get = {name: array[index] for name, array in self.arrays.items()}
        drafts = get["draft"]
        if own is not None and self.own_drafts is not None:
            drafts = np.where(own[:, None, None, None, None], self.own_drafts[index], drafts)
        video = to_unit(drafts).to(self.device)
        # Half of the slices begin a stream: their first frame has no left neighbour but itself.
        first = torch.from_numpy(index % 2 == 0).to(self.device).view(-1, 1, 1, 1, 1)
        before = torch.where(first, video[:, 1:2], video[:, :1])
        triple = frame_triples(video[:, 1:], before)[torch.arange(len(index)), torch.from_numpy(get["frame"])]
        grain = (self.tensor(get["grain"])[:, None] / 255 - 0.5) * 6
        maps = refiner_maps(self.tensor(get["particles"]), grain, self.tensor(get["time_s"])[:, None], self.size_px)[:, 0]
        picture = self.tensor(get["picture"]).movedim(-1, -3).float() / 127.5 - 1
        attention = self.tensor(get["attention"])[:, None].float() / 255
        if picture.shape[-1] != self.size_px:
            factor = picture.shape[-1] // self.size_px
            picture, attention = F.avg_pool2d(picture, factor), F.avg_pool2d(attention, factor)
        return triple, maps, picture, attention, self.tensor(get["fields"])

    def tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.device)


def gradients(image: Tensor) -> tuple[Tensor, Tensor]:
    return image[..., 1:] - image[..., :-1], image[..., 1:, :] - image[..., :-1, :]


def refiner_loss(output: Tensor, picture: Tensor, maps: Tensor, attention: Tensor, fields: Tensor) -> Tensor:
    """Absolute error weighted by object and visible particles, plus edges, plus squared error."""
    weather = torch.stack([is_value(fields, WEATHER, name) for name in ("stars", "snow", "rain")], 1)
    reach = maps.shape[-1] // 64
    visible = F.max_pool2d(maps[:, :3], 2 * reach + 1, 1, reach) * weather.float().view(-1, 3, 1, 1)
    weight = 1 + OBJECT_WEIGHT * attention + PARTICLE_WEIGHT * (visible.amax(1, keepdim=True) > 0.15).float()
    edges = sum((a - b).abs().mean() for a, b in zip(gradients(output), gradients(picture)))
    return (weight * (output - picture).abs()).mean() + 0.7 * edges + (output - picture).square().mean()


def augmented(triple: Tensor) -> Tensor:
    """Blur some drafts and add a little noise: no draft at run time is as clean as a rendered one."""

    def amount(share: float = 1.0) -> Tensor:
        shape = (2, len(triple), 1, 1, 1)
        size, chosen = torch.rand(shape, device=triple.device)
        return size * (chosen < share)

    blurred = F.avg_pool2d(F.pad(triple, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return torch.lerp(triple, blurred, amount(BLUR_SHARE)) + torch.randn_like(triple) * amount() * DRAFT_NOISE


def psnr(a: Tensor, b: Tensor) -> float:
    return 10 * math.log10(4 / (a.clamp(-1, 1) - b).square().mean().item())


@torch.no_grad()
def evaluate(refiner: Refiner, pairs: Pairs, sheet: Path) -> str:
    index = np.arange(len(pairs.fields))
    own = np.full(len(index), pairs.own_drafts is not None)
    triple, maps, picture, _, fields = pairs.rows(index, own)
    parts = zip(triple.split(20), condition_of(fields).split(20), maps.split(20))
    output = torch.cat([refiner(*part) for part in parts])
    bicubic = F.interpolate(triple[:, 3:6], size=picture.shape[-2:], mode="bicubic")
    save_rows(torch.stack([bicubic, output, picture], 1)[:12].cpu(), sheet, columns=2)
    return f"{psnr(output, picture):.2f} dB (bicubic {psnr(bicubic, picture):.2f})"


def weather_shares(fields: Tensor) -> Tensor:
    assert WEATHER_SHARE.numel() == field_id(WEATHER, "stars") + 1
    return WEATHER_SHARE[fields[:, WEATHER]]


def train_refiner(
    preset: Preset, work_dir: Path, size: RefinerSize, name: str, minutes: float, init: str | None, base: str | None
) -> None:
    """One stage: from weights `init`, if any, on the drafts of denoiser `base`, if any; writes NAME.pt."""
    pairs, valid = (
        Pairs(work_dir / f"refine-{part}.npz", size.refined_px, preset.device) for part in ("train", "valid")
    )
    refiner = Refiner(size).to(preset.device)
    if init:
        refiner.load_state_dict(torch.load(work_dir / init))
    if base:
        denoiser = Denoiser(Latent()).eval()
        denoiser.load_state_dict(torch.load(work_dir / base))
        denoiser.to(preset.device)
        for data in (pairs, valid):
            data.degrade(denoiser)
    average = copy.deepcopy(refiner).eval()
    groups = [
        {"params": [p for name, p in refiner.named_parameters() if "_gate" not in name], "factor": 1.0},
        {"params": [p for name, p in refiner.named_parameters() if "_gate" in name], "factor": GATE_RATE_FACTOR},
    ]
    base_rate = RATE_STAGE_2 if base else RATE
    optimizer = torch.optim.AdamW(groups, base_rate, betas=(0.9, 0.99), weight_decay=1e-4)
    forward = torch.compile(refiner, dynamic=False) if preset.compiled else refiner
    loop = Loop(work_dir, name, preset, minutes, {"model": refiner, "average": average, "optimizer": optimizer})
    rng, shares = np.random.default_rng(preset.seed + loop.steps), weather_shares(pairs.fields)

    def save() -> None:
        torch.save(copy.deepcopy(average).cpu().state_dict(), work_dir / f"{name}.pt")
        print(f"{name}: {evaluate(average, valid, work_dir / f'sheet_{name}.png')}", flush=True)

    loop.on_checkpoint = save
    for progress in loop:
        rate = base_rate * min(1, (loop.steps + 1) / 40) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-5
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        index = torch.multinomial(shares, preset.refiner_batch, True).numpy()
        own = rng.random(preset.refiner_batch) < OWN_DRAFT_SHARE
        triple, maps, picture, attention, fields = pairs.rows(index, own)
        open_fields = torch.rand(fields.shape, device=fields.device) < 0.05
        condition = condition_of(torch.where(open_fields, 0, fields))
        with preset.autocast():
            output = forward(augmented(triple).to(memory_format=torch.channels_last), condition, maps).float()
        loss = refiner_loss(output, picture, maps, attention, fields)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(refiner.parameters(), 1.0)
        optimizer.step()
        keep = min(0.995, (loop.steps + 1) / (loop.steps + 11))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(refiner.parameters()), 1 - keep)
        loop.losses.append(loss.item())


def run_clean(preset: Preset, work_dir: Path) -> None:
    train_refiner(preset, work_dir, S_SIZE, "refiner_clean", preset.refiner_minutes, None, None)


def run(preset: Preset, work_dir: Path) -> None:
    train_refiner(preset, work_dir, S_SIZE, "refiner", preset.refiner_own_minutes, "refiner_clean.pt", "base.pt")


def run_small(preset: Preset, work_dir: Path) -> None:
    train_refiner(preset, work_dir, XS_SIZE, "refiner_xs", preset.xs_refiner_minutes, None, "base.pt")
