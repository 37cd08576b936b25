import jax
import numpy as np

from jtransfer.nets import initial as module
from jtransfer.nets.initial import initial
from jtransfer.nets.lenet import lenet
from jtransfer.nets.multitask import MultitaskNet
from jtransfer.nets.parts.trunk import Head, Trunk


def test_what_a_net_begins_with_is_what_init_gives():
    net, key, blank = lenet(norm=True), jax.random.key(3), np.zeros((1, 28, 28, 1), np.float32)
    jax.tree.map(
        np.testing.assert_array_equal, initial(net, key, blank), dict(net.init(key, blank))
    )
    # What is drawn of a net is compiled once, whatever the key.
    programs = module._drawn._cache_size()
    initial(net, jax.random.key(4), blank)
    assert module._drawn._cache_size() == programs


def test_a_net_that_holds_a_dict():
    net, key = MultitaskNet(Trunk(()), {"side": Head((), 2)}), jax.random.key(0)
    blank = np.zeros((1, 2, 2, 3), np.float32)
    jax.tree.map(
        np.testing.assert_array_equal, initial(net, key, blank), dict(net.init(key, blank))
    )
