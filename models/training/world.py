"""The world that glimpse-s knows: eight caption fields, their values, and how often each occurs.

A caption is eight small integers, one a field. Id 0 of every field means "unspecified": the caption leaves the field
open, and classifier-free guidance uses it for its unconditional branch. A condition vector is the concatenation of the
one-hot fields (48 wide).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

FIELDS: dict[str, list[str]] = {
    "scene": ["sea", "meadow", "desert", "mountains", "city"],
    "time": ["day", "sunset", "night", "dawn"],
    "sky": ["natural", "green", "purple", "red"],
    "celestial": ["none", "sun", "moon"],
    "weather": ["clear", "clouds", "rain", "snow", "stars"],
    "object": ["none", "ball", "cube", "ring", "boat", "balloon", "bird"],
    "color": ["red", "yellow", "green", "blue", "purple", "white"],
    "motion": ["still", "left", "right", "up", "down", "bounce"],
}
FIELD_NAMES = list(FIELDS)
FIELD_WIDTHS = [len(values) + 1 for values in FIELDS.values()]
FIELD_OFFSETS = [sum(FIELD_WIDTHS[:i]) for i in range(len(FIELD_WIDTHS))]
CONDITION_WIDTH = sum(FIELD_WIDTHS)
SCENE, TIME, SKY, CELESTIAL, WEATHER, OBJECT, COLOR, MOTION = range(8)

FPS = 12
SLICE_FRAMES = 8


def field_id(field: int, value: str) -> int:
    """Id of a value within its field, from 1; 0 is "unspecified"."""
    return FIELDS[FIELD_NAMES[field]].index(value) + 1


def is_value(fields: Tensor, field: int, value: str) -> Tensor:
    """fields [B,8] -> bool [B]."""
    return fields[:, field] == field_id(field, value)


def condition_of(fields: Tensor) -> Tensor:
    """fields int64 [B,8] -> one-hot condition float32 [B,48]."""
    parts = [F.one_hot(fields[:, i], width) for i, width in enumerate(FIELD_WIDTHS)]
    return torch.cat(parts, 1).float()


def null_condition(batch: int) -> Tensor:
    """The condition that leaves every field open, float32 [B,48]."""
    return condition_of(torch.zeros(batch, len(FIELD_NAMES), dtype=torch.int64))


def split_fields(logits: Tensor) -> list[Tensor]:
    """[B,48] -> eight tensors [B,width], one a field."""
    return list(logits.split(FIELD_WIDTHS, 1))


def describe(fields: Tensor) -> str:
    """fields [8] -> the named values, for logs and sheets."""
    return " ".join(FIELDS[name][int(fields[i]) - 1] for i, name in enumerate(FIELD_NAMES) if int(fields[i]) > 0)


def sample_fields(batch: int, generator: torch.Generator) -> Tensor:
    """Draw complete captions, int64 [B,8]. Only color and motion may be 0: when there is no object.

    Combinations that cannot be seen are redrawn: no sun at night, no stars by day, a boat does not fly, a bird does
    not bounce.
    """

    def uniform(field: int) -> Tensor:
        return torch.randint(1, FIELD_WIDTHS[field], (batch,), generator=generator)

    def weighted(weights: list[float]) -> Tensor:
        return 1 + torch.multinomial(torch.tensor(weights), batch, True, generator=generator)

    fields = torch.stack([uniform(i) for i in range(8)], 1)
    fields[:, SKY] = weighted([0.64, 0.12, 0.12, 0.12])
    fields[:, OBJECT] = weighted([0.08, 0.16, 0.15, 0.15, 0.14, 0.17, 0.15])
    night, dawn = is_value(fields, TIME, "night"), is_value(fields, TIME, "dawn")

    has_body = torch.rand(batch, generator=generator) < 0.6
    moon = night | (dawn & (torch.rand(batch, generator=generator) < 0.5))
    body = torch.where(moon, field_id(CELESTIAL, "moon"), field_id(CELESTIAL, "sun"))
    fields[:, CELESTIAL] = torch.where(has_body, body, field_id(CELESTIAL, "none"))

    # Stars exist only in half of the hours, so they are drawn twice as often there: as common over all as rain or snow.
    dark_weather = weighted([0.18, 0.14, 0.15, 0.15, 0.38])
    bright_weather = weighted([0.30, 0.24, 0.23, 0.23, 0.0])
    fields[:, WEATHER] = torch.where(night | dawn, dark_weather, bright_weather)

    boat, bird, none = (is_value(fields, OBJECT, name) for name in ("boat", "bird", "none"))
    level = torch.randint(1, 4, (batch,), generator=generator)
    fields[:, MOTION] = torch.where(boat | (bird & is_value(fields, MOTION, "bounce")), level, fields[:, MOTION])
    fields[none, COLOR] = 0
    fields[none, MOTION] = 0
    return fields
