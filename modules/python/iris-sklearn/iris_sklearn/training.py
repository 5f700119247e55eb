"""Trains on the data of a run, or on the data that come with scikit-learn when there is no run."""

import json
import os

from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.preprocessing import StandardScaler

from iris_sklearn import artifact, flowers


def train(epochs, alpha):
    """Returns the metrics. A line of JSON on standard output tells of each epoch."""
    data = flowers.of_run()
    classifier, scaler = _fit(data, epochs, alpha, tell=True)
    model = _model_of(classifier, scaler)
    _say({"type": "phase", "phase": "EVALUATING"})
    metrics = _measure("test", classifier, scaler, data.test)
    folder = os.environ.get("FATHOM_MODEL_FOLDER")
    if folder:
        artifact.write_model(folder, model, _sample_of(model, data.test))
    return {"metrics": metrics, "labels": model.labels}


def fit_reference():
    classifier, scaler = _fit(flowers.of_package(), epochs=50, alpha=0.001, tell=False)
    return _model_of(classifier, scaler)


def _fit(data, epochs, alpha, tell):
    rows, labels = data.train
    classes = sorted(set(labels))
    if len(classes) < 3:
        raise ValueError("The training part needs at least three species; it has %d." % len(classes))
    scaler = StandardScaler().fit(rows)
    classifier = SGDClassifier(loss="log_loss", alpha=alpha, random_state=data.seed)
    for epoch in range(1, epochs + 1):
        classifier.partial_fit(scaler.transform(rows), labels, classes=classes)
        if tell:
            values = _measure("train", classifier, scaler, data.train)
            _say({"type": "metrics", "epoch": epoch, "step": epoch * len(rows), "values": values})
            _say({"type": "progress", "done": epoch, "total": epochs, "unit": "epoch"})
    return classifier, scaler


def _measure(part, classifier, scaler, examples):
    rows, labels = examples
    scaled = scaler.transform(rows)
    loss = log_loss(labels, classifier.predict_proba(scaled), labels=classifier.classes_)
    accuracy = accuracy_score(labels, classifier.predict(scaled))
    return {f"{part}Accuracy": float(accuracy), f"{part}Loss": float(loss)}


def _model_of(classifier, scaler):
    return artifact.Model(
        labels=[str(label) for label in classifier.classes_],
        mean=scaler.mean_.tolist(),
        scale=scaler.scale_.tolist(),
        weights=classifier.coef_.tolist(),
        bias=classifier.intercept_.tolist(),
    )


def _sample_of(model, examples):
    """The row of the test part that the model is surest of."""
    surest = max(examples[0], key=lambda row: model.ranked(row)[0][1])
    return {
        "arguments": dict(zip(artifact.COLUMNS, surest)),
        "expect": {"label": model.ranked(surest)[0][0]},
    }


def _say(document):
    print(json.dumps(document), flush=True)
