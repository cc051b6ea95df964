"""Contact sheets: rows of frames as one picture, to judge the model by eye."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor


def save_rows(video: Tensor, path: Path, zoom: int = 1, columns: int = 1) -> None:
    """video [N,T,3,H,W] in [-1,1] -> one picture, a clip a row, rows folded into columns."""
    rows = torch.cat(list(video.clamp(-1, 1).unbind(1)), -1)
    per_column = -(-len(rows) // columns)
    blocks = [torch.cat(list(rows[i : i + per_column]), -2) for i in range(0, len(rows), per_column)]
    sheet = ((torch.cat(blocks, -1) + 1) * 127.5).byte().permute(1, 2, 0).numpy()
    image = Image.fromarray(sheet)
    image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST).save(path)
