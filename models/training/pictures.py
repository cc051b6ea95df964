"""The last layers of the exported parts: pictures leave the graph as I420, ready for a video encoder.

I420 is BT.601 limited range: the Y plane (H*W bytes), then U and V at half size each way. Chroma is the mean of 2 x 2
pixels.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .latent import DRAFT_PX, Latent
from .refiner import SliceRefiner
from .world import split_fields

DECODED_PX = 64
# BT.601: R, G, B in [0,1] -> Y in 16..235, U and V in 16..240.
LUMA = torch.tensor([65.481, 128.553, 24.966])
CHROMA_BLUE = torch.tensor([-37.797, -74.203, 112.0])
CHROMA_RED = torch.tensor([112.0, -93.786, -18.214])
# Keys' bicubic kernel, as image libraries have it.
CUBIC_A = -0.5


def bicubic_matrix(size: int, target: int) -> Tensor:
    """[target,size] row weights that resize a line of pixels; edges repeat."""

    def kernel(d: Tensor) -> Tensor:
        d = d.abs()
        near = (CUBIC_A + 2) * d**3 - (CUBIC_A + 3) * d**2 + 1
        far = CUBIC_A * (d**3 - 5 * d**2 + 8 * d - 4)
        return torch.where(d <= 1, near, torch.where(d < 2, far, torch.zeros_like(d)))

    centers = (torch.arange(target) + 0.5) * size / target - 0.5
    matrix = torch.zeros(target, size)
    for tap in range(-1, 3):
        source = torch.floor(centers) + tap
        weight = kernel(centers - source)
        matrix.scatter_add_(1, source.clamp(0, size - 1).long()[:, None], weight[:, None])
    return matrix


class I420(nn.Module):
    """video [B,T,3,H,W] in [-1,1] -> planes uint8 [B,T,H*W*3/2]."""

    def __init__(self):
        super().__init__()
        self.register_buffer("luma", LUMA.view(1, 3, 1, 1))
        self.register_buffer("chroma", torch.stack([CHROMA_BLUE, CHROMA_RED]).view(2, 3, 1, 1))

    def forward(self, video: Tensor) -> Tensor:
        batch, frames, _, height, width = video.shape
        rgb = ((video.clamp(-1, 1) + 1) / 2).reshape(-1, 3, height, width)
        y = (rgb * self.luma).sum(1).flatten(1) + 16
        uv = F.conv2d(F.avg_pool2d(rgb, 2), self.chroma).flatten(1) + 128
        planes = torch.cat([y, uv], 1)
        return (planes + 0.5).to(torch.uint8).view(batch, frames, height * width * 3 // 2)


class I420Decoder(nn.Module):
    """latent [B,32,384] -> I420 uint8 [B,8,6144]: draft frames, enlarged to 64 x 64 px."""

    def __init__(self, latent: Latent):
        super().__init__()
        self.latent, self.i420 = latent, I420()
        self.register_buffer("enlarge", bicubic_matrix(DRAFT_PX, DECODED_PX))

    def forward(self, latent: Tensor) -> Tensor:
        video = self.latent.decode(latent).clamp(-1, 1)
        return self.i420(self.enlarge @ video @ self.enlarge.T)


class I420Refiner(nn.Module):
    """The slice refiner's inputs -> I420 uint8 [B,k,S*S*3/2]."""

    def __init__(self, refiner: SliceRefiner):
        super().__init__()
        self.refiner, self.i420 = refiner, I420()

    def forward(self, latent, previous, has_previous, condition, particles, grain, time_s, frames) -> Tensor:
        return self.i420(self.refiner(latent, previous, has_previous, condition, particles, grain, time_s, frames))


class I420Probe(nn.Module):
    """I420 uint8 [B,8,6144] of 64 x 64 px frames -> probabilities [B,48], a softmax a caption field."""

    def __init__(self, probe: nn.Module):
        super().__init__()
        self.probe = probe

    def forward(self, i420: Tensor) -> Tensor:
        area = DECODED_PX**2
        planes = i420.float().flatten(0, 1)
        y = F.avg_pool2d(planes[:, :area].view(-1, 1, DECODED_PX, DECODED_PX), 2)
        # Chroma has the probe's size as it is.
        u, v = (planes[:, area:] - 128).view(-1, 2, DRAFT_PX, DRAFT_PX).split(1, 1)
        y = (y - 16) / 219
        rgb = torch.cat([y + 1.402 / 224 * v, y - (0.344136 * u + 0.714136 * v) / 224, y + 1.772 / 224 * u], 1)
        video = (rgb.clamp(0, 1) * 2 - 1).view(-1, i420.shape[1], 3, DRAFT_PX, DRAFT_PX)
        return torch.cat([logits.softmax(1) for logits in split_fields(self.probe(video))], 1)
