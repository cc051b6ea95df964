"""Training clips on disk: shards of rendered video, written by one process while another already trains on them.

A shard is three arrays: NAME.video.npy uint8 [N,24,32,32,3], NAME.attention.npy uint8 [N,24,32,32],
NAME.fields.npy int64 [N,8]; the last is written last, so its presence says that the shard is complete. Even clips begin
at the scene's beginning (a stream's first slice), odd ones anywhere in its first nine seconds.
"""

from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .presets import Preset
from .renderer import draw_scenes, render
from .world import SLICE_FRAMES

# Three slices: one to continue from, its continuation, and one more for what continues the model's own.
CLIP_FRAMES = 3 * SLICE_FRAMES
# One round of the slowest object: paths are met in every phase.
START_RANGE_S = 9.0
AT_ONCE = 50
VALID_SEED = 1_000_000


def to_unit(video: np.ndarray) -> Tensor:
    """uint8 [...,H,W,3] -> float32 [...,3,H,W] in [-1,1]."""
    return torch.from_numpy(np.array(video)).movedim(-1, -3).float() / 127.5 - 1


def write_shard(stem: Path, clips: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    video = np.empty((clips, CLIP_FRAMES, 32, 32, 3), np.uint8)
    attention = np.empty((clips, CLIP_FRAMES, 32, 32), np.uint8)
    fields = np.empty((clips, 8), np.int64)
    for i in range(0, clips, AT_ONCE):
        scenes = draw_scenes(AT_ONCE, generator)
        start_s = torch.rand(AT_ONCE, generator=generator) * START_RANGE_S * (torch.arange(AT_ONCE) % 2)
        image, mask = render(scenes, start_s, CLIP_FRAMES, 32)
        rows = slice(i, i + AT_ONCE)
        video[rows], attention[rows] = image.numpy(), (mask * 255).byte().numpy()
        fields[rows] = scenes.fields.numpy()
    for name, array in (("video", video), ("attention", attention), ("fields", fields)):
        np.save(stem.with_name(f"{stem.name}.{name}.npy"), array)


class Clips:
    """Random slices pairs out of all complete shards in a folder."""

    def __init__(self, folder: Path, prefix: str = "train", device: str = "cpu"):
        self.folder, self.prefix, self.device = folder, prefix, device
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

    def draw(self, count: int, slices: int, rng: np.random.Generator, beginning: bool = False):
        """-> video [B,T,3,32,32] in [-1,1], attention [B,T,32,32] in [0,1], fields [B,8].

        beginning: the first slices of scenes only; else from any slice of a clip on.
        """
        names, frames = list(self.shards), slices * SLICE_FRAMES
        video = np.empty((count, frames, 32, 32, 3), np.uint8)
        attention = np.empty((count, frames, 32, 32), np.uint8)
        fields = np.empty((count, 8), np.int64)
        for row, pick in enumerate(rng.integers(len(names), size=count)):
            shard = self.shards[names[pick]]
            clip = rng.integers(len(shard[2]))
            clip = clip - clip % 2 if beginning else clip
            offset = 0 if beginning else SLICE_FRAMES * rng.integers(CLIP_FRAMES // SLICE_FRAMES - slices + 1)
            video[row] = shard[0][clip, offset : offset + frames]
            attention[row] = shard[1][clip, offset : offset + frames]
            fields[row] = shard[2][clip]
        # Bytes go to the device, not floats: a quarter of the way.
        pixels = torch.from_numpy(video).to(self.device).movedim(-1, -3)
        seen = torch.from_numpy(attention).to(self.device)
        return pixels.float() / 127.5 - 1, seen.float() / 255, torch.from_numpy(fields).to(self.device)


def run(preset: Preset, work_dir: Path) -> None:
    """Write the shards that are not there yet."""
    wanted = [("valid000", preset.valid_clips, VALID_SEED)]
    wanted += [(f"train{shard:03d}", preset.shard_clips, preset.seed + shard) for shard in range(preset.shards)]
    missing = [(work_dir / name, *rest) for name, *rest in wanted if not (work_dir / f"{name}.fields.npy").exists()]
    with get_context("spawn").Pool(preset.workers, torch.set_num_threads, (1,)) as pool:
        for done, _ in enumerate(pool.imap_unordered(write_job, missing)):
            print(f"clips: shard {done + 1} of {len(missing)}", flush=True)


def write_job(job: tuple[Path, int, int]) -> None:
    write_shard(*job)
