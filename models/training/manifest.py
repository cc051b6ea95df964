"""manifest.json of the pack: all that a runtime must know that the ONNX files do not say."""

import json
from pathlib import Path

from .captions import vocabulary
from .denoiser import GUIDANCE, GUIDANCE_RANGE, SAMPLER_STEPS, sampler_sigmas
from .latent import CHANNELS, TOKENS
from .particles import PARTICLES
from .pictures import DECODED_PX
from .refiner import GRAIN_PX
from .text_encoder import BUCKETS, FEATURES_PER_WORD, MAX_WORDS
from .upscaler import UPSCALED_PX
from .world import CONDITION_WIDTH, FIELD_OFFSETS, FIELDS, FPS, SLICE_FRAMES

VERSION = "2.0.0"
DESCRIPTION = (
    "A small text-to-video diffusion model of a painted miniature world: five landscapes under changing skies and "
    "weather, with one moving object. Runs on a CPU core; trained from scratch on rendered clips."
)
DESCRIPTION_XS = "glimpse-s for weak machines: the same denoiser in int8 arithmetic, and a smaller refiner of 128 px."
EXAMPLES = [
    "a yellow hot air balloon hovering over the desert by day",
    "a white boat at rest on the lake at sunset, bright sun",
    "snow falling on the mountains in daylight",
    "a purple hot air balloon rising over the meadow at dawn",
    "the sea at night, full moon, twinkling stars",
    "rain over the city at sunset",
    "a blue cube standing still over the desert at dusk",
    "a yellow ring moving left over the meadow under a purple sky",
]

# A prompt that names an object and not how it moves, or what color it is, would have it in every way at once: the seed
# chooses. The boat neither flies nor does a bird bounce, so the motions here are those of every object.
NO_OBJECT = {"object": ["none"]}
OPEN = {
    "color": {"open": {"choices": FIELDS["color"], "unless": NO_OBJECT}},
    "motion": {"open": {"choices": ["still", "left", "right"], "unless": NO_OBJECT}},
}


def tiers(refined_px: int, upscaled: bool) -> list[dict]:
    sizes = {"draft": DECODED_PX, "base": DECODED_PX, "refined": refined_px} | ({"upscaled": UPSCALED_PX} if upscaled else {})
    return [{"tier": tier, "widthPx": size, "heightPx": size} for tier, size in sizes.items()]


def share_fast_refiner(packs: Path) -> None:
    """glimpse-s refines with the refiner of glimpse-xs while there is no time for its own: same latents, fewer pixels."""
    path = packs / "glimpse-s" / "manifest.json"
    manifest, small = (json.loads((packs / name / "manifest.json").read_text()) for name in ("glimpse-s", "glimpse-xs"))
    sizes = {tier["tier"]: {key: tier[key] for key in ("widthPx", "heightPx")} for tier in small["tiers"]}
    refined = next(tier for tier in manifest["tiers"] if tier["tier"] == "refined")
    refined["fast"] = sizes["refined"]
    shared = {"file": small["parts"]["refiner"]["file"], "pack": "glimpse-xs"} | small["parts"]["refiner"]
    parts = {}
    for name, part in manifest["parts"].items():
        parts |= {name: part} | ({"fastRefiner": shared} if name == "refiner" else {})
    manifest["parts"] = parts
    path.write_text(json.dumps(manifest, indent=2) + "\n")


def write_manifest(path: Path, name: str, parts: dict[str, dict], refined_px: int) -> None:
    fields = [
        {"name": name, "offset": offset, "values": values, **OPEN.get(name, {})}
        for (name, values), offset in zip(FIELDS.items(), FIELD_OFFSETS)
    ]
    manifest = {
        "format": "glimpse-model-pack/1",
        "name": name,
        "version": VERSION,
        "license": "MIT",
        "description": DESCRIPTION if name == "glimpse-s" else DESCRIPTION_XS,
        "slice": {"frames": SLICE_FRAMES, "fps": FPS},
        "latent": {"tokens": TOKENS, "channels": CHANNELS},
        "condition": {"width": CONDITION_WIDTH, "fields": fields},
        "tokenizer": {
            "kind": "hashed-words",
            "buckets": BUCKETS,
            "maxWords": MAX_WORDS,
            "featuresPerWord": FEATURES_PER_WORD,
        },
        "vocabulary": vocabulary(),
        "examples": EXAMPLES,
        "tiers": tiers(refined_px, "upscaler" in parts),
        "sampler": {
            "steps": SAMPLER_STEPS,
            "sigmas": [round(sigma, 6) for sigma in sampler_sigmas()],
            "guidance": GUIDANCE,
            "guidanceRange": list(GUIDANCE_RANGE),
        },
        "noise": {"particles": PARTICLES, "grainPx": GRAIN_PX},
        "parts": parts,
    }
    path.write_text(json.dumps(manifest, indent=2) + "\n")
