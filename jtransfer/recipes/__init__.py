"""A problem and a method put together: what to train, on what, how, and judged by what.

Of your own folder of images: `fit` makes a model of its classes, `load_model` reads it again,
`write_predictions`, `search_folder` and `export` use it. `name_images` and `name_by_attributes`
tell classes that there is no image of. Of a labelled folder and one without labels `adapt` makes a
model of the second; `check` judges it by what a person says of some images.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "unlabelled_folder.adapt": ["adapt"],
        "unlabelled_folder.check": ["check"],
        "own_folder.export": ["export"],
        "own_folder.fit": ["fit"],
        "own_folder.model_folder": ["load_model"],
        "own_folder.naming": ["name_images", "write_names"],
        "own_folder.naming_by_attributes": ["name_by_attributes"],
        "own_folder.prediction_table": ["write_predictions"],
        "own_folder.search": ["search_folder"],
    },
)
