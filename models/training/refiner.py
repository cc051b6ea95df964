"""The refiner: 32 px draft frames to 128 px frames with detail, stars, rain and snow.

It sees a draft frame with its neighbours in time, the caption (FiLM), and four noise maps at full size (static, slow and
fast impulses, grain). The training renderer draws its particles and ground texture from the same maps, so the refiner
learns by regression what would otherwise need sampling: fresh noise gives fresh weather, in one pass.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latent import DRAFT_PX, Latent
from particles import particle_maps
from world import CONDITION_WIDTH, FPS

REFINED_PX = 128
WIDTH, BLOCKS = 64, 4
FINE_WIDTH, FINE_BLOCKS = 32, 3
EMBEDDING = 96


class FilmBlock(nn.Module):
    """Residual block of two convolutions, scaled and shifted by the caption; starts as the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.conv1 = nn.Conv2d(width, width, 3, 1, 1)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1)
        self.film = nn.Linear(EMBEDDING, 2 * width)
        for layer in (self.film, self.conv2):
            nn.init.zeros_(layer.weight), nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.film(embedding).view(-1, 2, self.width, 1, 1).unbind(1)
        return x + self.conv2(F.silu(self.conv1(x) * (1 + scale) + shift))


class Refiner(nn.Module):
    """triple [N,9,32,32] (frame before, frame, frame after), condition [N,48], maps [N,4,128,128] -> [N,3,128,128]."""

    def __init__(self):
        super().__init__()
        self.caption = nn.Sequential(
            nn.Linear(CONDITION_WIDTH, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING), nn.SiLU()
        )
        self.enter = nn.Conv2d(9 + 2, WIDTH, 3, 1, 1)
        self.blocks = nn.ModuleList([FilmBlock(WIDTH) for _ in range(BLOCKS)])
        self.widen = nn.Conv2d(WIDTH, FINE_WIDTH * 4, 1)
        self.enter_maps = nn.Conv2d(4 * 4, FINE_WIDTH, 3, 1, 1)
        # The caption decides how much of each noise feature comes in: no snow without the word.
        self.map_gate = nn.Linear(EMBEDDING, FINE_WIDTH)
        self.fine_blocks = nn.ModuleList([FilmBlock(FINE_WIDTH) for _ in range(FINE_BLOCKS)])
        self.leave = nn.Conv2d(FINE_WIDTH, 3 * 4, 3, 1, 1)
        nn.init.zeros_(self.map_gate.weight), nn.init.ones_(self.map_gate.bias)
        nn.init.normal_(self.leave.weight, std=0.01)
        line = torch.linspace(-1, 1, DRAFT_PX)
        rows, columns = torch.meshgrid(line, line, indexing="ij")
        self.register_buffer("position", torch.stack([columns, rows])[None])

    def forward(self, triple: Tensor, condition: Tensor, maps: Tensor) -> Tensor:
        embedding = self.caption(condition)
        x = self.enter(torch.cat([triple, self.position.expand(triple.shape[0], -1, -1, -1)], 1))
        for block in self.blocks:
            x = block(x, embedding)
        gate = self.map_gate(embedding).view(-1, FINE_WIDTH, 1, 1)
        x = F.pixel_shuffle(self.widen(x), 2) + self.enter_maps(F.pixel_unshuffle(maps * 2 - 1, 2)) * gate
        for block in self.fine_blocks:
            x = block(x, embedding)
        coarse = F.interpolate(triple[:, 3:6], scale_factor=4, mode="bilinear", align_corners=False)
        return F.pixel_shuffle(self.leave(F.silu(x)), 2) + coarse


def grain_level(grain: Tensor) -> Tensor:
    """Standard normal grain -> the range [0,1] of the other maps."""
    return (grain / 6 + 0.5).clamp(0, 1)


def refiner_maps(particles: Tensor, grain: Tensor, time_s: Tensor) -> Tensor:
    """particles [B,128,3], grain [B,1,128,128], time_s [B,T] -> maps [B,T,4,128,128] in [0,1]."""
    still, slow, fast = particle_maps(particles, time_s, REFINED_PX)
    return torch.stack([still, slow, fast, grain_level(grain).expand_as(still)], 2)


def frame_triples(video: Tensor, before: Tensor) -> Tensor:
    """video [B,T,3,32,32], before [B,1,3,32,32] (left neighbour of frame 0) -> [B,T,9,32,32].

    The last frame has no successor yet when a slice is refined; it stands in for it.
    """
    earlier = torch.cat([before, video[:, :-1]], 1)
    later = torch.cat([video[:, 1:], video[:, -1:]], 1)
    return torch.cat([earlier, video, later], 2)


class SliceRefiner(nn.Module):
    """The refiner over frames of a slice, from the latent and raw noise, as it is exported (before I420)."""

    def __init__(self, latent: Latent, refiner: Refiner):
        super().__init__()
        self.latent, self.refiner = latent, refiner

    def forward(self, latent, previous, has_previous, condition, particles, grain, time_s, frames) -> Tensor:
        """latent, previous [B,32,128]; has_previous, time_s [B]; frames int64 [k] -> video [B,k,3,128,128] in [-1,1]."""
        video = self.latent.decode(latent).clamp(-1, 1)
        last = self.latent.decode(previous).clamp(-1, 1)[:, -1:]
        continued = has_previous.view(-1, 1, 1, 1, 1)
        before = last * continued + video[:, :1] * (1 - continued)
        triples = frame_triples(video, before).index_select(1, frames)
        seconds = time_s.view(-1, 1) + frames.view(1, -1) / FPS
        maps = refiner_maps(particles, grain, seconds)
        batch, count = triples.shape[0], frames.shape[0]
        conditions = condition.unsqueeze(1).expand(-1, count, -1).reshape(-1, CONDITION_WIDTH)
        refined = self.refiner(triples.flatten(0, 1), conditions, maps.flatten(0, 1))
        return refined.clamp(-1, 1).view(batch, count, 3, REFINED_PX, REFINED_PX)
