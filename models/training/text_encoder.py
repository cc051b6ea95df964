"""The text encoder: hashed words and letter trigrams -> two convolutions -> one softmax a caption field.

Hashing needs no vocabulary file, and trigrams make a misspelt word land near the right one.
"""

import zlib

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .world import CONDITION_WIDTH, FIELD_WIDTHS, split_fields

BUCKETS, MAX_WORDS, FEATURES_PER_WORD = 4096, 28, 6
PUNCTUATION = ".,!?;:\"'()"
WIDTH, HIDDEN = 64, 128


def word_features(word: str) -> list[str]:
    """The word itself and the trigrams of ^word$; of more than six features the first and the last three."""
    framed = f"^{word}$"
    features = ["w" + word] + [framed[i : i + 3] for i in range(max(1, len(framed) - 2))]
    half = FEATURES_PER_WORD // 2
    return features if len(features) <= FEATURES_PER_WORD else features[:half] + features[-half:]


def token_ids(text: str) -> list[list[int]]:
    """text -> ids [28,6] in 1..4095; 0 pads."""
    words = [word.strip(PUNCTUATION) for word in text.lower().replace("-", " ").split()]
    words = [word for word in words if word][:MAX_WORDS]
    rows = [[1 + zlib.crc32(feature.encode()) % (BUCKETS - 1) for feature in word_features(word)] for word in words]
    rows = [row + [0] * (FEATURES_PER_WORD - len(row)) for row in rows]
    return rows + [[0] * FEATURES_PER_WORD] * (MAX_WORDS - len(rows))


class TextEncoder(nn.Module):
    """ids int64 [B,28,6] -> field logits [B,48]."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(BUCKETS, WIDTH, padding_idx=0)
        self.conv1 = nn.Conv1d(WIDTH, HIDDEN, 3, padding=1)
        self.conv2 = nn.Conv1d(HIDDEN, HIDDEN, 3, padding=1)
        self.attention = nn.Conv1d(HIDDEN, len(FIELD_WIDTHS), 1)
        self.attended = nn.Parameter(0.05 * torch.randn(len(FIELD_WIDTHS), HIDDEN, max(FIELD_WIDTHS)))
        self.strongest = nn.Linear(HIDDEN, CONDITION_WIDTH)

    def forward(self, ids: Tensor) -> Tensor:
        present = (ids[:, :, 0] > 0).float()
        absent = (present - 1)[:, None] * 1e4
        x = self.embedding(ids).sum(2).transpose(1, 2)
        x = F.relu(self.conv1(x)) * present[:, None]
        x = x + F.relu(self.conv2(x))
        # Each field looks at the words that concern it; the maximum over words adds evidence from anywhere.
        weights = (self.attention(x) + absent).softmax(2)
        pooled = weights @ x.transpose(1, 2)
        attended = (pooled.unsqueeze(2) @ self.attended).squeeze(2)
        evidence = split_fields(self.strongest((x + absent).amax(2)))
        return torch.cat([attended[:, i, :width] + evidence[i] for i, width in enumerate(FIELD_WIDTHS)], 1)


class TextCondition(nn.Module):
    """The encoder as it is exported: ids -> condition (one-hot of the likeliest values), probabilities; both [B,48]."""

    def __init__(self, encoder: TextEncoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        fields = split_fields(self.encoder(ids))
        one_hot = [F.one_hot(logits.argmax(1), width).float() for logits, width in zip(fields, FIELD_WIDTHS)]
        return torch.cat(one_hot, 1), torch.cat([logits.softmax(1) for logits in fields], 1)
