"""Writes test/fixtures/metrics.json: rankings with their measures by trec_eval, and Spearman correlations by SciPy.

    pip install pytrec_eval-terrier scipy
    python tools/metrics_fixtures.py
"""

import json
from pathlib import Path

import numpy as np
import pytrec_eval
from scipy.stats import spearmanr

random = np.random.default_rng(5)
documents = [f"d{i}" for i in range(150)]
qrels, run = {}, {}
for q in range(20):
    judged = random.choice(documents, size=int(random.integers(1, 12)), replace=False)
    qrels[f"q{q}"] = {d: int(random.integers(0 if i else 1, 4)) for i, d in enumerate(judged)}
    ranking = random.permutation(documents)[: int(random.integers(5, 130))]
    run[f"q{q}"] = {d: float(len(ranking) - i) for i, d in enumerate(ranking)}

measured = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "recall.10,100", "map_cut.100", "recip_rank"}).evaluate(run)
mean = lambda name: float(np.mean([measured[q][name] for q in qrels]))
# trec_eval's reciprocal rank has no cut-off
reciprocal = [r if r >= 0.1 - 1e-9 else 0.0 for r in (measured[q]["recip_rank"] for q in qrels)]
pairs = [(random.integers(0, 6, 40).tolist(), random.normal(size=40).round(3).tolist()), ([1, 2, 3, 4], [4, 3, 2, 1]), ([1, 1, 2, 2], [1, 2, 1, 2])]

out = Path(__file__).parent.parent / "test" / "fixtures" / "metrics.json"
out.write_text(json.dumps({
    "relevance": qrels,
    "rankings": {q: sorted(scores, key=scores.get, reverse=True) for q, scores in run.items()},
    "expected": {"ndcg@10": mean("ndcg_cut_10"), "mrr@10": float(np.mean(reciprocal)), "recall@10": mean("recall_10"), "recall@100": mean("recall_100"), "map@100": mean("map_cut_100")},
    "spearman": [{"a": a, "b": b, "expected": float(spearmanr(a, b).statistic)} for a, b in pairs],
}) + "\n")
