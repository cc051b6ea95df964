"""The upscaler: luma of 256 px frames to 512 px, stateless; its input and output are I420, as the frames already are.

A few convolutions at a quarter of the output size and a pixel shuffle of four, added to bilinear luma; chroma is bilinear,
because the eye sees no more of it. About the size of Anime4K's smaller networks, trained on the renderer's own pictures,
whose larger version is exact by right.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

UPSCALED_PX = 512
WIDTH, BLOCKS = 24, 3


class LumaUpscaler(nn.Module):
    """luma [N,1,H,W] in [0,1] -> [N,1,2H,2W]."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Conv2d(4, WIDTH, 3, 1, 1)
        self.blocks = nn.ModuleList([nn.Conv2d(WIDTH, WIDTH, 3, 1, 1) for _ in range(BLOCKS)])
        self.leave = nn.Conv2d(WIDTH, 16, 3, 1, 1)
        nn.init.normal_(self.leave.weight, std=0.01), nn.init.zeros_(self.leave.bias)

    def forward(self, luma: Tensor) -> Tensor:
        x = F.relu(self.enter(F.pixel_unshuffle(luma - 0.5, 2)))
        for block in self.blocks:
            x = x + F.relu(block(x))
        larger = F.interpolate(luma, scale_factor=2, mode="bilinear", align_corners=False)
        return larger + F.pixel_shuffle(self.leave(x), 4)


class I420Upscaler(nn.Module):
    """I420 uint8 [k,S*S*3/2] -> [k,4*S*S*3/2] for S = 256."""

    def __init__(self, upscaler: LumaUpscaler, size_px: int = UPSCALED_PX // 2):
        super().__init__()
        self.upscaler, self.size_px = upscaler, size_px

    def forward(self, refined: Tensor) -> Tensor:
        size = self.size_px
        planes = refined.float()
        luma = planes[:, : size * size].view(-1, 1, size, size)
        chroma = planes[:, size * size :].view(-1, 2, size // 2, size // 2)
        luma = (self.upscaler(luma / 255) * 255).clamp(16, 235).flatten(1)
        chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear", align_corners=False).flatten(1)
        return (torch.cat([luma, chroma], 1) + 0.5).to(torch.uint8)
