"""Rain, snow and stars as noise maps: sparse impulses that move analytically with time.

The training renderer draws its weather from these maps and the refiner receives the same maps as input, so it learns
particles by regression; at run time fresh uniform numbers give fresh weather.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

STATIC_PARTICLES, SLOW_PARTICLES, FAST_PARTICLES = 48, 40, 40
PARTICLES = STATIC_PARTICLES + SLOW_PARTICLES + FAST_PARTICLES
# Falling speeds in picture heights a second: snow, rain.
SLOW_SPEED, FAST_SPEED = 0.35, 1.5
# Standard deviation of one impulse: 0.6 px of a 128 px picture.
IMPULSE_SIGMA = 0.6 / 128


def impulses(particles: Tensor, time_s: Tensor, speed: float, size: int) -> Tensor:
    """particles [B,N,3] uniform (x, y, brightness), time_s [B,T] -> additive splats [B,T,S,S] in [0,1]."""
    x0, y0, brightness = particles[:, None, :, 0], particles[:, None, :, 1], particles[:, None, :, 2]
    seconds = time_s[:, :, None]
    fallen = y0 + speed * seconds * (0.8 + 0.4 * brightness)
    y = fallen - torch.floor(fallen / 1.05) * 1.05 - 0.025
    sway = 0.02 * speed * torch.sin(seconds * 2 + brightness * 20) if speed < 1 else torch.zeros_like(y)
    x = x0 + sway
    centers = (torch.arange(size, device=particles.device) + 0.5) / size
    spread = 2 * IMPULSE_SIGMA**2
    columns = torch.exp(-((centers - x[..., None]) ** 2) / spread)
    rows = torch.exp(-((centers - y[..., None]) ** 2) / spread) * (0.45 + 0.55 * brightness[..., None])
    return (rows.transpose(2, 3) @ columns).clamp(0, 1)


def particle_maps(particles: Tensor, time_s: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """particles [B,128,3], time_s [B,T] -> static, slow and fast impulse maps, each [B,T,S,S]."""
    static, slow, fast = particles.split([STATIC_PARTICLES, SLOW_PARTICLES, FAST_PARTICLES], 1)
    still = impulses(static, time_s[:, :1] * 0, 0.0, size).expand(-1, time_s.shape[1], -1, -1)
    return still, impulses(slow, time_s, SLOW_SPEED, size), impulses(fast, time_s, FAST_SPEED, size)


def snow_flakes(slow: Tensor) -> Tensor:
    """Widen impulses [B,T,S,S] to soft discs, three pixels across in a picture of 128 px."""
    reach = round(slow.shape[-1] / 128)
    wide = F.max_pool2d(slow, 2 * reach + 1, 1, reach)
    # Larger pictures would show the square of the pooling.
    wide = wide if reach < 2 else F.avg_pool2d(wide, 2 * reach - 1, 1, reach - 1)
    return wide * 0.6 + slow * 0.4


def rain_streaks(fast: Tensor) -> Tensor:
    """Draw impulses [B,T,S,S] out upwards into streaks of 5.5% of the height."""
    length = int(fast.shape[-1] * 0.055)
    return F.max_pool2d(F.pad(fast, (0, 0, length, 0)), (length + 1, 1), 1)
