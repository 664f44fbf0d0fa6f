"""Times of one convolution layer in PyTorch, as JSON: forward, to the image, to the weights; ms of each round. Started by bench/conv.ts."""

import json
import sys
import time

import torch
from torch.nn.grad import conv2d_input, conv2d_weight

layer = json.loads(sys.argv[1])
torch.set_num_threads(layer["threads"])
torch.set_grad_enabled(False)
kernel, stride, group = layer["kernel"], layer["stride"], layer.get("group", 1)
padding = 0 if kernel == stride else (kernel - 1) // 2
image = torch.randn(layer["batch"], layer["channels"], layer["size"], layer["size"])
weight = torch.randn(layer["filters"], layer["channels"] // group, kernel, kernel)
options = dict(stride=stride, padding=padding, groups=group)
result = torch.nn.functional.conv2d(image, weight, **options)
runs = {
    "forward": lambda: torch.nn.functional.conv2d(image, weight, **options),
    "image": lambda: conv2d_input(image.shape, weight, result, **options),
    "weights": lambda: conv2d_weight(image, weight.shape, result, **options),
}
times = {name: [] for name in runs}
for turn in range(layer["rounds"] + layer["warm"]):
    for name, run in runs.items():
        began = time.perf_counter()
        run()
        if turn >= layer["warm"]:
            times[name].append((time.perf_counter() - began) * 1e3)
print(json.dumps(times))
