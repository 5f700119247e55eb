"""Where the measurements come from."""

import csv
import json
import os
from dataclasses import dataclass

from iris_sklearn.artifact import COLUMNS


@dataclass(frozen=True)
class Flowers:
    """Each part is a list of rows and a list of labels."""

    train: tuple
    test: tuple
    seed: int


def of_run():
    """The data of the run that FATHOM_WORKLOAD describes; without one, those of the package."""
    path = os.environ.get("FATHOM_WORKLOAD")
    if not path:
        return of_package()
    with open(path, encoding="utf-8") as file:
        workload = json.load(file)
    data = workload["data"]
    if data["format"] != "CSV":
        raise ValueError("This module trains on CSV files, not on %s." % data["format"])
    work = os.path.dirname(path)
    records = [
        record
        for file in sorted(file["path"] for file in data["files"])
        for record in _records(os.path.join(work, file))
    ]
    target = data.get("target") or list(records[0])[-1]
    missing = [name for name in (*COLUMNS, target) if name not in records[0]]
    if missing:
        raise ValueError("The data have no column %s." % ", ".join(missing))
    with open(os.path.join(work, data["split"]), encoding="utf-8") as file:
        split = json.load(file)
    return Flowers(
        train=_part(records, split["train"], target),
        test=_part(records, split["test"], target),
        seed=workload.get("seed") or 0,
    )


def of_package():
    from sklearn.datasets import load_iris

    iris = load_iris()
    rows = [tuple(float(x) for x in row) for row in iris.data]
    labels = [str(iris.target_names[index]) for index in iris.target]
    every_fifth = range(4, len(rows), 5)
    others = [index for index in range(len(rows)) if index % 5 != 4]
    return Flowers(
        train=([rows[i] for i in others], [labels[i] for i in others]),
        test=([rows[i] for i in every_fifth], [labels[i] for i in every_fifth]),
        seed=0,
    )


def _records(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, skipinitialspace=True))


def _part(records, indices, target):
    chosen = [records[index] for index in indices]
    rows = [tuple(float(record[name]) for name in COLUMNS) for record in chosen]
    return rows, [record[target] for record in chosen]
