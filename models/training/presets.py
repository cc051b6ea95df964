"""How much of everything: three sizes of the same run.

Minutes are core-minutes on a CPU (the process's own time: a paused or crowded process loses nothing) and minutes of the
clock on a GPU. `cpu` takes about three hours of two cores; `gpu` is meant for 25 minutes of one GPU with 16 cores
beside it; `smoke` runs every line once, in about two minutes, and gives a model that knows nothing.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Preset:
    name: str
    device: str = "cpu"
    threads: int = 2
    # Processes that render clips and pairs.
    workers: int = 2
    compiled: bool = True
    seed: int = 0
    # Ends every training after so many steps, whatever the minutes.
    max_steps: int | None = None

    shard_clips: int = 4000
    shards: int = 20
    valid_clips: int = 2000
    batch: int = 96
    base_minutes: float = 190
    distil_minutes: float = 40

    pairs: int = 8000
    valid_pairs: int = 200
    refiner_batch: int = 12
    refiner_minutes: float = 25
    refiner_own_minutes: float = 30
    xs_refiner_minutes: float = 12

    upscaler_scenes: int = 500
    upscaler_minutes: float = 5
    text_minutes: float = 3
    probe_batch: int = 64
    probe_minutes: float = 20

    captions: int = 256
    measured_slices: int = 10

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device, torch.bfloat16)


PRESETS = {
    "cpu": Preset("cpu"),
    "gpu": Preset(
        "gpu", device="cuda", threads=4, workers=14, shards=50, batch=768, base_minutes=8, distil_minutes=2,
        pairs=16_000, refiner_batch=48, refiner_minutes=2, refiner_own_minutes=2.5,
        xs_refiner_minutes=1, upscaler_minutes=1, text_minutes=1, probe_batch=256, probe_minutes=1.5,
    ),
    "smoke": Preset(
        "smoke", compiled=False, max_steps=4, shard_clips=100, shards=1, valid_clips=100, batch=32, pairs=24,
        valid_pairs=20, refiner_batch=4, upscaler_scenes=10, probe_batch=16, captions=16, measured_slices=2,
    ),
}  # fmt: skip
