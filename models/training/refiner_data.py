"""Pairs for the refiner: nine draft frames (one before a slice and the slice) and one of its frames at 128 px.

Run as a script to write refine-train.npz and refine-valid.npz. Particles and grain are kept, so that the noise maps the
picture was painted from can be rebuilt exactly.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from clips import START_RANGE_S
from refiner import REFINED_PX, grain_level
from renderer import draw_scenes, render
from world import FPS, SLICE_FRAMES

BATCH = 20


def refine_pairs(count: int, seed: int) -> dict[str, np.ndarray]:
    """draft [N,9,32,32,3], frame [N] (0..7, its index in the slice), time_s [N], picture [N,128,128,3], attention and
    grain uint8 [N,128,128], particles [N,128,3], fields [N,8]."""
    generator = torch.Generator().manual_seed(seed)
    batches = []
    for _ in range(0, count, BATCH):
        scenes = draw_scenes(BATCH, generator)
        start = 1 / FPS + torch.rand(BATCH, generator=generator) * START_RANGE_S
        frame = torch.randint(SLICE_FRAMES, (BATCH,), generator=generator)
        draft, _ = render(scenes, start - 1 / FPS, 1 + SLICE_FRAMES, 32)
        # Quantised first: what is painted is then exactly what the refiner is told.
        level = (grain_level(torch.randn(BATCH, 1, REFINED_PX, REFINED_PX, generator=generator)) * 255).byte()
        time_s = start + frame / FPS
        picture, attention = render(scenes, time_s, 1, REFINED_PX, grain=(level / 255 - 0.5) * 6)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=14_000)
    args = parser.parse_args()
    torch.set_num_threads(1)
    started = time.time()
    np.savez(args.work_dir / "refine-valid.npz", **refine_pairs(200, seed=2_000_000))
    np.savez(args.work_dir / "refine-train.npz", **refine_pairs(args.pairs, seed=2_000_001))
    print(f"{args.pairs} pairs, {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
