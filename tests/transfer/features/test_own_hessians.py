import numpy as np

from jtransfer.transfer.features.own_hessians import solved


def test_each_is_solved_by_its_own_support_vectors():
    random = np.random.default_rng(0)
    features = random.normal(size=(30, 4)).astype(np.float32)
    bends = np.where(random.random((30, 3)) < 0.5, 2, 0).astype(np.float32)
    bends[:, 2] = 0  # no support vector: the Hessian is the penalty's
    given = random.normal(size=(4, 3))
    found = solved(np.split(features, [11]), np.split(bends, [11]), given, C=0.7, unit=3.0)
    x = features.astype(np.float64) * [1, 1, 1, 3]
    for group, bend in enumerate(bends.T):
        hessian = np.eye(4) + 0.7 * (x.T * bend) @ x
        np.testing.assert_allclose(hessian @ found[:, group], given[:, group], atol=1e-4)
    np.testing.assert_array_equal(found[:, 2], given[:, 2])
