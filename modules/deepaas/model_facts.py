"""Prints what the server of a model does not tell: whether there is code that trains, and which version is installed.

Exit code 3: no such model is installed.
"""

import json
import sys
from importlib import metadata

name = sys.argv[1]
points = metadata.entry_points()
if hasattr(points, "select"):
    group = points.select(group="deepaas.v2.model")
else:
    group = points.get("deepaas.v2.model", [])
point = next((point for point in group if point.name == name), None)
if point is None:
    sys.exit(3)
code = point.load()
version = getattr(getattr(point, "dist", None), "version", None)
# The module may have printed something when it was loaded.
print("\n" + json.dumps({"trainable": callable(getattr(code, "train", None)), "version": version}))
