"""Writes test/fixtures/cnn-embedders.json: what ONNX Runtime in Python gives for two image models that come without any settings.

    pip install onnxruntime pillow==13.* numpy
    python tools/cnn_embedder_golden.py FOLDER        (the folder with mobilefacenet.onnx and osnet.onnx)
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

FIXTURES = Path(__file__).parent.parent / "test" / "fixtures"
PICTURES = ["photo.jpg", "grey.jpg", "photo.webp"]
MODELS = {
    "mobilefacenet": dict(size=(112, 112), mean=[0.5] * 3, deviation=[0.5] * 3, output="embeddings"),
    "osnet": dict(size=(128, 256), mean=[0.485, 0.456, 0.406], deviation=[0.229, 0.224, 0.225], output="output"),
}


def golden(folder, name, size, mean, deviation, output):
    session = onnxruntime.InferenceSession(str(Path(folder, f"{name}.onnx")))
    rows = []
    for picture in PICTURES:
        image = Image.open(FIXTURES / "pictures" / picture).convert("RGB").resize(size, Image.Resampling.BILINEAR)
        pixels = ((np.asarray(image, dtype=np.float32) / 255 - mean) / deviation).astype(np.float32).transpose(2, 0, 1)[None]
        (vector,) = session.run([output], {session.get_inputs()[0].name: pixels})
        rows.append([float(f"{x:.7g}") for x in (vector[0] / np.linalg.norm(vector[0])).tolist()])
    return {"size": {"width": size[0], "height": size[1]}, "mean": mean, "deviation": deviation, "output": output, "vectors": rows}


found = {name: golden(sys.argv[1], name, **facts) for name, facts in MODELS.items()}
(FIXTURES / "cnn-embedders.json").write_text(json.dumps({"pictures": PICTURES, "models": found}) + "\n")
