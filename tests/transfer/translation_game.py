"""The game of `game` with decoders and discriminators of images, of one number each."""

import jax.numpy as jnp

from tests.transfer.game import Game, Scale


class TranslationGame(Game):
    """Besides Game's parts, images w_k f written in domain k and scores u_k x of images."""

    def setup(self):
        super().setup()
        self.image_writers, self.image_heads = (Scale(), Scale()), (Scale(), Scale())

    def decode(self, codes, *, domains):
        return self.parts(self.image_writers, codes, domains)

    def judge(self, images, *, domains):
        return self.parts(self.image_heads, images, domains)

    def parts(self, modules, inputs, domains):
        parts = zip(domains, jnp.split(inputs, len(domains)), strict=True)
        return jnp.concatenate([modules[domain](part) for domain, part in parts])
