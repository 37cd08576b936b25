"""ViT in PyTorch, the rival in benchmarks. Its modules have the names of timm's."""

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from jtransfer.nets.parts.transformer import TransformerShape


class Attention(nn.Module):
    """Self-attention, by PyTorch's own kernel."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map [n, tokens, width] to the same."""
        batch, count, width = tokens.shape
        parts = self.qkv(tokens).reshape(batch, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(*parts.unbind(0))
        return self.proj(seen.transpose(1, 2).reshape(batch, count, width))


class Block(nn.Module):
    """Attention and two layers on every token, each behind a norm and added to what it reads."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))
        self.attn = Attention(width, heads)
        self.mlp = nn.Sequential()
        self.mlp.add_module("fc1", nn.Linear(width, 4 * width))
        self.mlp.add_module("act", nn.GELU())
        self.mlp.add_module("fc2", nn.Linear(4 * width, width))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map [n, tokens, width] to the same."""
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class VisionTransformer(nn.Module):
    """For images of 224 pixels in patches of 16; without classes, until the class token's norm."""

    def __init__(self, shape: TransformerShape, *, classes: int | None = 1000):
        super().__init__()
        width = shape.width
        self.patch_embed = nn.Sequential()
        self.patch_embed.add_module("proj", nn.Conv2d(3, width, 16, 16))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + 14 * 14, width))
        blocks = (Block(width, shape.heads) for _ in range(shape.depth))
        self.blocks, self.norm = nn.Sequential(*blocks), nn.LayerNorm(width, eps=1e-6)
        self.head = None if classes is None else nn.Linear(width, classes)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """The features and the logits of [n, 3, 224, 224] images: norm and fc."""
        patches = self.patch_embed(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(images), -1, -1), patches], dim=1)
        features = self.norm(self.blocks(tokens + self.pos_embed)[:, 0])
        logits = {} if self.head is None else {"fc": self.head(features)}
        return {"norm": features, **logits}
