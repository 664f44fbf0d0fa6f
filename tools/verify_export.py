"""Opens exported folders in sentence-transformers' ONNX backend and compares the vectors with this package's.

    pip install "sentence-transformers[onnx]==5.7.*"
    python tools/verify_export.py FOLDER ...
"""

import json
import subprocess
import sys

import numpy as np
from sentence_transformers import SentenceTransformer

TEXTS = ["hello world", "The quick brown fox jumps over the lazy dog.", "naïve café Zürich", "one two three four five six seven eight nine ten", "How is asthma treated?"]

worst = 0.0
for folder in sys.argv[1:]:
    model = SentenceTransformer(folder, backend="onnx", device="cpu")
    theirs = model.encode(TEXTS, normalize_embeddings=True, prompt_name=None)
    output = subprocess.run(["npm", "run", "-s", "qontrast", "--", "embed", "--model", folder, "--json", *TEXTS], check=True, capture_output=True, text=True).stdout
    own = np.array(json.loads(output)["embeddings"])
    difference = float(np.abs(own - theirs).max())
    worst = max(worst, difference)
    print(f"{folder}: {difference:.1e}")
sys.exit(0 if worst <= 1e-5 else 1)
