"""A trained model as a folder of two JSON files: numbers only, so that reading one never runs code of its author."""

import json
import math
import os

COLUMNS = ("sepalLength", "sepalWidth", "petalLength", "petalWidth")

DECLARED_SAMPLE = {
    "arguments": {"sepalLength": 5.1, "sepalWidth": 3.5, "petalLength": 1.4, "petalWidth": 0.2},
    "expect": {"label": "setosa"},
}


class Model:
    """Class scores are `weights @ ((row - mean) / scale) + bias`."""

    def __init__(self, labels, mean, scale, weights, bias):
        self.labels = labels
        self.mean = mean
        self.scale = scale
        self.weights = weights
        self.bias = bias

    def ranked(self, row):
        """Labels with their probabilities, the best one first."""
        scaled = [(x - m) / s for x, m, s in zip(row, self.mean, self.scale)]
        scores = [
            sum(w * x for w, x in zip(weights, scaled)) + bias
            for weights, bias in zip(self.weights, self.bias)
        ]
        highest = max(scores)
        powers = [math.exp(score - highest) for score in scores]
        shares = [power / sum(powers) for power in powers]
        return sorted(zip(self.labels, shares), key=lambda pair: -pair[1])


def write_model(folder, model, sample):
    os.makedirs(folder, exist_ok=True)
    _write_json(os.path.join(folder, "model.json"), vars(model))
    _write_json(os.path.join(folder, "sample.json"), sample)


def read_model(folder):
    with open(os.path.join(folder, "model.json"), encoding="utf-8") as file:
        return Model(**json.load(file))


def read_sample(folder):
    """What a trained model answers for certain; None when there is no trained model."""
    if folder is None:
        return None
    with open(os.path.join(folder, "sample.json"), encoding="utf-8") as file:
        return json.load(file)


def _write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
