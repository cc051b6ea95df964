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
    "a red hot air balloon rising over a green meadow at sunset",
    "a white sailing boat moving left on the sea at night, full moon and stars",
    "snow falling on the mountains at dawn",
    "a yellow ball bouncing over the desert by day",
    "a blue bird flying right above the city in the rain",
    "a green ring falling over the ocean, purple sky, drifting clouds",
    "the city skyline at night under a full moon",
    "a purple cube moving left across the meadow, red sky and a bright sun",
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
