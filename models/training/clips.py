"""Training clips on disk: shards of rendered video, written by one process while another already trains on them.

A shard is three arrays: NAME.video.npy uint8 [N,20,32,32,3], NAME.attention.npy uint8 [N,20,32,32],
NAME.fields.npy int64 [N,8]; the last is written last, so its presence says that the shard is complete.
Run as a script to write the training and validation shards and to fit the latent.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from latent import Latent
from renderer import draw_scenes, render
from world import SLICE_FRAMES

CLIP_FRAMES = 20
SHARD_CLIPS = 4000
# Scenes start anywhere in their first three seconds, so paths are met in every phase.
START_RANGE_S = 3.0


def to_unit(video: np.ndarray) -> Tensor:
    """uint8 [...,H,W,3] -> float32 [...,3,H,W] in [-1,1]."""
    return torch.from_numpy(np.ascontiguousarray(video)).movedim(-1, -3).float() / 127.5 - 1


def write_shard(stem: Path, clips: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    video = np.empty((clips, CLIP_FRAMES, 32, 32, 3), np.uint8)
    attention = np.empty((clips, CLIP_FRAMES, 32, 32), np.uint8)
    fields = np.empty((clips, 8), np.int64)
    for i in range(0, clips, 50):
        scenes = draw_scenes(50, generator)
        image, mask = render(scenes, torch.rand(50, generator=generator) * START_RANGE_S, CLIP_FRAMES, 32)
        video[i : i + 50], attention[i : i + 50] = image.numpy(), (mask * 255).byte().numpy()
        fields[i : i + 50] = scenes.fields.numpy()
    for name, array in (("video", video), ("attention", attention), ("fields", fields)):
        np.save(stem.with_name(f"{stem.name}.{name}.npy"), array)


class Clips:
    """Random slices pairs out of all complete shards in a folder."""

    def __init__(self, folder: Path, prefix: str = "train"):
        self.folder, self.prefix = folder, prefix
        self.shards: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self.refresh()

    def refresh(self) -> int:
        """Take up shards finished since; returns the number of clips."""
        for path in sorted(self.folder.glob(f"{self.prefix}*.fields.npy")):
            stem = path.name.removesuffix(".fields.npy")
            if stem not in self.shards:
                video = np.load(self.folder / f"{stem}.video.npy", mmap_mode="r")
                attention = np.load(self.folder / f"{stem}.attention.npy", mmap_mode="r")
                self.shards[stem] = (video, attention, np.load(path))
        return sum(len(fields) for _, _, fields in self.shards.values())

    def draw(self, count: int, frames: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """-> video [B,T,3,32,32] in [-1,1], attention [B,T,32,32] in [0,1], fields [B,8]; random offset in the clip."""
        names = list(self.shards)
        picks = rng.integers(len(names), size=count)
        offsets = rng.integers(CLIP_FRAMES - frames + 1, size=count)
        video = np.empty((count, frames, 32, 32, 3), np.uint8)
        attention = np.empty((count, frames, 32, 32), np.uint8)
        fields = np.empty((count, 8), np.int64)
        for row, (pick, offset) in enumerate(zip(picks, offsets)):
            shard = self.shards[names[pick]]
            clip = rng.integers(len(shard[2]))
            video[row] = shard[0][clip, offset : offset + frames]
            attention[row] = shard[1][clip, offset : offset + frames]
            fields[row] = shard[2][clip]
        return to_unit(video), torch.from_numpy(attention).float() / 255, torch.from_numpy(fields)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=60_000)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.work_dir.mkdir(parents=True, exist_ok=True)
    started = time.time()
    write_shard(args.work_dir / "valid000", 2000, seed=1_000_000)
    for shard in range(args.clips // SHARD_CLIPS):
        write_shard(args.work_dir / f"train{shard:03d}", SHARD_CLIPS, seed=shard)
        print(f"{(shard + 1) * SHARD_CLIPS} clips, {time.time() - started:.0f} s", flush=True)
        if shard == 0:
            latent = Latent()
            video, _, _ = Clips(args.work_dir).draw(3000, 2 * SLICE_FRAMES, np.random.default_rng(0))
            print(f"latent: {latent.fit(video):.1f} dB", flush=True)
            torch.save(latent.state_dict(), args.work_dir / "latent.pt")


if __name__ == "__main__":
    main()
