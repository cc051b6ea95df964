"""manifest.json of the pack: all that a runtime must know that the ONNX files do not say."""

import json
from pathlib import Path

from captions import vocabulary
from denoiser import GUIDANCE, SAMPLER_STEPS, sampler_sigmas
from latent import CHANNELS, TOKENS
from particles import PARTICLES
from pictures import DECODED_PX
from refiner import REFINED_PX
from text_encoder import BUCKETS, FEATURES_PER_WORD, MAX_WORDS
from world import CONDITION_WIDTH, FIELD_OFFSETS, FIELDS, FPS, SLICE_FRAMES

VERSION = "1.0.0"
DESCRIPTION = (
    "A small text-to-video diffusion model of a painted miniature world: five landscapes under changing skies and "
    "weather, with one moving object. Runs on a CPU core; trained from scratch on rendered clips."
)
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


def write_manifest(path: Path, parts: dict[str, dict]) -> None:
    fields = [
        {"name": name, "offset": offset, "values": values}
        for (name, values), offset in zip(FIELDS.items(), FIELD_OFFSETS)
    ]
    manifest = {
        "format": "glimpse-model-pack/1",
        "name": "glimpse-s",
        "version": VERSION,
        "license": "MIT",
        "description": DESCRIPTION,
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
        "tiers": [
            {"tier": "draft", "widthPx": DECODED_PX, "heightPx": DECODED_PX},
            {"tier": "base", "widthPx": DECODED_PX, "heightPx": DECODED_PX},
            {"tier": "refined", "widthPx": REFINED_PX, "heightPx": REFINED_PX},
        ],
        "sampler": {
            "steps": SAMPLER_STEPS,
            "sigmas": [round(sigma, 6) for sigma in sampler_sigmas()],
            "guidance": GUIDANCE,
            "guidanceRange": [1, 4],
        },
        "noise": {"particles": PARTICLES, "grainPx": REFINED_PX},
        "parts": parts,
    }
    path.write_text(json.dumps(manifest, indent=2) + "\n")
