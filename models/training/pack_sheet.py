"""A prompt to a contact sheet from the pack's ONNX files alone: the whole runtime in a page of Python.

Rows of a prompt: one a tier; three slices, the later ones continuing the one before.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from .export import open_session
from .text_encoder import token_ids

SLICES, SHOWN_FRAMES = 3, (0, 5)
CELL_PX = 128


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
        """Yields the I420 planes of each slice by tier."""
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
            planes = {"draft": self.run("decoder", latent=first)[0][0], "base": self.run("decoder", latent=x)[0][0]}
            planes["refined"] = refined[0]
            if "upscaler" in self.parts:
                (planes["upscaled"],) = self.run("upscaler", refined=refined[0])
            yield planes
            previous, continued = x, np.ones(1, np.float32)


def cells(planes: np.ndarray, side: int) -> list[np.ndarray]:
    """The shown frames at side px."""
    pictures = [Image.fromarray(frame) for frame in to_rgb(planes[list(SHOWN_FRAMES)])]
    return [np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC)) for picture in pictures]


def save_sheet(pack: Pack, path: Path, prompts: list[str], tiers: list[str], seed: int = 1, side: int = CELL_PX) -> None:
    rows = []
    for index, prompt in enumerate(prompts):
        slices = list(pack.slices(prompt, seed + index, SLICES))
        rows += [np.concatenate([cell for planes in slices for cell in cells(planes[tier], side)], 1) for tier in tiers]
    half = -(-len(rows) // 2) if len(tiers) == 1 else len(rows)
    columns = [np.concatenate(rows[i : i + half], 0) for i in range(0, len(rows), half)]
    tallest = max(len(column) for column in columns)
    columns = [np.pad(column, ((0, tallest - len(column)), (0, 0), (0, 0))) for column in columns]
    Image.fromarray(np.concatenate(columns, 1)).save(path, quality=80)


def run_packs(packs: Path) -> None:
    """sheet.jpg of every pack in the folder: its example prompts, a row a tier."""
    for manifest in sorted(packs.glob("*/manifest.json")):
        pack = Pack(manifest.parent)
        tiers = [tier["tier"] for tier in pack.manifest["tiers"]]
        save_sheet(pack, manifest.parent / "sheet.jpg", pack.manifest["examples"], tiers, side=96)
