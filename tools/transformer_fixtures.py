"""Writes test/fixtures/training/transformer.json: vectors and gradients of a small BERT in PyTorch, in float64, beside which ours from scratch is put.

    pip install torch==2.* transformers==5.*
    python tools/transformer_fixtures.py

The i-th weight, in the order of the file, is 0.3 sin(i + 0.7 k), plus 1 for the scales of norms: JavaScript can make the same numbers.
"""

import json
from pathlib import Path

import torch
from transformers import BertConfig, BertModel

OUT = Path(__file__).parent.parent / "test/fixtures/training/transformer.json"
SHAPE = {"layers": 2, "width": 8, "heads": 2, "hidden": 12, "vocabulary": 20, "positions": 8}
TEXTS = [[2, 7, 9, 4, 3], [2, 11, 3], [2, 3]]


def ramp(shape, seed):
    return torch.sin(seed + 0.7 * torch.arange(torch.Size(shape).numel(), dtype=torch.float64)).reshape(shape)


def main():
    config = BertConfig(
        vocab_size=SHAPE["vocabulary"], hidden_size=SHAPE["width"], num_hidden_layers=SHAPE["layers"], num_attention_heads=SHAPE["heads"],
        intermediate_size=SHAPE["hidden"], max_position_embeddings=SHAPE["positions"], type_vocab_size=1, hidden_act="gelu",
        hidden_dropout_prob=0, attention_probs_dropout_prob=0, attn_implementation="eager",
    )
    model = BertModel(config, add_pooling_layer=False).double()
    weights = dict(model.named_parameters())
    types = weights.pop("embeddings.token_type_embeddings.weight")  # ours has none
    with torch.no_grad():
        types.zero_()
        for index, (name, weight) in enumerate(weights.items()):
            weight.copy_(0.3 * ramp(weight.shape, index) + (1 if name.endswith("LayerNorm.weight") else 0))
    longest = max(map(len, TEXTS))
    ids = torch.tensor([text + [0] * (longest - len(text)) for text in TEXTS])
    mask = torch.tensor([[1] * len(text) + [0] * (longest - len(text)) for text in TEXTS])
    tokens = model(input_ids=ids, attention_mask=mask).last_hidden_state
    vectors = (tokens * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    upstream = ramp(vectors.shape, 1)
    (vectors * upstream).sum().backward()
    rounded = lambda tensor: [float(f"{x:.10g}") for x in tensor.flatten().tolist()]
    OUT.write_text(json.dumps({
        "shape": SHAPE, "texts": TEXTS, "vectors": rounded(vectors.detach()), "upstream": rounded(upstream),
        "weights": {name: {"dims": list(weight.shape), "gradient": rounded(weight.grad)} for name, weight in weights.items()},
    }) + "\n")


main()
