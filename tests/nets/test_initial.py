from functools import partial

import jax
import numpy as np

from jtransfer.nets import initial as module
from jtransfer.nets.initial import initial
from jtransfer.nets.lenet import lenet
from jtransfer.nets.multitask import MultitaskNet
from jtransfer.nets.parts.trunk import Head, Trunk

equal = partial(np.testing.assert_allclose, rtol=1e-6, atol=1e-7)


def test_what_a_net_begins_with_is_what_init_gives():
    net, key, blank = lenet(norm=True), jax.random.key(3), np.zeros((1, 28, 28, 1), np.float32)
    jax.tree.map(equal, initial(net, key, blank), dict(net.init(key, blank)))
    # What is drawn of a net is compiled once, whatever the key.
    programs = module._drawing()._cache_size()
    initial(net, jax.random.key(4), blank)
    assert module._drawing()._cache_size() == programs
    shapes = jax.eval_shape(lambda: initial(net, jax.random.key(3), blank))
    assert jax.tree.map(np.shape, shapes) == jax.tree.map(np.shape, initial(net, key, blank))


def test_a_net_that_holds_a_dict():
    net, key = MultitaskNet(Trunk(()), {"side": Head((), 2)}), jax.random.key(0)
    blank = np.zeros((1, 2, 2, 3), np.float32)
    jax.tree.map(equal, initial(net, key, blank), dict(net.init(key, blank)))
