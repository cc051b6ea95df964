"""The loop all trainings share: progress by time or steps, a progress bar, checkpoints, resuming.

While a training runs, NAME.state.pt holds all it needs to go on; when it is done the file is gone, so a stage knows
whether to begin, go on, or be skipped.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from .presets import Preset

CHECKPOINT_S, REPORT_S = 240.0, 20.0
BAR = 24


class Loop:
    """Iterate over it: yields progress in [0,1). `keep` are things with state_dict and load_state_dict."""

    def __init__(self, work_dir: Path, name: str, preset: Preset, minutes: float, keep: dict[str, Any]):
        self.state_path, self.name, self.keep = work_dir / f"{name}.state.pt", name, keep
        self.limit_s, self.max_steps = minutes * 60, preset.max_steps
        self.now = time.process_time if preset.device == "cpu" else time.perf_counter
        self.steps, self.spent_s, self.losses = 0, 0.0, []
        if self.state_path.exists():
            state = torch.load(self.state_path, map_location=preset.device)
            self.steps, self.spent_s = state["steps"], state["spent_s"]
            for part, value in keep.items():
                value.load_state_dict(state[part])
            print(f"{name}: goes on at step {self.steps}", flush=True)
        # A run that goes on draws other numbers than it drew before.
        torch.manual_seed(preset.seed + self.steps)

    def __iter__(self) -> Iterator[float]:
        started = self.now() - self.spent_s
        reported = saved = self.spent_s
        while (progress := self.progress()) < 1:
            yield progress
            self.steps += 1
            self.spent_s = self.now() - started
            if self.spent_s - reported > REPORT_S:
                reported = self.spent_s
                self.report()
            if self.spent_s - saved > CHECKPOINT_S:
                saved = self.spent_s
                self.checkpoint()
        self.report()
        self.on_checkpoint()
        self.state_path.unlink(missing_ok=True)

    def progress(self) -> float:
        by_steps = 0.0 if self.max_steps is None else self.steps / self.max_steps
        return max(by_steps, self.spent_s / self.limit_s)

    def checkpoint(self) -> None:
        parts = {part: value.state_dict() for part, value in self.keep.items()}
        temporary = self.state_path.with_suffix(".next")
        torch.save(parts | {"steps": self.steps, "spent_s": self.spent_s}, temporary)
        temporary.rename(self.state_path)
        self.on_checkpoint()

    def on_checkpoint(self) -> None:
        """Replaced by whoever wants weights, a sheet or a figure at every checkpoint."""

    def report(self) -> None:
        done = min(self.progress(), 1)
        bar = "#" * round(done * BAR)
        recent = self.losses[-100:]
        loss = sum(recent) / max(1, len(recent))
        print(f"{self.name} [{bar:.<{BAR}}] {100 * done:3.0f}%  step {self.steps}  {self.spent_s:.0f} s  loss {loss:.4f}", flush=True)
