"""Procedural captioned clips: the only training data of glimpse-s. Nothing here runs when the model is used.

`draw_scenes` draws the parameters of a batch of scenes, `render` paints any frames of them at any size with analytic
anti-aliasing. Layers go from back to front: sky, sun or moon, stars, clouds, skyline, ground, object, precipitation.
Coordinates are in picture widths and heights, x right, y down; colors are RGB in [0,1]; images are [B,T,S,S,3].
"""

from dataclasses import dataclass, fields as dataclass_fields

import torch
from torch import Tensor
from torch.nn import functional as F

from .particles import PARTICLES, particle_maps, rain_streaks, snow_flakes
from .shapes import object_layer
from .world import CELESTIAL, FPS, SCENE, SKY, TIME, WEATHER, is_value, sample_fields

# Per time of day (day, sunset, night, dawn): sky at the top and at the horizon, brightness, light on the ground.
SKY_TOP = torch.tensor([(0.25, 0.52, 0.92), (0.30, 0.16, 0.45), (0.015, 0.02, 0.09), (0.42, 0.52, 0.86)])
SKY_HORIZON = torch.tensor([(0.72, 0.86, 0.97), (1.0, 0.52, 0.22), (0.08, 0.11, 0.28), (1.0, 0.76, 0.72)])
BRIGHTNESS = torch.tensor([1.0, 0.85, 0.42, 0.95])
GROUND_LIGHT = torch.tensor([(1.0, 1.0, 1.0), (0.85, 0.68, 0.6), (0.25, 0.29, 0.42), (0.85, 0.78, 0.8)])
# Per sky color (natural, green, purple, red) and per scene (sea, meadow, desert, mountains, city).
SKY_TINT = torch.tensor([(0.0, 0.0, 0.0), (0.25, 0.8, 0.4), (0.55, 0.22, 0.8), (0.85, 0.18, 0.15)])
GROUND = torch.tensor(
    [(0.10, 0.34, 0.58), (0.24, 0.58, 0.18), (0.90, 0.70, 0.38), (0.30, 0.45, 0.25), (0.25, 0.25, 0.28)]
)
GROUND_SNOW = torch.tensor([0.0, 0.75, 0.45, 0.8, 0.5])
GROUND_GRAIN = torch.tensor([0.3, 1.0, 0.7, 0.8, 0.5])
CELESTIAL_RADIUS = 0.085
CLOUDS, BUILDINGS = 4, 16


@dataclass
class Scenes:
    """Parameters of B scenes; every tensor has B rows."""

    fields: Tensor  # [B,8] caption ids
    horizon: Tensor  # [B,1] height of the horizon
    hills: Tensor  # [B,3] frequency and two phases of rolling ground
    ridge: Tensor  # [B,6] frequencies and phases of the mountain ridge
    buildings: Tensor  # [B,16] heights
    celestial: Tensor  # [B,2] centre of sun or moon
    clouds: Tensor  # [B,4,3] x, y, size
    wind: Tensor  # [B,1] cloud speed, widths a second
    object_x: Tensor  # [B,1] in [-1,1]: where in the small range of its start
    object_y: Tensor  # [B,1] likewise
    object_speed: Tensor  # [B,1] widths a second
    object_radius: Tensor  # [B,1] widths
    object_phase: Tensor  # [B,1]
    particles: Tensor  # [B,128,3] uniform numbers of stars, snow and rain

    def rows(self, index) -> "Scenes":
        return Scenes(*(getattr(self, f.name)[index] for f in dataclass_fields(self)))


def draw_scenes(batch: int, generator: torch.Generator, fields: Tensor | None = None) -> Scenes:
    """Draw B scenes; captions are drawn too unless given as fields [B,8].

    Compositions are kept narrow: sun and moon stand in the upper right, an object that does not cross the picture left
    of the middle. Each further freedom is one more mode for a small denoiser to choose from, and a ghost where it wavers.
    """
    fields = sample_fields(batch, generator) if fields is None else fields

    def uniform(low: float = 0.0, high: float = 1.0, width: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(len(fields), width, generator=generator)

    clouds = torch.stack([uniform(width=CLOUDS), uniform(0.08, 0.42, CLOUDS), uniform(0.8, 1.4, CLOUDS)], 2)
    return Scenes(
        fields=fields,
        horizon=uniform(0.62, 0.68),
        hills=torch.cat([uniform(0.6, 1.6), uniform(0, 6.28), uniform(0, 6.28)], 1),
        ridge=uniform(width=6),
        buildings=uniform(width=BUILDINGS),
        celestial=torch.cat([uniform(0.72, 0.84), uniform(0.12, 0.18)], 1),
        clouds=clouds,
        wind=uniform(0.03, 0.07),
        object_x=uniform(-1, 1),
        object_y=uniform(-1, 1),
        object_speed=uniform(0.12, 0.15),
        object_radius=uniform(0.165, 0.18),
        object_phase=uniform(0.12, 0.2),
        particles=torch.rand(len(fields), PARTICLES, 3, generator=generator),
    )


def column(values: Tensor) -> Tensor:
    """[B] or [B,1] -> [B,1,1,1], to meet coverage maps [B,T,S,S]."""
    return values.reshape(-1, 1, 1, 1).float()


def flat(color: Tensor) -> Tensor:
    """[B,3] -> [B,1,1,1,3], to meet images."""
    return color.view(-1, 1, 1, 1, 3)


def paint(image: Tensor, color: Tensor, coverage: Tensor) -> Tensor:
    """Lay a color over an image where coverage [B,T,S,S] says so."""
    return image + coverage.unsqueeze(-1) * (color - image)


class Painter:
    """Paints T frames of one batch of scenes at one size; holds the coordinates and per-scene lighting."""

    def __init__(self, scenes: Scenes, time_s: Tensor, size: int):
        self.scenes, self.time_s, self.size = scenes, time_s, size
        centers = (torch.arange(size) + 0.5) / size
        self.x, self.y = centers.view(1, 1, 1, size), centers.view(1, 1, size, 1)
        self.t = time_s.view(*time_s.shape, 1, 1)
        self.softness = 0.75 / size
        self.time = scenes.fields[:, TIME] - 1
        self.scene = scenes.fields[:, SCENE] - 1
        self.brightness = BRIGHTNESS[self.time][:, None]
        self.ground_light = GROUND_LIGHT[self.time]
        self.horizon = column(scenes.horizon)
        self.hill_frequency, self.hill_phase, self.hill_phase2 = (column(scenes.hills[:, i]) for i in range(3))

    def when(self, field: int, value: str) -> Tensor:
        return column(is_value(self.scenes.fields, field, value))

    def inside(self, distance: Tensor) -> Tensor:
        """Signed distance in picture widths -> anti-aliased coverage."""
        return (0.5 - distance / (2 * self.softness)).clamp(0, 1)

    def sky(self) -> Tensor:
        tint_id = self.scenes.fields[:, SKY] - 1
        tint, tinted = SKY_TINT[tint_id] * self.brightness, (tint_id > 0).float()[:, None]
        top = SKY_TOP[self.time] * (1 - 0.75 * tinted) + 0.62 * tint * tinted
        horizon = SKY_HORIZON[self.time] * (1 - 0.68 * tinted) + 0.85 * tint * tinted
        grey = 0.45 * self.when(WEATHER, "rain") + 0.3 * self.when(WEATHER, "snow")
        grey = grey.view(-1, 1) * (1 - 0.5 * tinted)
        grey_color = torch.tensor([0.55, 0.58, 0.63]) * self.brightness
        top, horizon = top + grey * (grey_color * 0.8 - top), horizon + grey * (grey_color - horizon)
        self.horizon_color = horizon
        down = (self.y / self.horizon).clamp(0, 1).unsqueeze(-1)
        return (flat(top) * (1 - down) + flat(horizon) * down).expand(-1, 1, self.size, self.size, 3)

    def sun_or_moon(self, image: Tensor) -> Tensor:
        sun, moon = self.when(CELESTIAL, "sun"), self.when(CELESTIAL, "moon")
        dx, dy = self.x - column(self.scenes.celestial[:, 0]), self.y - column(self.scenes.celestial[:, 1])
        r = torch.sqrt(dx * dx + dy * dy)
        low = ((self.time == 1) | (self.time == 3)).float()[:, None]
        sun_color = torch.tensor([1.0, 0.95, 0.55]) * (1 - low) + torch.tensor([1.0, 0.62, 0.2]) * low
        color = sun_color * sun.view(-1, 1) + torch.tensor([0.95, 0.95, 0.86]) * moon.view(-1, 1)
        glow = torch.exp(-((r / 0.16) ** 2)) * 0.55 * sun + torch.exp(-((r / 0.13) ** 2)) * 0.22 * moon
        crater = 0.18 * moon * torch.exp(-((dx - 0.02) ** 2 + (dy + 0.02) ** 2) / 0.0012)
        self.disc = self.inside(r - CELESTIAL_RADIUS) * (sun + moon)
        self.celestial_color, self.celestial_dx = color, dx
        return paint(paint(image, flat(color), glow), flat(color), self.disc * (1 - crater))

    def clouds(self, image: Tensor) -> Tensor:
        rain = self.when(WEATHER, "rain")
        amount = self.when(WEATHER, "clouds") + 0.8 * rain + 0.5 * self.when(WEATHER, "snow")
        density = 0
        for k in range(CLOUDS):
            x0, y0, size = (column(self.scenes.clouds[:, k, i]) for i in range(3))
            drifted = (x0 + column(self.scenes.wind) * self.t + 0.25) % 1.5 - 0.25
            u, v = (self.x - drifted) / (0.17 * size), (self.y - y0) / (0.062 * size)
            density = density + torch.exp(-(u**2 + v**2))
            density = density + 0.8 * torch.exp(-((u - 0.5) ** 2 * 2.2 + (v + 0.75) ** 2))
            density = density + 0.6 * torch.exp(-((u + 0.55) ** 2 * 3 + (v + 0.5) ** 2))
        # Thin before sun and moon, so that "a moon behind clouds" still shows one.
        coverage = ((density - 0.30) / 0.30).clamp(0, 1) * amount * 0.92 * (1 - 0.7 * self.disc)
        grey, white = torch.tensor([0.50, 0.52, 0.57]), torch.tensor([0.97, 0.97, 0.98])
        color = torch.where(rain.view(-1, 1) > 0, grey, white) * (self.brightness * 0.9 + 0.1)
        return paint(image, flat(color * 0.86 + 0.14 * self.horizon_color), coverage)

    def mountains(self, image: Tensor) -> Tensor:
        height = 0
        for k, (frequency, amount) in enumerate(((1.3, 0.22), (2.9, 0.10), (6.1, 0.04))):
            stretch, phase = column(self.scenes.ridge[:, k]), column(self.scenes.ridge[:, k + 3])
            height = height + amount * (2 * ((self.x * frequency * (0.8 + 0.4 * stretch) + phase) % 1.0) - 1).abs()
        ridge = self.horizon - 0.02 - height
        snowfall = self.when(WEATHER, "snow").view(-1, 1)
        rock = torch.tensor([0.42, 0.42, 0.50]) * (1 - 0.25 * snowfall) + 0.25 * snowfall
        slope = flat(rock * self.ground_light) * (1.08 - 0.5 * (self.y - ridge).clamp(0, 0.4)).unsqueeze(-1)
        cap = ((ridge + 0.085 + 0.02 * torch.sin(self.x * 40) - self.y) / 0.02).clamp(0, 1)
        slope = paint(slope, flat(self.ground_light * torch.tensor([0.96, 0.97, 1.0])), cap)
        return paint(image, slope, self.inside(ridge - self.y) * self.when(SCENE, "mountains"))

    def city(self, image: Tensor) -> Tensor:
        building = (self.x * BUILDINGS).long().clamp(0, BUILDINGS - 1).view(1, self.size)
        height = self.scenes.buildings.gather(1, building.expand(len(self.time), -1)).view(-1, 1, 1, self.size)
        coverage = self.inside(self.horizon - 0.05 - 0.30 * height - self.y) * self.when(SCENE, "city")
        facade = flat(torch.tensor([0.75, 0.78, 0.9]) * (self.ground_light * 0.8 + 0.06))
        facade = facade * (0.28 + 0.35 * ((height * 7.3) % 1)).unsqueeze(-1)
        if self.size >= 96:
            # Windows on a 32 x 32 grid, lit by a hash of their cell.
            cell_x, cell_y = self.x * 32, self.y * 32
            hashed = torch.sin(torch.floor(cell_x) * 12.9898 + torch.floor(cell_y) * 78.233) * 43758.5453
            pane_x = (cell_x % 1 > 0.3) & (cell_x % 1 < 0.75)
            pane_y = (cell_y % 1 > 0.3) & (cell_y % 1 < 0.8)
            lit = ((hashed % 1 < 0.55) & pane_x & pane_y).float()
        else:
            # Drafts cannot resolve them and get their mean: a texture here would only cost the denoiser.
            lit = torch.full_like(coverage, 0.55 * 0.225)
        glow = torch.where((self.time == 2) | (self.time == 1), 0.85, 0.25)
        return paint(image, paint(facade, torch.tensor([1.0, 0.85, 0.45]), lit * column(glow)), coverage)

    def ground(self, image: Tensor, grain: Tensor | None) -> Tensor:
        sea = self.when(SCENE, "sea")
        rolling = self.when(SCENE, "meadow") + 0.7 * self.when(SCENE, "desert")
        wavy = torch.sin(13 * self.hill_frequency * self.x + self.hill_phase2)
        hill = 0.045 * torch.sin(6.28 * self.hill_frequency * self.x + self.hill_phase) + 0.02 * wavy
        edge = self.horizon + hill * rolling
        depth = ((self.y - edge) / 0.35).clamp(0, 1)
        snow = self.when(WEATHER, "snow").view(-1, 1) * GROUND_SNOW[self.scene][:, None]
        base = GROUND[self.scene] * (1 - snow) + torch.tensor([0.92, 0.94, 0.98]) * snow
        ground = flat(base * self.ground_light) * (1.12 - 0.45 * depth).unsqueeze(-1)
        near_hill = edge + 0.11 + 0.035 * torch.sin(5 * self.hill_frequency * self.x + self.hill_phase2)
        ground = ground * (1 - self.inside(near_hill - self.y) * rolling * 0.28).unsqueeze(-1)

        swell = 1.3 * torch.sin(self.x * 8 + self.hill_phase + self.t * 1.2)
        wave = torch.sin(70 * depth**0.6 + swell - self.t * 4.5) * sea
        ground = ground + (0.055 * wave * (0.35 + depth)).unsqueeze(-1) * flat(self.ground_light + 0.15)
        body = self.when(CELESTIAL, "sun") + self.when(CELESTIAL, "moon")
        streak = torch.exp(-((self.celestial_dx / (0.05 + 0.09 * depth)) ** 2)) * sea * body * (0.45 + 0.35 * wave)
        ground = paint(ground, flat(self.celestial_color) * 0.95, streak.clamp(0, 1) * 0.75)
        if grain is not None:
            ground = ground * (1 + (grain * 0.07 * column(GROUND_GRAIN[self.scene])).unsqueeze(-1))
        return paint(image, ground, self.inside(edge - self.y))


@torch.no_grad()
def render(scenes: Scenes, start_s: Tensor, frames: int, size: int, grain: Tensor | None = None):
    """Render T frames from start_s [B] seconds on.

    grain [B,1,G,G] standard normal, of any size: ground texture; when it is given, stars, rain and snow are painted too (fine
    detail of the refined tier, absent from drafts).
    -> image uint8 [B,T,S,S,3], attention [B,T,S,S] in [0,1]: coverage of the object and of the sun's or moon's disc.
    """
    time_s = start_s.view(-1, 1) + torch.arange(frames) / FPS
    painter = Painter(scenes, time_s, size)
    image = painter.sky()
    maps = None if grain is None else particle_maps(scenes.particles, time_s, size)
    if maps is not None:
        image = paint(image, torch.ones(3), (maps[0] * 1.6).clamp(0, 1) * painter.when(WEATHER, "stars"))
        grain = F.interpolate(grain, size=(size, size), mode="bilinear", align_corners=False)
    image = painter.clouds(painter.sun_or_moon(image))
    image = painter.ground(painter.city(painter.mountains(image)), grain)
    coverage, color = object_layer(scenes, painter.x, painter.y, time_s, painter.softness)
    image = paint(image, color, coverage)
    if maps is not None:
        light = painter.brightness
        snow, rain = painter.when(WEATHER, "snow") * 0.95, painter.when(WEATHER, "rain") * 0.6
        image = paint(image, flat((0.55 + 0.45 * light).expand(-1, 3)), snow_flakes(maps[1]) * snow)
        drop = 0.35 + 0.5 * light * torch.tensor([0.9, 0.95, 1.0])
        image = paint(image, flat(drop), rain_streaks(maps[2]) * rain)
    attention = torch.maximum(coverage, painter.disc.expand_as(coverage))
    return (image.clamp(0, 1) * 255 + 0.5).to(torch.uint8), attention
