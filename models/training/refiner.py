"""The refiner: 32 px draft frames to 256 px frames with detail, stars, rain and snow.

It sees a draft frame with its neighbours in time, the caption (FiLM), and four noise maps at full size (static, slow and
fast impulses, grain). The training renderer draws its particles and ground texture from the same maps, so the refiner
learns by regression what would otherwise need sampling: fresh noise gives fresh weather, in one pass. Three stages at
32, 64 and 128 px; each ends in a pixel shuffle.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .latent import DRAFT_PX, Latent
from .particles import particle_maps
from .world import CONDITION_WIDTH, FPS

# Ground texture is a property of the scene, not of the picture size; larger pictures interpolate it.
GRAIN_PX = 128
EMBEDDING = 96
MAPS = 4


@dataclass(frozen=True)
class RefinerSize:
    """Widths and blocks of the stages; without a detail stage frames end at 128 px."""

    width: int = 64
    blocks: int = 4
    fine_width: int = 32
    fine_blocks: int = 3
    detail_width: int = 20

    @property
    def refined_px(self) -> int:
        return 256 if self.detail_width else 128


S_SIZE = RefinerSize()
XS_SIZE = RefinerSize(width=40, blocks=3, fine_width=20, fine_blocks=2, detail_width=0)


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
    """triple [N,9,32,32] (frame before, frame, frame after), condition [N,48], maps [N,4,S,S] -> [N,3,S,S]."""

    def __init__(self, size: RefinerSize = S_SIZE):
        super().__init__()
        self.size = size
        width, fine, detail = size.width, size.fine_width, size.detail_width
        self.caption = nn.Sequential(
            nn.Linear(CONDITION_WIDTH, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING), nn.SiLU()
        )
        self.enter = nn.Conv2d(9 + 2, width, 3, 1, 1)
        self.blocks = nn.ModuleList([FilmBlock(width) for _ in range(size.blocks)])
        self.widen = nn.Conv2d(width, fine * 4, 1)
        self.enter_maps = nn.Conv2d(MAPS * 4, fine, 3, 1, 1)
        # The caption decides how much of each noise feature comes in: no snow without the word.
        self.map_gate = nn.Linear(EMBEDDING, fine)
        self.fine_blocks = nn.ModuleList([FilmBlock(fine) for _ in range(size.fine_blocks)])
        self.leave = nn.Conv2d(fine, 3 * 4, 3, 1, 1)
        gates, leaves = [self.map_gate], [self.leave]
        if detail:
            self.widen_detail = nn.Conv2d(fine, detail * 4, 1)
            self.enter_detail = nn.Conv2d(MAPS * 4 + 3, detail, 3, 1, 1)
            self.detail_gate = nn.Linear(EMBEDDING, detail)
            self.detail_block = FilmBlock(detail)
            self.leave_detail = nn.Conv2d(detail, 3 * 4, 3, 1, 1)
            gates, leaves = [*gates, self.detail_gate], [*leaves, self.leave_detail]
        for gate in gates:
            nn.init.zeros_(gate.weight), nn.init.ones_(gate.bias)
        for leave in leaves:
            nn.init.normal_(leave.weight, std=0.01)
        line = torch.linspace(-1, 1, DRAFT_PX)
        rows, columns = torch.meshgrid(line, line, indexing="ij")
        self.register_buffer("position", torch.stack([columns, rows])[None])

    def forward(self, triple: Tensor, condition: Tensor, maps: Tensor) -> Tensor:
        embedding = self.caption(condition)
        x = self.enter(torch.cat([triple, self.position.expand(triple.shape[0], -1, -1, -1)], 1))
        for block in self.blocks:
            x = block(x, embedding)
        maps = maps * 2 - 1
        small = F.avg_pool2d(maps, 2) if self.size.detail_width else maps
        gate = self.map_gate(embedding).view(-1, self.size.fine_width, 1, 1)
        x = F.pixel_shuffle(self.widen(x), 2) + self.enter_maps(F.pixel_unshuffle(small, 2)) * gate
        for block in self.fine_blocks:
            x = block(x, embedding)
        x = F.silu(x)
        coarse = F.interpolate(triple[:, 3:6], scale_factor=4, mode="bilinear", align_corners=False)
        coarse = F.pixel_shuffle(self.leave(x), 2) + coarse
        if not self.size.detail_width:
            return coarse
        gate = self.detail_gate(embedding).view(-1, self.size.detail_width, 1, 1)
        entered = self.enter_detail(torch.cat([F.pixel_unshuffle(maps, 2), coarse], 1)) * gate
        x = self.detail_block(F.pixel_shuffle(self.widen_detail(x), 2) + entered, embedding)
        larger = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
        return F.pixel_shuffle(self.leave_detail(F.silu(x)), 2) + larger


def grain_level(grain: Tensor) -> Tensor:
    """Standard normal grain -> the range [0,1] of the other maps."""
    return (grain / 6 + 0.5).clamp(0, 1)


def refiner_maps(particles: Tensor, grain: Tensor, time_s: Tensor, size: int) -> Tensor:
    """particles [B,128,3], grain [B,1,128,128], time_s [B,T] -> maps [B,T,4,S,S] in [0,1]."""
    still, slow, fast = particle_maps(particles, time_s, size)
    level = grain_level(grain)
    if size != GRAIN_PX:
        level = F.interpolate(level, size=(size, size), mode="bilinear", align_corners=False)
    return torch.stack([still, slow, fast, level.expand_as(still)], 2)


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
        """latent, previous [B,32,384]; has_previous, time_s [B]; frames int64 [k] -> video [B,k,3,S,S] in [-1,1]."""
        video = self.latent.decode(latent).clamp(-1, 1)
        last = self.latent.decode(previous).clamp(-1, 1)[:, -1:]
        continued = has_previous.view(-1, 1, 1, 1, 1)
        before = last * continued + video[:, :1] * (1 - continued)
        triples = frame_triples(video, before).index_select(1, frames)
        seconds = time_s.view(-1, 1) + frames.view(1, -1) / FPS
        size = self.refiner.size.refined_px
        maps = refiner_maps(particles, grain, seconds, size)
        batch, count = triples.shape[0], frames.shape[0]
        conditions = condition.unsqueeze(1).expand(-1, count, -1).reshape(-1, CONDITION_WIDTH)
        refined = self.refiner(triples.flatten(0, 1), conditions, maps.flatten(0, 1))
        return refined.clamp(-1, 1).view(batch, count, 3, size, size)
