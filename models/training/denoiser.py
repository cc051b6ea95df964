"""The text-to-video denoiser: a small U-Net that predicts the clean slice from a noisy one.

It works on 32 x 32 px pictures folded to 16 x 16 (the 8 frames and the four pixels of a cell are channels) between the
latent's decoder and encoder, so noise, loss and sampler live in the latent while the convolutions see pixels. Noise
level, caption and guidance steer it by FiLM; the previous slice of the stream comes in beside the noisy one, and a copy
gate lets its last frame through unchanged where nothing moves. x-prediction on the straight path
x = (1 - sigma) * clean + sigma * noise.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .latent import CHANNELS, DRAFT_PX, TOKENS, Latent, to_tokens
from .world import CONDITION_WIDTH, SLICE_FRAMES, null_condition

# Channels at 16 x 16, 8 x 8 and 4 x 4.
WIDTHS = (96, 160, 256)
EMBEDDING = 256
HEAD_WIDTH = 32
FOLDED_CHANNELS = SLICE_FRAMES * 3 * 4
# One gate a frame and pixel, folded like the pictures.
GATE_CHANNELS = SLICE_FRAMES * 4
GATE_START = -3.0
# More guidance sharpens objects and loses weather: 1.5 reads best over all fields (RUNS.md).
SAMPLER_STEPS, SAMPLER_SHIFT, GUIDANCE = 4, 4.0, 1.5
GUIDANCE_RANGE = (1.0, 4.0)


class Block(nn.Module):
    """Residual convolution block with FiLM, and optionally self-attention over all positions."""

    def __init__(self, width: int, attention: bool = False):
        super().__init__()
        self.width, self.attention = width, attention
        self.norm = nn.GroupNorm(8, width)
        self.conv1 = nn.Conv2d(width, width, 3, 1, 1)
        self.film = nn.Linear(EMBEDDING, 2 * width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1)
        # Blocks start as (almost) the identity, which keeps the first hundred steps stable at a high learning rate.
        nn.init.zeros_(self.film.weight), nn.init.zeros_(self.film.bias)
        nn.init.normal_(self.conv2.weight, std=1e-3), nn.init.zeros_(self.conv2.bias)
        if attention:
            self.attention_norm = nn.GroupNorm(8, width)
            self.query_key_value = nn.Conv2d(width, 3 * width, 1)
            self.attention_out = nn.Conv2d(width, width, 1)
            nn.init.normal_(self.attention_out.weight, std=1e-3), nn.init.zeros_(self.attention_out.bias)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """x [B,width,H,W], embedding [B,256] -> [B,width,H,W]."""
        scale, shift = self.film(embedding).view(-1, 2, self.width, 1, 1).unbind(1)
        hidden = self.conv1(F.silu(self.norm(x))) * (1 + scale) + shift
        x = x + self.conv2(F.silu(hidden))
        if self.attention:
            _, _, height, width = x.shape
            packed = self.query_key_value(self.attention_norm(x))
            query, key, value = packed.view(-1, 3, self.width // HEAD_WIDTH, HEAD_WIDTH, height * width).unbind(1)
            # Written out: for 4 to 64 positions this is faster on a CPU than the fused operator's backward pass.
            scores = (query.transpose(2, 3) * HEAD_WIDTH**-0.5) @ key
            mixed = value @ scores.softmax(-1).to(value.dtype).transpose(2, 3)
            x = x + self.attention_out(mixed.reshape(-1, self.width, height, width))
        return x


class Denoiser(nn.Module):
    """latent [B,32,384] at noise level sigma -> estimate of the clean latent."""

    def __init__(self, latent: Latent):
        super().__init__()
        self.latent = latent
        high, middle, low = WIDTHS
        self.enter = nn.Conv2d(2 * FOLDED_CHANNELS + 1, high, 3, 1, 1)
        self.position = nn.Parameter(torch.zeros(1, high, 16, 16))
        self.noise_level = nn.Sequential(nn.Linear(128, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING))
        self.caption = nn.Sequential(nn.Linear(CONDITION_WIDTH, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING))
        self.down_high = Block(high)
        self.to_middle = nn.Conv2d(high, middle, 2, 2)
        self.down_middle = Block(middle, attention=True)
        self.to_low = nn.Conv2d(middle, low, 2, 2)
        self.bottom = nn.ModuleList([Block(low, attention=True), Block(low, attention=True)])
        self.from_low = nn.Conv2d(low, middle * 4, 1)
        self.skip_middle = nn.Conv2d(middle, middle, 1)
        self.up_middle = nn.ModuleList([Block(middle, attention=True), Block(middle)])
        self.from_middle = nn.Conv2d(middle, high * 4, 1)
        self.skip_high = nn.Conv2d(high, high, 1)
        self.up_high = nn.ModuleList([Block(high), Block(high)])
        self.leave_norm = nn.GroupNorm(8, high)
        self.leave = nn.Conv2d(high, FOLDED_CHANNELS, 3, 1, 1)
        nn.init.normal_(self.leave.weight, std=0.01)
        self.gate = nn.Conv2d(high, GATE_CHANNELS, 3, 1, 1)
        nn.init.zeros_(self.gate.weight), nn.init.constant_(self.gate.bias, GATE_START)
        # Silent until guidance is distilled: 1 means none.
        self.guidance = nn.Sequential(nn.Linear(1, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING, bias=False))
        nn.init.zeros_(self.guidance[2].weight)
        self.register_buffer("frequencies", torch.exp(torch.arange(64) * (-math.log(1e4) / 64)))

    def frames(self, latent: Tensor) -> Tensor:
        """latent [B,32,384] -> frames as channels [B,24,32,32]."""
        return self.latent.decode(latent).reshape(-1, SLICE_FRAMES * 3, DRAFT_PX, DRAFT_PX)

    def forward(self, noisy, sigma, condition, previous, has_previous, guidance) -> Tensor:
        """noisy, previous [B,32,384]; sigma, has_previous, guidance [B]; condition [B,48] -> clean [B,32,384]."""
        flag = has_previous.view(-1, 1, 1, 1)
        before = self.frames(previous) * flag
        pictures = [F.pixel_unshuffle(self.frames(noisy), 2), F.pixel_unshuffle(before, 2), flag.expand(-1, 1, 16, 16)]
        angles = sigma.view(-1, 1) * 1000 * self.frequencies
        waves = torch.cat([angles.sin(), angles.cos()], 1)
        strength = self.guidance(guidance.view(-1, 1) - 1)
        embedding = F.silu(self.noise_level(waves) + self.caption(condition) + strength)

        high = self.down_high(self.enter(torch.cat(pictures, 1)) + self.position, embedding)
        middle = self.down_middle(self.to_middle(high), embedding)
        x = self.to_low(middle)
        for block in self.bottom:
            x = block(x, embedding)
        x = F.pixel_shuffle(self.from_low(x), 2) + self.skip_middle(middle)
        for block in self.up_middle:
            x = block(x, embedding)
        x = F.pixel_shuffle(self.from_middle(x), 2) + self.skip_high(high)
        for block in self.up_high:
            x = block(x, embedding)
        x = F.silu(self.leave_norm(x))
        drawn = F.pixel_shuffle(self.leave(x), 2).reshape(-1, SLICE_FRAMES, 3, DRAFT_PX, DRAFT_PX)
        kept = torch.sigmoid(F.pixel_shuffle(self.gate(x), 2)).unsqueeze(2) * flag.unsqueeze(1)
        last = before[:, -3:].unsqueeze(1)
        video = drawn + kept * (last - drawn)
        return (to_tokens(video) - self.latent.mean) @ self.latent.encoder


def guided_estimate(denoiser: Denoiser, noisy, sigma, condition, previous, has_previous, guidance) -> Tensor:
    """Classifier-free guidance in two forwards: what the distilled denoiser learns to give in one."""
    none = torch.ones_like(guidance)
    wanted = denoiser(noisy, sigma, condition, previous, has_previous, none).float()
    unsaid = null_condition(1).to(condition.device).expand_as(condition)
    free = denoiser(noisy, sigma, unsaid, previous, has_previous, none).float()
    return free + guidance.view(-1, 1, 1) * (wanted - free)


class SamplerStep(nn.Module):
    """One sampler step as it is exported: the denoiser (guidance distilled into it) and the Euler step behind it."""

    def __init__(self, denoiser: Denoiser, distilled: bool = True):
        super().__init__()
        self.denoiser, self.distilled = denoiser, distilled

    def forward(self, latent, condition, previous, has_previous, sigma, sigma_next, guidance):
        """-> denoised [B,32,384] (guided estimate of the clean slice), latent_next [B,32,384] (noisy at sigma_next)."""
        inputs = (latent, sigma, condition, previous, has_previous, guidance)
        denoised = self.denoiser(*inputs).float() if self.distilled else guided_estimate(self.denoiser, *inputs)
        ratio = (sigma_next / sigma).view(-1, 1, 1)
        return denoised, denoised + (latent - denoised) * ratio


def sampler_sigmas(steps: int = SAMPLER_STEPS, shift: float = SAMPLER_SHIFT) -> list[float]:
    """Noise levels from 1 to 0, steps + 1 of them; shift > 1 spends more steps on the noisy end, where layout forms."""
    times = [1 - i / steps for i in range(steps + 1)]
    return [shift * t / (1 + (shift - 1) * t) for t in times]


@torch.no_grad()
def sample_slice(
    step: SamplerStep,
    noise: Tensor,
    condition: Tensor,
    previous: Tensor | None,
    steps: int = SAMPLER_STEPS,
    guidance: float = GUIDANCE,
) -> Tensor:
    """noise [B,32,384] -> clean latent [B,32,384]; previous: final latent of the slice before, None for the first."""
    batch = len(noise)
    has_previous = torch.full((batch,), 0.0 if previous is None else 1.0)
    previous = torch.zeros_like(noise) if previous is None else previous
    sigmas = sampler_sigmas(steps)
    latent = noise
    for sigma, sigma_next in zip(sigmas, sigmas[1:]):
        levels = (torch.full((batch,), value) for value in (sigma, sigma_next, guidance))
        _, latent = step(latent, condition, previous, has_previous, *levels)
    return latent


def draw_noise(batch: int, generator: torch.Generator) -> Tensor:
    return torch.randn(batch, TOKENS, CHANNELS, generator=generator)
