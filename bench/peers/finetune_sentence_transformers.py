"""One epoch of sentence-transformers' MultipleNegativesRankingLoss on a file of pairs; writes an ONNX folder for bench/finetune-runs.ts to measure.

    python finetune_sentence_transformers.py PAIRS BATCH FOLDER_WITH_ONNX OUT      (PYTORCH_MODEL names the folder with PyTorch's weights)
"""

import json
import os
import resource
import shutil
import sys
import tempfile
import time

import numpy as np
import onnx
import torch
from datasets import Dataset
from onnx import numpy_helper
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments, losses
from sentence_transformers.training_args import BatchSamplers

pairs_file, batch, onnx_folder, out = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
torch.set_num_threads(os.cpu_count())
model = SentenceTransformer(os.environ["PYTORCH_MODEL"], device="cpu")
model.max_seq_length = 256
before = {name: parameter.detach().numpy().copy() for name, parameter in model.named_parameters()}
rows = [json.loads(line) for line in open(pairs_file, encoding="utf-8")]
dataset = Dataset.from_dict({"anchor": [row["anchor"] for row in rows], "positive": [row["positive"] for row in rows]})
with tempfile.TemporaryDirectory() as temporary:
    arguments = SentenceTransformerTrainingArguments(
        output_dir=temporary, num_train_epochs=1, per_device_train_batch_size=batch, learning_rate=2e-5, warmup_steps=0.1, batch_sampler=BatchSamplers.NO_DUPLICATES,
        seed=42, use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True)
    trainer = SentenceTransformerTrainer(model=model, args=arguments, train_dataset=dataset, loss=losses.MultipleNegativesRankingLoss(model))
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3

# the trained weights go into the ONNX file in the places of the old ones, found by value
after = {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}
shutil.copytree(onnx_folder, out)
graph = onnx.load(f"{onnx_folder}/onnx/model.onnx")
for tensor in graph.graph.initializer:
    values = numpy_helper.to_array(tensor)
    for name, old in before.items():
        if old.shape == values.shape and np.array_equal(old, values):
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(after[name]), tensor.name))
        elif old.ndim == 2 and old.T.shape == values.shape and np.array_equal(old.T, values):
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(after[name].T), tensor.name))
onnx.save(graph, f"{out}/onnx/model.onnx")
print(json.dumps({"rate": len(rows) / seconds, "memory": memory}))
