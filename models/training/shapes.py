"""The moving object of a scene: its path and its drawing by signed distances.

Distances are in units of the object's radius and negative inside, so every shape is anti-aliased at any picture size.
"""

import torch
from torch import Tensor

from .world import COLOR, FIELDS, MOTION, OBJECT, TIME, field_id, is_value

PALETTE = torch.tensor(
    [(0.92, 0.12, 0.10), (1.0, 0.86, 0.12), (0.10, 0.70, 0.20), (0.12, 0.32, 0.95), (0.62, 0.18, 0.85), (0.98, 0.98, 0.98)]
)
# How much light an object keeps at day, sunset, night, dawn.
OBJECT_LIGHT = torch.tensor([1.0, 0.93, 0.72, 0.97])
WOOD = torch.tensor([0.36, 0.22, 0.13])
BOUNCE_PERIOD_S, BOUNCE_HEIGHT = 1.0, 0.32
# The picture is a torus a little larger than itself: what leaves on one side comes in on the other meanwhile, so that
# an object is never out of sight, whenever a slice begins.
TORUS = 1.04
# Share of a radius that the dark outline takes: it tells a purple ball from a purple sky.
OUTLINE = 0.16


def largest(*terms: Tensor) -> Tensor:
    """Intersection of signed distances."""
    return torch.stack(torch.broadcast_tensors(*terms)).amax(0)


def smallest(*terms: Tensor) -> Tensor:
    """Union of signed distances."""
    return torch.stack(torch.broadcast_tensors(*terms)).amin(0)


def toroidal(difference: Tensor) -> Tensor:
    """The shortest way round from an object's centre to a place."""
    return (difference + TORUS / 2) % TORUS - TORUS / 2


def object_path(scene, time_s: Tensor) -> tuple[Tensor, Tensor]:
    """time_s [B,T] -> centre x, y [B,T] in picture widths and heights, y down.

    A scene begins the same way up to a few pixels: what moves left begins on the right, what rises near the ground. An
    open starting place is a mode for the denoiser to waver between, and a ghost for the viewer.
    """

    def moves(value: str) -> Tensor:
        return is_value(scene.fields, MOTION, value)[:, None]

    def shaped(value: str) -> Tensor:
        return is_value(scene.fields, OBJECT, value)[:, None]

    way = scene.object_speed * time_s
    x = 0.36 + 0.05 * scene.object_x + 0 * time_s
    x = torch.where(moves("left"), 0.80 + 0.03 * scene.object_x - way, x)
    x = torch.where(moves("right"), 0.20 + 0.03 * scene.object_x + way, x)
    y = 0.42 + 0.04 * scene.object_y + 0 * time_s
    y = torch.where(moves("up"), 0.64 + 0.03 * scene.object_y - way, y)
    y = torch.where(moves("down"), 0.20 + 0.03 * scene.object_y + way, y)

    # A bounce is a chain of parabolas; x walks slowly to and fro meanwhile.
    phase = ((time_s / BOUNCE_PERIOD_S + scene.object_phase) % 1.0) * 2 - 1
    ground = scene.horizon - 0.01
    y = torch.where(moves("bounce"), ground - BOUNCE_HEIGHT * (1 - phase * phase), y)
    to_and_fro = (((0.2 * scene.object_x + 0.08 * time_s) + 1) * 2 % 2 - 1).abs()
    x = torch.where(moves("bounce"), 0.26 + 0.2 * to_and_fro, x)

    bob = 0.008 * torch.sin(time_s * 4 + scene.object_phase * 6.28)
    y = torch.where(shaped("boat"), scene.horizon - 0.05 + bob, y)
    floats = shaped("balloon") & ~(moves("up") | moves("down") | moves("bounce"))
    y = torch.where(floats, y + bob, y)
    return x, y


def boat_distances(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """-> (sail, hull and mast); u mirrored so that the bow points ahead."""
    sail = largest(-v - 1.25, v - 0.35, (u - 0.1).abs() - (v + 1.25) * 0.52)
    hull = largest(0.45 - v, v - 0.9, u.abs() - 1.15 + 0.55 * (v - 0.45))
    mast = largest((u - 0.1).abs() - 0.05, -v - 1.3, v - 0.5)
    return sail, smallest(hull, mast)


def balloon_distance(u: Tensor, v: Tensor) -> Tensor:
    dome = torch.sqrt(u * u + (v + 0.3) ** 2) - 0.85
    taper = largest(u.abs() - 0.62 + 0.62 * (v - 0.1), v - 0.7, -v + 0.1)
    basket = largest(u.abs() - 0.2, 0.74 - v, v - 1.1)
    return smallest(largest(smallest(dome, taper), v - 0.62), basket)


def bird_distance(u: Tensor, v: Tensor, flap: Tensor) -> Tensor:
    """flap in [-1,1]: wing tips down to up."""
    lift = (u.abs() - 0.1) * (0.2 + 0.55 * flap)
    wing = largest((v + 0.1 - lift).abs() - 0.26 * (1.15 - 0.43 * u.abs()), u.abs() - 1.4)
    body = torch.sqrt((u / 0.5) ** 2 + ((v - 0.12) / 0.28) ** 2) * 0.3 - 0.3
    return smallest(wing, body)


def object_layer(scene, x: Tensor, y: Tensor, time_s: Tensor, softness: float) -> tuple[Tensor, Tensor]:
    """Draw the object of each clip.

    x [1,1,1,S], y [1,1,S,1] picture coordinates, time_s [B,T], softness: half width of an edge in picture widths
    -> coverage [B,T,S,S], color [B,T,S,S,3].
    """
    fields = scene.fields
    batch, frames = time_s.shape
    path_x, path_y = object_path(scene, time_s)
    radius = scene.object_radius.view(-1, 1, 1, 1)
    u = toroidal(x - path_x.view(batch, frames, 1, 1)) / radius
    v = toroidal(y - path_y.view(batch, frames, 1, 1)) / radius
    r = torch.sqrt(u * u + v * v)
    ahead = torch.where(is_value(fields, MOTION, "left"), -1.0, 1.0).view(-1, 1, 1, 1)
    flap = torch.sin(time_s.view(batch, frames, 1, 1) * 9 + scene.object_phase.view(-1, 1, 1, 1) * 6.28)
    sail, timber = boat_distances(u * ahead, v)

    distances = {
        "ball": r - 1,
        "cube": largest(u.abs(), v.abs()) - 0.88,
        "ring": (r - 0.74).abs() - 0.27,
        "boat": smallest(sail, timber),
        "balloon": balloon_distance(u, v),
        "bird": bird_distance(u, v, flap),
    }
    distance = torch.full_like(r, 9.0)
    shade = 1.08 - 0.38 * ((u + v) / 2 + 0.35).clamp(0, 1)
    shades = {
        "cube": torch.where(v < -0.5, 1.12, torch.where(u > 0.45, 0.62, 0.9)),
        "balloon": 1 - 0.25 * (((u / (1.05 - 0.4 * (v + 0.3) ** 2).clamp(0.3)) * 2.5 + 10) % 1 > 0.5).float(),
        "bird": torch.full_like(r, 0.95),
    }
    wood = torch.zeros_like(r, dtype=torch.bool)
    for name in FIELDS["object"][1:]:
        chosen = is_value(fields, OBJECT, name).view(-1, 1, 1, 1)
        distance = torch.where(chosen, distances[name], distance)
        shade = torch.where(chosen, shades.get(name, shade), shade)
    wood |= is_value(fields, OBJECT, "boat").view(-1, 1, 1, 1) & (timber < 0) & (sail > 0)
    wood |= is_value(fields, OBJECT, "balloon").view(-1, 1, 1, 1) & (v > 0.72)

    light = OBJECT_LIGHT[fields[:, TIME] - 1].view(-1, 1, 1, 1, 1)
    paint = PALETTE[(fields[:, COLOR] - 1).clamp(min=0)].view(-1, 1, 1, 1, 3) * light
    color = (paint * shade.unsqueeze(-1)).clamp(0, 1)
    is_ball = is_value(fields, OBJECT, "ball").view(-1, 1, 1, 1)
    highlight = (torch.exp(-((u + 0.35) ** 2 + (v + 0.4) ** 2) / 0.06) * 0.55 * is_ball).unsqueeze(-1)
    color = color + highlight * (1 - color)
    color = torch.where(wood.unsqueeze(-1), WOOD * (0.3 + 0.7 * light), color)
    color = color * (1 - 0.5 * (1 + distance / OUTLINE).clamp(0, 1)).unsqueeze(-1)

    present = (fields[:, OBJECT] > field_id(OBJECT, "none")).view(-1, 1, 1, 1)
    coverage = (0.5 - distance * radius / (2 * softness)).clamp(0, 1) * present
    return coverage, color
