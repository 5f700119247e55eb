"""The smallest model that has every kind of argument the suite asks for."""

import time

from webargs import fields, validate


def get_metadata():
    return {
        "name": "contract_demo",
        "description": "A model for the conformance suite",
        "author": "Fathom",
        "version": "0.0.1",
        "license": "Apache-2.0",
    }


def get_predict_args():
    return {
        "data": fields.Field(
            required=False, missing=None, type="file", location="form", description="A file"
        ),
        "text": fields.Str(required=False, missing="", description="A text"),
        "topK": fields.Int(
            required=False, missing=3, validate=validate.Range(min=1, max=9), description="A number"
        ),
    }


def predict(**kwargs):
    return {"labels": [kwargs["text"]] * kwargs["topK"]}


def get_train_args():
    return {"sleep": fields.Float(required=False, missing=0.0, description="Seconds")}


def train(**kwargs):
    time.sleep(kwargs["sleep"])
    return {"slept": kwargs["sleep"]}
