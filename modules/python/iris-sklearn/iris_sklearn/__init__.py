"""The DEEPaaS V2 entry points of the module; scikit-learn is loaded by `warm`, `train` and `predict` only."""

import os

from webargs import fields, validate

from iris_sklearn import artifact

_model = None


def get_metadata():
    return {
        "name": "iris_sklearn",
        "version": "1.0.0",
        "summary": "Tells three species of iris apart by four measurements",
        "description": "A linear classifier over the length and width of sepals and petals",
        "author": "Fathom",
        "license": "Apache-2.0",
        # A request that any server of this module can answer, so that it can be proved warm.
        "sample": artifact.read_sample(_artifact_folder()) or artifact.DECLARED_SAMPLE,
    }


def warm():
    global _model
    if _model is None:
        from iris_sklearn import training

        folder = _artifact_folder()
        _model = training.fit_reference() if folder is None else artifact.read_model(folder)


def get_predict_args():
    def centimetres(what):
        return fields.Float(
            required=True, validate=validate.Range(min=0, max=100), description=f"{what}, in cm"
        )

    return {
        "sepalLength": centimetres("Length of the sepal"),
        "sepalWidth": centimetres("Width of the sepal"),
        "petalLength": centimetres("Length of the petal"),
        "petalWidth": centimetres("Width of the petal"),
    }


def predict(**kwargs):
    warm()
    row = [kwargs[name] for name in artifact.COLUMNS]
    ranked = _model.ranked(row)
    return {
        "labels": [label for label, _ in ranked],
        "probabilities": [probability for _, probability in ranked],
    }


def get_train_args():
    return {
        "epochs": fields.Int(
            required=False,
            missing=20,
            validate=validate.Range(min=1, max=10000),
            description="Passes over the training part of the data",
        ),
        "alpha": fields.Float(
            required=False,
            missing=0.001,
            validate=validate.Range(min=0, max=1),
            description="Strength of the regularisation",
        ),
    }


def train(**kwargs):
    from iris_sklearn import training

    return training.train(epochs=kwargs["epochs"], alpha=kwargs["alpha"])


def _artifact_folder():
    return os.environ.get("FATHOM_ARTIFACT_FOLDER") or None
