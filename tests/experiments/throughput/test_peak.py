import pytest

from experiments.throughput.peak import peak


@pytest.mark.slow
def test_the_peak_is_measured():
    found = peak()
    assert found["platform"] == "cpu"
    assert found["gigaflop_a_second"] > 1
