"""Pairs for the refiner: nine draft frames (one before a slice and the slice) and one of its frames at 256 px.

Particles and grain are kept, so that the noise maps the
picture was painted from can be rebuilt exactly.
"""

from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from .clips import START_RANGE_S
from .presets import Preset
from .refiner import GRAIN_PX, S_SIZE, grain_level
from .renderer import draw_scenes, render
from .world import FPS, SLICE_FRAMES

BATCH, VALID_SEED = 20, 2_000_000


def refine_pairs(count: int, seed: int) -> dict[str, np.ndarray]:
    """draft [N,9,32,32,3], frame [N] (0..7, its index in the slice), time_s [N], picture [N,256,256,3], attention
    uint8 [N,256,256], grain uint8 [N,128,128], particles [N,128,3], fields [N,8]."""
    generator = torch.Generator().manual_seed(seed)
    batches = []
    for _ in range(0, count, BATCH):
        scenes = draw_scenes(BATCH, generator)
        later = torch.arange(BATCH) % 2
        start = 1 / FPS + torch.rand(BATCH, generator=generator) * START_RANGE_S * later
        frame = torch.randint(SLICE_FRAMES, (BATCH,), generator=generator)
        draft, _ = render(scenes, start - 1 / FPS, 1 + SLICE_FRAMES, 32)
        # Quantised first: what is painted is then exactly what the refiner is told.
        level = (grain_level(torch.randn(BATCH, 1, GRAIN_PX, GRAIN_PX, generator=generator)) * 255).byte()
        time_s = start + frame / FPS
        picture, attention = render(scenes, time_s, 1, S_SIZE.refined_px, grain=(level / 255 - 0.5) * 6)
        batches.append(
            {
                "draft": draft.numpy(),
                "frame": frame.numpy(),
                "time_s": time_s.numpy(),
                "picture": picture[:, 0].numpy(),
                "attention": (attention[:, 0] * 255).byte().numpy(),
                "grain": level[:, 0].numpy(),
                "particles": scenes.particles.numpy(),
                "fields": scenes.fields.numpy(),
            }
        )
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def pair_job(job: tuple[int, int]) -> dict[str, np.ndarray]:
    return refine_pairs(*job)


def run(preset: Preset, work_dir: Path) -> None:
    """Write refine-valid.npz and refine-train.npz, in as many parts as there are workers."""
    if (work_dir / "refine-train.npz").exists():
        return
    np.savez(work_dir / "refine-valid.npz", **refine_pairs(preset.valid_pairs, VALID_SEED))
    share = -(-preset.pairs // preset.workers)
    jobs = [(share, VALID_SEED + 1 + preset.seed + worker) for worker in range(preset.workers)]
    with get_context("spawn").Pool(preset.workers, torch.set_num_threads, (1,)) as pool:
        parts = pool.map(pair_job, jobs)
    np.savez(work_dir / "refine-train.npz", **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    print(f"refiner data: {preset.pairs} pairs", flush=True)
