"""Writes test/fixtures/training/ops.json and resnet-8.json: what PyTorch, in float64, gives for operators of images. CI reads the files and needs no Python.

    pip install torch==2.*
    python tools/op_fixtures.py

ops.json       a row an operator and a way to use it: result, and gradients of all inputs for the upstream of `numbers`
resnet-8.json  a residual network of eight layers: gradients of one step, then losses and running statistics of ten steps of SGD, and what it gives in the end
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

OUT = Path(__file__).parent.parent / "test" / "fixtures" / "training"
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def random(seed):
    """The numbers in [0, 1) that src/shared/random.ts gives for a seed."""
    state, word = seed, 0xFFFFFFFF
    while True:
        state = (state + 0x6D2B79F5) & word
        mixed = ((state ^ (state >> 15)) * (state | 1)) & word
        mixed ^= (mixed + ((mixed ^ (mixed >> 7)) * (mixed | 61) & word)) & word
        yield ((mixed ^ (mixed >> 14)) & word) / 2**32


def numbers(shape, seed, scale=1.0):
    source = random(seed)
    return torch.tensor([(2 * next(source) - 1) * scale for _ in range(math.prod(shape))]).reshape(shape)


def row(op, shapes, run, attributes=None, values=None, **others):
    """`values`: given instead of random ones. `run`: PyTorch's function of the inputs."""
    inputs = [numbers(shape, seed + 1) for seed, shape in enumerate(shapes)]
    if op == "BatchNormalization":
        inputs[4] = inputs[4].abs() + 0.5
    if values is not None:
        inputs[0] = torch.tensor(values, dtype=torch.float64)
    for value in inputs:
        value.requires_grad_()
    result = run(*inputs)
    result.backward(numbers(result.shape, 99))
    gradients = [value.grad for value in inputs]
    short = lambda tensor: [float(f"{number:.7g}") for number in tensor.flatten().tolist()]
    return {"op": op, "attributes": attributes or {}, "inputs": [list(value.shape) for value in inputs], **({"values": values} if values is not None else {}), **others,
            "result": {"dims": list(result.shape), "values": short(result)}, "gradients": [None if gradient is None else short(gradient) for gradient in gradients]}


def convolutions():
    conv = lambda **options: lambda x, w, b: F.conv2d(x, w, b, **options)
    back = lambda **options: lambda x, w, b: F.conv_transpose2d(x, w, b, **options)
    return [
        row("Conv", [(2, 12, 5, 6), (3, 12, 3, 3), (3,)], conv(padding=1), {"pads": [1, 1, 1, 1]}),
        row("Conv", [(2, 3, 7, 6), (4, 3, 3, 2), (4,)], conv(padding=(1, 0), stride=(2, 3)), {"pads": [1, 0, 1, 0], "strides": [2, 3]}),
        row("Conv", [(1, 9, 7, 7), (2, 9, 3, 3), (2,)], conv(padding=2, dilation=2), {"pads": [2, 2, 2, 2], "dilations": [2, 2]}),
        row("Conv", [(2, 4, 5, 5), (4, 1, 3, 3), (4,)], conv(padding=1, groups=4), {"pads": [1, 1, 1, 1], "group": 4}),
        row("Conv", [(2, 18, 4, 4), (4, 9, 3, 3), (4,)], conv(groups=2, stride=2, padding=1), {"pads": [1, 1, 1, 1], "group": 2, "strides": [2, 2]}),
        row("Conv", [(2, 2, 13, 11), (3, 2, 7, 7), (3,)], conv(stride=2, padding=3), {"pads": [3, 3, 3, 3], "strides": [2, 2]}),
        row("Conv", [(2, 9, 9, 8), (3, 9, 2, 1), (3,)], conv(stride=(4, 3)), {"strides": [4, 3]}),
        row("Conv", [(2, 9, 1, 1), (3, 9, 3, 3), (3,)], conv(padding=1), {"pads": [1, 1, 1, 1]}),
        row("Conv", [(2, 3, 5, 5), (4, 3, 2, 2), (4,)], lambda x, w, b: F.conv2d(F.pad(x, (0, 2, 1, 0)), w, b), {"pads": [1, 0, 0, 2]}),
        row("Conv", [(2, 3, 9), (4, 3, 4), (4,)], lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1), {"pads": [1, 1], "strides": [2]}),
        row("ConvTranspose", [(2, 3, 4, 3), (3, 9, 3, 3), (9,)], back(stride=2, padding=1, output_padding=1),
            {"pads": [1, 1, 1, 1], "strides": [2, 2], "output_padding": [1, 1]}),
        row("ConvTranspose", [(2, 4, 3, 3), (4, 2, 3, 2), (4,)], back(stride=(1, 2), groups=2, dilation=(2, 1)), {"group": 2, "strides": [1, 2], "dilations": [2, 1]}),
        row("ConvTranspose", [(2, 3, 5), (3, 2, 4), (2,)], lambda x, w, b: F.conv_transpose1d(x, w, b, stride=3, padding=1), {"pads": [1, 1], "strides": [3]}),
    ]


def norms():
    train = lambda x, w, b, mean, variance: F.batch_norm(x, None, None, w, b, training=True, eps=1e-3)
    infer = lambda x, w, b, mean, variance: (x - mean.view(1, -1, 1, 1)) / torch.sqrt(variance.view(1, -1, 1, 1) + 1e-5) * w.view(1, -1, 1, 1) + b.view(1, -1, 1, 1)
    channels = [(3,)] * 4
    return [
        row("BatchNormalization", [(4, 3, 3, 2), *channels], train, {"training_mode": 1, "epsilon": 1e-3}, outputs=3),
        row("BatchNormalization", [(5, 3), *channels], train, {"training_mode": 1, "epsilon": 1e-3, "momentum": {"float": 0}}, outputs=3),
        row("BatchNormalization", [(2, 3, 2, 2), *channels], infer),
        row("GroupNormalization", [(2, 6, 3, 2), (6,), (6,)], lambda x, w, b: F.group_norm(x, 2, w, b), {"num_groups": 2}, opset=21),
        row("InstanceNormalization", [(2, 3, 3, 3), (3,), (3,)], lambda x, w, b: F.instance_norm(x, weight=w, bias=b)),
    ]


def pools():
    images = [(2, 2, 7, 6)]
    ties = [[[[1, 1, 0, 2], [1, 0, 0, 2], [0, 0, 0, 0], [3, 0, 0, 3]]]]
    most = lambda **options: lambda x: F.max_pool2d(x, **options)
    mean = lambda **options: lambda x: F.avg_pool2d(x, **options)
    window = {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    options = dict(kernel_size=(3, 2), stride=2, padding=1)
    return [
        row("MaxPool", images, most(**options), window),
        row("MaxPool", images, most(**options, ceil_mode=True), {**window, "ceil_mode": 1}),
        row("MaxPool", images, most(kernel_size=2, stride=1, dilation=2), {"kernel_shape": [2, 2], "dilations": [2, 2]}, outputs=2),
        row("MaxPool", [(1, 1, 4, 4)], most(kernel_size=3, stride=1, padding=1), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, ties),
        row("AveragePool", images, mean(**options), {**window, "count_include_pad": 1}),
        row("AveragePool", images, mean(**options, count_include_pad=False), window),
        row("AveragePool", images, mean(**options, ceil_mode=True), {**window, "count_include_pad": 1, "ceil_mode": 1}),
        row("AveragePool", [(2, 2, 8)], lambda x: F.avg_pool1d(x, 3, 2, ceil_mode=True), {"kernel_shape": [3], "strides": [2], "ceil_mode": 1}),
        row("GlobalAveragePool", images, lambda x: F.adaptive_avg_pool2d(x, 1)),
        row("GlobalMaxPool", [(1, 1, 4, 4)], lambda x: F.adaptive_max_pool2d(x, 1), values=ties),
    ]


def borders():
    pad = lambda mode: lambda x: F.pad(x, (2, 1, 0, 2), mode=mode)
    resize = lambda **options: lambda x: F.interpolate(x, size=(5, 7), **options)
    around = {"pads": [0, 0, 0, 2, 0, 0, 2, 1]}
    size = {"sizes": [2, 2, 5, 7]}
    images = [(2, 2, 4, 4)]
    half = {"coordinate_transformation_mode": "pytorch_half_pixel"}
    corners = {"coordinate_transformation_mode": "align_corners"}
    floor = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return [
        *[row("Pad", images, pad(name), {"mode": mode}, constants=around) for name, mode in [("constant", "constant"), ("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")]],
        row("Resize", images, resize(mode="nearest"), {"mode": "nearest", **floor}, constants=size),
        row("Resize", images, resize(mode="bilinear"), {"mode": "linear", **half}, constants=size),
        row("Resize", images, resize(mode="bilinear", align_corners=True), {"mode": "linear", **corners}, constants=size),
        row("Resize", images, resize(mode="bicubic"), {"mode": "cubic", "cubic_coeff_a": -0.75, **half}, constants=size),
        row("Resize", [(1, 2, 8, 9)], lambda x: F.interpolate(x, size=(3, 4), mode="bilinear", antialias=True), {"mode": "linear", "antialias": 1, "exclude_outside": 1, **half}, constants={"sizes": [1, 2, 3, 4]}),
        row("Resize", images, lambda x: F.interpolate(x, scale_factor=2, mode="nearest"), {"mode": "nearest", **floor}, constants={"scales": [1, 1, 2, 2]}),
    ]


def activations():
    # the corners too
    x = [-5, -3, -2.5, -1, -0.25, 0, 0.25, 1, 2.5, 3, 5]
    point = lambda op, run, attributes=None, **others: row(op, [(len(x),), *others.pop("more", [])], run, attributes, x, **others)
    return [
        point("Relu", F.relu), point("Sigmoid", torch.sigmoid), point("Swish", F.silu, opset=24), point("Softplus", F.softplus),
        point("LeakyRelu", lambda x: F.leaky_relu(x, 0.2), {"alpha": 0.2}), point("Elu", F.elu),
        point("PRelu", F.prelu, more=[(1,)]),
        point("HardSwish", F.hardswish), point("HardSigmoid", F.hardsigmoid, {"alpha": 1 / 6}),
    ]


class Block(torch.nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        conv = lambda before, after, size, stride: torch.nn.Conv2d(before, after, size, stride, size // 2, bias=False)
        self.first, self.first_norm = conv(channels, filters, 3, stride), torch.nn.BatchNorm2d(filters)
        self.second, self.second_norm = conv(filters, filters, 3, 1), torch.nn.BatchNorm2d(filters)
        self.shortcut = None if stride == 1 else torch.nn.Sequential(conv(channels, filters, 1, stride), torch.nn.BatchNorm2d(filters))

    def forward(self, x):
        inner = self.second_norm(self.second(F.relu(self.first_norm(self.first(x)))))
        return F.relu(inner + (x if self.shortcut is None else self.shortcut(x)))


class ResNet8(torch.nn.Module):
    """He et al. 2016, section 4.2, with n = 1: a convolution, three blocks of two, and a linear layer."""

    def __init__(self):
        super().__init__()
        self.stem, self.stem_norm = torch.nn.Conv2d(3, 4, 3, 1, 1, bias=False), torch.nn.BatchNorm2d(4)
        self.blocks = torch.nn.Sequential(Block(4, 4, 1), Block(4, 8, 2), Block(8, 16, 2))
        self.classes = torch.nn.Linear(16, 10)

    def forward(self, x):
        x = self.blocks(F.relu(self.stem_norm(self.stem(x))))
        return self.classes(x.mean(dim=(2, 3)))


def resnet():
    model = ResNet8().train()
    for seed, (name, value) in enumerate(model.named_parameters()):
        fan = value[0].numel() if value.ndim > 1 else 1
        base = 1.0 if value.ndim == 1 and name.endswith("weight") else 0.0
        value.data = base + numbers(value.shape, seed + 1, 0.2 if value.ndim == 1 else math.sqrt(6 / fan))
    images, labels = numbers((6, 3, 9, 9), 77), torch.arange(6) * 3 % 10
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses, gradients = [], {}
    for step in range(10):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            gradients = {name: {"dims": list(value.shape), "values": [float(f"{number:.7g}") for number in value.grad.flatten().tolist()]} for name, value in model.named_parameters()}
        optimizer.step()
    buffers = {name: value.tolist() for name, value in model.named_buffers() if "running" in name}
    classes = model.eval()(images).flatten().tolist()
    return {"losses": losses, "gradients": gradients, "buffers": buffers, "classes": classes}


if __name__ == "__main__":
    rows = [*convolutions(), *norms(), *pools(), *borders(), *activations()]
    (OUT / "ops.json").write_text("[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in rows) + "\n]\n")
    (OUT / "resnet-8.json").write_text(json.dumps(resnet(), separators=(",", ":")) + "\n")
