"""python -m training STAGE|all [--preset cpu|gpu|smoke] [--work-dir W] [--packs P]

From the folder above this one. Stages, in the order of `all`: clips, latent, text, probe, base, distil, refiner,
upscaler, xs, export, measure, sheet; beside them int8, a trial. A stage whose result is there is skipped by `all` and trained anew when named; one
that was interrupted goes on from its last checkpoint.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch

from . import clips, export, int8, latent, measure, pack_sheet, probe, refiner_data
from . import train_base, train_distil, train_refiner, train_text, train_upscaler
from .presets import PRESETS, Preset

Run = Callable[[Preset, Path], None]
# A stage is a list of (its result in the work folder, how to make it).
STAGES: dict[str, list[tuple[str, Run]]] = {
    "clips": [("", clips.run)],
    "latent": [("latent.pt", latent.run)],
    "text": [("text.pt", train_text.run)],
    "probe": [("probe.pt", probe.run)],
    "base": [("base.pt", train_base.run)],
    "distil": [("student.pt", train_distil.run)],
    "refiner": [
        ("refine-train.npz", refiner_data.run),
        ("refiner_clean.pt", train_refiner.run_clean),
        ("refiner.pt", train_refiner.run),
    ],
    "upscaler": [("upscaler.pt", train_upscaler.run)],
    "xs": [("refiner_xs.pt", train_refiner.run_small)],
}
LAST_STAGES = ["export", "measure", "sheet"]
# Run only when named.
TRIALS = ["int8"]


def finished(work_dir: Path, result: str) -> bool:
    path = work_dir / result
    return bool(result) and path.exists() and not path.with_suffix(".state.pt").exists()


def run_stage(stage: str, preset: Preset, work_dir: Path, packs: Path, again: bool) -> None:
    started = time.time()
    for result, make in STAGES.get(stage, []):
        if again or not finished(work_dir, result):
            make(preset, work_dir)
    match stage:
        case "export":
            export.run(preset, work_dir, packs)
            if (packs / "glimpse-xs").exists():
                int8.quantise_pack(work_dir, packs / "glimpse-xs")
        case "measure":
            measure.run(preset, work_dir)
        case "int8":
            int8.run(preset, work_dir)
        case "sheet":
            pack_sheet.run_packs(packs)
    print(f"== {stage}: {time.time() - started:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("stage", choices=["all", *STAGES, *LAST_STAGES, *TRIALS])
    parser.add_argument("--preset", choices=list(PRESETS), default="cpu")
    parser.add_argument("--work-dir", type=Path, default=Path("/var/tmp/glimpse-training"))
    parser.add_argument("--packs", type=Path, help="where packs go; default: packs/ in the work folder")
    args = parser.parse_args()
    preset = PRESETS[args.preset]
    torch.set_num_threads(preset.threads)
    torch.set_flush_denormal(True)
    args.work_dir.mkdir(parents=True, exist_ok=True)
    packs = args.packs or args.work_dir / "packs"
    stages = [*STAGES, *LAST_STAGES] if args.stage == "all" else [args.stage]
    for stage in stages:
        run_stage(stage, preset, args.work_dir, packs, again=args.stage != "all")


if __name__ == "__main__":
    main()
