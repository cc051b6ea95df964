"""Train the upscaler on crops of scenes rendered twice, at 256 and at 512 px; writes upscaler.pt."""

import copy
import math
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from .clips import START_RANGE_S
from .loop import Loop
from .pictures import LUMA
from .presets import Preset
from .refiner import GRAIN_PX
from .renderer import draw_scenes, render
from .upscaler import UPSCALED_PX, LumaUpscaler

CROP_PX, BATCH, RATE = 48, 24, 3e-3
VALID_SCENES, VALID_SEED, AT_ONCE = 40, 3_000_000, 10
# The refiner's frames are a little softer than rendered ones.
BLUR_SHARE, NOISE = 0.4, 0.01


def luma_of(video: Tensor) -> Tensor:
    """uint8 RGB [B,1,S,S,3] -> Y in steps of 1/255 [B,1,S,S]."""
    return ((video.float() / 255 @ LUMA + 16).round() / 255).half()


def luma_pairs(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """-> luma of the same scenes at 256 px [N,1,256,256] and at 512 px [N,1,512,512], float16 in [0,1]."""
    generator = torch.Generator().manual_seed(seed)
    small, large = [], []
    for _ in range(0, count, AT_ONCE):
        scenes = draw_scenes(AT_ONCE, generator)
        start_s = torch.rand(AT_ONCE, generator=generator) * START_RANGE_S
        grain = torch.randn(AT_ONCE, 1, GRAIN_PX, GRAIN_PX, generator=generator)
        for size, pictures in ((UPSCALED_PX // 2, small), (UPSCALED_PX, large)):
            pictures.append(luma_of(render(scenes, start_s, 1, size, grain)[0]))
    return torch.cat(small), torch.cat(large)


def crops(small: Tensor, large: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    inputs, targets = [], []
    for _ in range(BATCH):
        index = int(torch.randint(len(small), (1,), generator=generator))
        top, left = (2 * torch.randint((UPSCALED_PX // 2 - CROP_PX) // 2 + 1, (2,), generator=generator)).tolist()
        inputs.append(small[index, :, top : top + CROP_PX, left : left + CROP_PX])
        targets.append(large[index, :, 2 * top : 2 * (top + CROP_PX), 2 * left : 2 * (left + CROP_PX)])
    x, y = torch.stack(inputs).float(), torch.stack(targets).float()
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    amount = 0.5 * torch.rand(BATCH, 1, 1, 1) * (torch.rand(BATCH, 1, 1, 1) < BLUR_SHARE)
    return torch.lerp(x, blurred, amount) + NOISE * torch.rand(BATCH, 1, 1, 1) * torch.randn_like(x), y


@torch.no_grad()
def evaluate(model: LumaUpscaler, small: Tensor, large: Tensor) -> str:
    def psnr(a: Tensor) -> float:
        return -10 * math.log10((a.clamp(0, 1) - large.float()).square().mean().item())

    bicubic = F.interpolate(small.float(), scale_factor=2, mode="bicubic", align_corners=False)
    output = torch.cat([model(part.float()) for part in small.split(10)])
    return f"{psnr(output):.2f} dB (bicubic {psnr(bicubic):.2f})"


def run(preset: Preset, work_dir: Path) -> None:
    generator = torch.Generator().manual_seed(preset.seed)
    train = luma_pairs(preset.upscaler_scenes, VALID_SEED + 1 + preset.seed)
    valid = luma_pairs(min(VALID_SCENES, preset.upscaler_scenes), VALID_SEED)
    model = LumaUpscaler().to(preset.device)
    average = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=1e-4)
    keep = {"model": model, "average": average, "optimizer": optimizer}
    loop = Loop(work_dir, "upscaler", preset, preset.upscaler_minutes, keep)

    def save() -> None:
        weights = copy.deepcopy(average).cpu()
        torch.save(weights.state_dict(), work_dir / "upscaler.pt")
        print(f"upscaler: {evaluate(weights, *valid)}", flush=True)

    loop.on_checkpoint = save
    for progress in loop:
        rate = RATE * min(1, (loop.steps + 1) / 40) * (0.5 + 0.5 * math.cos(math.pi * progress))
        optimizer.param_groups[0]["lr"] = rate + 1e-5
        x, y = (part.to(preset.device) for part in crops(*train, generator))
        output = model(x)
        loss = (output - y).abs().mean() + 10 * (output - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        share = min(0.995, (loop.steps + 1) / (loop.steps + 11))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - share)
        loop.losses.append(loss.item())
