"""The linear video latent: a slice of 8 frames of 32 x 32 px is 32 tokens of 384 principal components.

A token covers a tube of 8 x 8 px x 4 frames (768 values); tokens run over (half of the slice, row, column). Components
are half-whitened (scaled by eigenvalue^-1/4, then so that the strongest 128 have unit mean deviation): full whitening
would spend the denoiser on invisible detail, none would leave it blind to it. Decoding is one matrix product, which is
what makes a draft cheap. What the projection loses shows as a jump between tubes: 128 components keep 33.6 dB and jump
by 1.9 times the change inside, 384 keep 42 dB and 1.2.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .clips import Clips
from .presets import Preset

PATCH_PX, PATCH_FRAMES, GRID = 8, 4, 4
DRAFT_PX = PATCH_PX * GRID
TOKEN_VALUES = PATCH_FRAMES * 3 * PATCH_PX * PATCH_PX
CHANNELS = 384
# Components over which noise and picture are balanced.
COARSE_CHANNELS = 128
FIT_CLIPS = 3000
TOKENS = 2 * GRID * GRID


def to_tokens(video: Tensor) -> Tensor:
    """video [B,T,3,32,32] -> [B,T/4*16,768]."""
    batch, frames = video.shape[:2]
    tubes = video.reshape(batch, frames // PATCH_FRAMES, PATCH_FRAMES, 3, GRID, PATCH_PX, GRID, PATCH_PX)
    return tubes.permute(0, 1, 4, 6, 2, 3, 5, 7).reshape(batch, frames // PATCH_FRAMES * GRID * GRID, TOKEN_VALUES)


def to_video(tokens: Tensor) -> Tensor:
    """tokens [B,32,768] -> video [B,8,3,32,32]."""
    tubes = tokens.view(-1, 2, GRID, GRID, PATCH_FRAMES, 3, PATCH_PX, PATCH_PX)
    return tubes.permute(0, 1, 4, 5, 2, 6, 3, 7).reshape(-1, 2 * PATCH_FRAMES, 3, DRAFT_PX, DRAFT_PX)


class Latent(nn.Module):
    """Encoder and decoder between video in [-1,1] and the latent; its matrices are buffers, fitted by `fit`."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(TOKEN_VALUES))
        self.register_buffer("encoder", torch.zeros(TOKEN_VALUES, CHANNELS))
        self.register_buffer("decoder", torch.zeros(CHANNELS, TOKEN_VALUES))

    def encode(self, video: Tensor) -> Tensor:
        """[B,T,3,32,32] -> [B,T/4*16,384]."""
        return (to_tokens(video) - self.mean) @ self.encoder

    def decode(self, latent: Tensor) -> Tensor:
        """[B,32,384] -> [B,8,3,32,32]."""
        return to_video(latent @ self.decoder + self.mean)

    @torch.no_grad()
    def fit(self, video: Tensor) -> float:
        """Fit to sample clips [N,T,3,32,32]; returns the PSNR of the round trip in dB."""
        tokens = to_tokens(video).reshape(-1, TOKEN_VALUES)
        self.mean.copy_(tokens.mean(0))
        centered = tokens - self.mean
        covariance = (centered.T @ centered / len(centered)).double()
        eigenvalues, vectors = torch.linalg.eigh(covariance)
        eigenvalues = eigenvalues.flip(0)[:CHANNELS].float().clamp(min=1e-6)
        vectors = vectors.flip(1)[:, :CHANNELS].float()
        scale = eigenvalues**-0.25
        scale = scale / (centered @ vectors * scale)[:, :COARSE_CHANNELS].std()
        self.encoder.copy_(vectors * scale)
        self.decoder.copy_((vectors / scale).T)
        error = (centered @ self.encoder @ self.decoder - centered).square().mean()
        return float(10 * torch.log10(4 / error))


def load_latent(work_dir: Path) -> Latent:
    latent = Latent()
    latent.load_state_dict(torch.load(work_dir / "latent.pt"))
    return latent


def run(preset: Preset, work_dir: Path) -> None:
    video, _, _ = Clips(work_dir).draw(FIT_CLIPS, 2, np.random.default_rng(preset.seed))
    latent = Latent()
    print(f"latent: {latent.fit(video):.1f} dB", flush=True)
    torch.save(latent.state_dict(), work_dir / "latent.pt")
