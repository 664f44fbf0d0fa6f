"""Writes test/fixtures/rankings.json: judgements and scores that are hard to rank, with what trec_eval makes of them.

    pip install pytrec_eval-terrier
    python tools/ranking_fixtures.py
"""

import json
from pathlib import Path

import numpy as np
import pytrec_eval

random = np.random.default_rng(14)
names = ["d1", "d10", "d2", "D2", "ü", "漢", "\uffff", "🦆", "a b", "#1", "-1", "é", "e\u0301"] + [f"x{i}" for i in range(40)]
depths = [1, 3, 10, 100]
wanted = {f"{name}.{','.join(map(str, depths))}" for name in ("ndcg_cut", "map_cut", "recall", "P")} | {"recip_rank"}


def scores(kind, size):
    if kind == "ties":
        return random.integers(0, 3, size).astype(float)
    if kind == "near ties":  # apart as 64-bit numbers only, some of them
        return 0.5 + random.integers(0, 4, size) * 10.0 ** -random.integers(6, 12, size)
    return random.normal(size=size)


cases = []
for kind in ["plain", "ties", "near ties"]:
    for least in [-2, 0]:
        for shortest, longest in [(0, 2), (5, 40)]:
            qrels, run = {}, {}
            for q in range(6):
                judged = random.choice(names, size=int(random.integers(1, 15)), replace=False)
                most = 0 if q == 0 else 3  # nothing is relevant to the first query
                # trec_eval crashes where every relevance is below -1
                qrels[f"q{q}"] = {str(d): int(random.integers(least if i else 0, most + 1)) for i, d in enumerate(judged)}
                found = random.choice(names, size=int(random.integers(shortest, longest)), replace=False)
                run[f"q{q}"] = dict(zip(map(str, found), scores(kind, len(found)).tolist()))
            measured = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(run)
            mean = lambda name: float(np.mean([measured[q][name] for q in qrels]))
            expected = {}
            for k in depths:
                expected |= {
                    f"ndcg@{k}": mean(f"ndcg_cut_{k}"),
                    f"map@{k}": mean(f"map_cut_{k}"),
                    f"recall@{k}": mean(f"recall_{k}"),
                    f"precision@{k}": mean(f"P_{k}"),
                    # trec_eval's reciprocal rank has no cut-off
                    f"mrr@{k}": float(np.mean([r if r * k > 1 - 1e-9 else 0 for r in (measured[q]["recip_rank"] for q in qrels)])),
                }
            cases.append({"kind": f"{kind}, relevance from {least}, {shortest} to {longest} hits", "relevance": qrels, "scores": run, "expected": expected})

out = Path(__file__).parent.parent / "test" / "fixtures" / "rankings.json"
out.write_text(json.dumps(cases, ensure_ascii=False) + "\n")
