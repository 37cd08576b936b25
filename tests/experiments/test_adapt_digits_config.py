import pytest

from experiments.adapt_digits.config import Config
from experiments.adapt_digits.setup import conduct_of, options_of
from jtransfer.nets.ganin import mnist_net, svhn_net
from jtransfer.train.parallel import Parallel


def test_seeds_in_one_program_take_one_device():
    with pytest.raises(ValueError, match="expected one device"):
        Config(together=True, parallel=Parallel(devices=2))


def test_a_net_of_another_width_has_folders_of_its_own():
    usual, wider = Config(pair="numbers-svhn10k"), Config(pair="numbers-svhn10k", width=0.5)
    assert options_of(usual).net_options["width"] == 0.25
    assert options_of(wider).net_options["width"] == 0.5
    assert "width" not in options_of(Config(pair="numbers-svhn10k", preset="paper")).net_options
    assert conduct_of(usual).name("dann", 0) == "numbers-svhn10k-normed-dann-600-seed0"
    assert conduct_of(wider).name("dann", 0) == "numbers-svhn10k-normed-width0.5-dann-600-seed0"
    with pytest.raises(ValueError, match=r"a width of 0; expected a share .* above 0 and up to 1"):
        Config(width=0)


def test_a_net_of_other_layers_has_folders_of_its_own():
    usual = Config(pair="svhn10k-mnist", width=0.5)
    other = Config(pair="svhn10k-mnist", architecture="mnist")
    assert options_of(usual).net is svhn_net
    assert options_of(other).net is mnist_net
    # The share of the small preset is that of the pair's own net.
    assert "width" not in options_of(other).net_options
    assert conduct_of(other).name("dann", 0) == "svhn10k-mnist-normed-mnist_net-dann-600-seed0"
    with pytest.raises(ValueError, match=r"width of 0.5 for the mnist net.* the svhn or gtsrb net"):
        Config(pair="mnist-mnist_m", width=0.5)


def test_the_papers_rate_does_not_fall_from_svhn_to_mnist():
    of = {"pair": "svhn10k-mnist", "net": "paper"}
    assert not options_of(Config(**of)).annealed
    assert options_of(Config(**of | {"net": "normed"})).annealed
    assert options_of(Config(**of | {"pair": "mnist-mnist_m"})).annealed
