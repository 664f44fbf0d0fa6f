"""Writes test/fixtures/model2vec.json: vectors of the Model2Vec models kept beside the repo, by Model2Vec itself.

    pip install model2vec==0.10.0
    python tools/model2vec_fixtures.py ../shared/models/model2vec-fixtures
"""

import json
import sys
from pathlib import Path

import numpy as np
from model2vec import StaticModel

TEXTS = [
    "hello world",
    "How is asthma treated?",
    "Ünïcödé ACCENTS and CaPiTaLs",
    "東京は日本の首都です",
    "emoji 🧪 and punctuation: a-b, c/d; (e)!",
    "antidisestablishmentarianism supercalifragilisticexpialidocious",
    "numbers 1234567890 3.14159 1e-5",
    "one two three four five six seven eight nine ten " * 120,
]


def main(folder: Path) -> None:
    vectors = {}
    for model in sorted(path for path in folder.iterdir() if path.is_dir()):
        static = StaticModel.from_pretrained(str(model))
        static.embedding = static.embedding.astype(np.float32)  # fp16 weights, summed in fp32
        embeddings = static.encode(TEXTS)
        unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        vectors[model.name] = [[round(float(x), 7) for x in row] for row in unit]
    out = Path(__file__).parent.parent / "test" / "fixtures" / "model2vec.json"
    out.write_text(json.dumps({"texts": TEXTS, "vectors": vectors}, ensure_ascii=False) + "\n", encoding="utf-8")


main(Path(sys.argv[1]))
