"""Training steps of all-MiniLM-L6-v2 in PyTorch, as bench/finetune-step.ts takes them: prints their milliseconds. PYTORCH_MODEL names the folder with the weights."""

import json
import os
import resource
import sys
import time

import torch
from transformers import AutoModel

texts, tokens, steps = map(int, sys.argv[1:4])
torch.set_num_threads(os.cpu_count())
model = AutoModel.from_pretrained(os.environ["PYTORCH_MODEL"]).train()
ids = torch.tensor([1000 + (i * 7919) % 20000 for i in range(texts * tokens)]).view(texts, tokens)
mask = torch.ones_like(ids)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
times = []
for step in range(steps + 2):
    started = time.perf_counter()
    hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
    unit = torch.nn.functional.normalize(hidden.mean(1))
    half = texts // 2
    loss = torch.nn.functional.cross_entropy(unit[:half] @ unit[half:].T / 0.05, torch.arange(half))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step > 1:
        times.append((time.perf_counter() - started) * 1000)
print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB", file=sys.stderr)
print(json.dumps(times))
