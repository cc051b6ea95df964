"""A prompt to a contact sheet from the pack's ONNX files alone: the whole runtime in a page of Python.

Rows of a prompt: draft (first step's estimate), base, refined; three slices, the later ones continuing the one before.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from export import open_session
from text_encoder import token_ids

SLICES, SHOWN_FRAMES = 3, (0, 3, 6)


def to_rgb(planes: np.ndarray) -> np.ndarray:
    """I420 uint8 [T,H*W*3/2] -> uint8 [T,H,W,3], pictures being square."""
    side = int(round((planes.shape[1] / 1.5) ** 0.5))
    y, u, v = np.split(planes.astype(np.float32), [side * side, side * side * 5 // 4], axis=1)
    y = (y.reshape(-1, side, side) - 16) * (255 / 219)
    u, v = (
        (c.reshape(-1, side // 2, side // 2).repeat(2, 1).repeat(2, 2) - 128) * (255 / 224) for c in (u, v)
    )
    rgb = np.stack([y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u], -1)
    return rgb.clip(0, 255).round().astype(np.uint8)


class Pack:
    """Runs a pack as a service would: one prompt, one seed, slice after slice."""

    def __init__(self, folder: Path):
        self.manifest = json.loads((folder / "manifest.json").read_text())
        self.parts = {name: open_session(folder / part["file"]) for name, part in self.manifest["parts"].items()}

    def run(self, part: str, **inputs: np.ndarray) -> list[np.ndarray]:
        return self.parts[part].run(None, inputs)

    def slices(self, prompt: str, seed: int, count: int):
        """Yields (draft, base, refined) I420 planes of each slice."""
        rng = np.random.default_rng(seed)
        sampler, latent, slice_ = (self.manifest[key] for key in ("sampler", "latent", "slice"))
        shape = (1, latent["tokens"], latent["channels"])
        condition, _ = self.run("text", ids=np.array([token_ids(prompt)], np.int64))
        particles = rng.random((1, self.manifest["noise"]["particles"], 3), np.float32)
        side = self.manifest["noise"]["grainPx"]
        grain = rng.standard_normal((1, 1, side, side), np.float32)
        previous, continued = np.zeros(shape, np.float32), np.zeros(1, np.float32)
        for index in range(count):
            x, first = rng.standard_normal(shape, np.float32), None
            for sigma, sigma_next in zip(sampler["sigmas"], sampler["sigmas"][1:]):
                levels = {"sigma": sigma, "sigma_next": sigma_next, "guidance": sampler["guidance"]}
                denoised, x = self.run(
                    "denoiser", latent=x, condition=condition, previous=previous, has_previous=continued,
                    **{name: np.array([value], np.float32) for name, value in levels.items()},
                )  # fmt: skip
                first = denoised if first is None else first
            (refined,) = self.run(
                "refiner", latent=x, previous=previous, has_previous=continued, condition=condition,
                particles=particles, grain=grain, frames=np.arange(slice_["frames"]),
                time_s=np.array([index * slice_["frames"] / slice_["fps"]], np.float32),
            )  # fmt: skip
            yield self.run("decoder", latent=first)[0][0], self.run("decoder", latent=x)[0][0], refined[0]
            previous, continued = x, np.ones(1, np.float32)


def prompt_rows(pack: Pack, prompt: str, seed: int, tiers: tuple[str, ...]) -> list[np.ndarray]:
    """One picture row a tier, uint8 [128,W,3]."""
    rows: dict[str, list[np.ndarray]] = {tier: [] for tier in ("draft", "base", "refined")}
    for planes in pack.slices(prompt, seed, SLICES):
        for tier, frames in zip(rows, planes):
            rgb = to_rgb(frames[list(SHOWN_FRAMES)])
            scale = 128 // rgb.shape[1]
            rows[tier] += list(rgb.repeat(scale, 1).repeat(scale, 2))
    return [np.concatenate(rows[tier], 1) for tier in tiers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, default=Path(__file__).parents[1] / "glimpse-s")
    parser.add_argument("--out", type=Path, required=True, help="PNG or JPEG")
    parser.add_argument("--prompt", action="append", help="default: the manifest's examples; may be repeated")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--refined-only", action="store_true")
    args = parser.parse_args()
    pack = Pack(args.pack)
    tiers = ("refined",) if args.refined_only else ("draft", "base", "refined")
    rows = []
    for index, prompt in enumerate(args.prompt or pack.manifest["examples"]):
        rows += prompt_rows(pack, prompt, args.seed + index, tiers)
    Image.fromarray(np.concatenate(rows, 0)).save(args.out, quality=78)


if __name__ == "__main__":
    main()
