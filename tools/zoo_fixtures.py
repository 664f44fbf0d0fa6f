"""Writes test/fixtures/zoo: a tiny random model of every family of text encoders, from both of PyTorch's exporters, with what PyTorch gives for it in float64.

    pip install torch==2.9.* transformers==5.24.* tokenizers onnx onnxscript
    python tools/zoo_fixtures.py [--only FAMILY] [--out FOLDER]

FAMILY/config.json     as transformers writes it
FAMILY/tracing.onnx.gz, FAMILY/dynamo.onnx.gz
FAMILY/golden.json     vectors of the texts and queries, and of one step: the loss, and of each parameter's gradient its norm and its products with vectors of random signs
encoder.json, decoder.json   the tokenizers: special tokens around a text, or one at its end

All weights are whole multiples of 1/64, so that the files are small; no two are equal unless the model shares them, but for bert-untrained.
"""

import argparse
import functools
import gzip
import json
import math
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
import transformers
from onnx import numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from fixtures import without_traces
from training_fixtures import info_nce, signs

warnings.filterwarnings("ignore")
torch.set_num_threads(1)

OUT = Path(__file__).parent.parent / "test" / "fixtures" / "zoo"
TEXTS = ["hello world", "a", "the quick brown fox jumps over the lazy dog", "one two three four five six seven eight nine ten"]
PAIRS = [("hello world", "the quick brown fox jumps over the lazy dog"), ("a cat", "one two three four five six seven eight nine ten"), ("lazy dog", "world of a fox")]
CORPUS = [*TEXTS, *(text for pair in PAIRS for text in pair), "query passage document"]
PAD, SEP = 1, 2

SIZE = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, max_position_embeddings=40, pad_token_id=PAD, bos_token_id=0, eos_token_id=SEP)
DECODER = SIZE | dict(num_key_value_heads=1, head_dim=8)

# family → class of the model (its configuration's class is in the model), settings, extra inputs, kind
FAMILIES = {
    "bert": ("BertModel", SIZE, ["token_type_ids"], "encoder"),
    # as a new model is: equal biases and norms, which exporters merge
    "bert-untrained": ("BertModel", SIZE | dict(intermediate_size=32), ["token_type_ids"], "encoder"),
    "roberta": ("RobertaModel", SIZE | dict(type_vocab_size=1), [], "encoder"),
    "camembert": ("CamembertModel", SIZE | dict(type_vocab_size=1), [], "encoder"),
    "distilbert": ("DistilBertModel", dict(dim=16, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=40, pad_token_id=PAD), [], "encoder"),
    "mpnet": ("MPNetModel", SIZE, [], "encoder"),
    # more than 1,024 numbers to a matrix: below, the dynamo exporter merges what it writes once for each use
    "albert": ("AlbertModel", SIZE | dict(hidden_size=40, embedding_size=8), ["token_type_ids"], "encoder"),
    "electra": ("ElectraModel", SIZE | dict(embedding_size=8), ["token_type_ids"], "encoder"),
    "deberta-v3": ("DebertaV2Model", SIZE | dict(hidden_size=40, relative_attention=True, position_buckets=8, max_relative_positions=-1, pos_att_type=["p2c", "c2p"], norm_rel_ebd="layer_norm",
                                                 share_att_key=True, position_biased_input=False, type_vocab_size=0), [], "encoder"),
    "t5": ("T5EncoderModel", dict(d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2, relative_attention_num_buckets=8, relative_attention_max_distance=12, pad_token_id=PAD,
                                  eos_token_id=SEP, feed_forward_proj="gated-gelu"), [], "encoder"),
    "modernbert": ("ModernBertModel", SIZE | dict(local_attention=4, global_attn_every_n_layers=2, cls_token_id=0, sep_token_id=SEP), [], "encoder"),
    "nomic-bert": ("NomicBertModel", SIZE, ["token_type_ids"], "encoder"),
    "gte": ("GteModel", SIZE, [], "encoder"),
    "eurobert": ("EuroBertModel", DECODER, [], "encoder"),
    "jina-v3": ("JinaEmbeddingsV3Model", SIZE | dict(type_vocab_size=1), [], "encoder"),
    "qwen2": ("Qwen2Model", DECODER, [], "decoder"),
    "qwen3": ("Qwen3Model", DECODER, [], "decoder"),
    # attention as transformers runs it unless told otherwise: rows that are padded look at nothing
    "qwen3-sdpa": ("Qwen3Model", DECODER | dict(attention="sdpa"), [], "decoder"),
}


@functools.cache
def tokenizer_of(kind):
    """Words and pieces of words; the padding token is 1, as in RoBERTa."""
    words = sorted({word for text in CORPUS for word in text.split()})
    letters = sorted({letter for word in words for letter in word})
    vocabulary = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]", *letters, *(f"##{letter}" for letter in letters), *(word for word in words if len(word) > 3)]
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(dict.fromkeys(vocabulary))}, unk_token="[UNK]"))
    tokenizer.add_special_tokens(["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"])
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    template = "[CLS] $A [SEP]" if kind == "encoder" else "$A [SEP]"
    tokenizer.post_processor = processors.TemplateProcessing(template, None, [("[CLS]", 0), ("[SEP]", SEP)])
    return tokenizer


def network_of(family):
    """Random weights in sixty-fourths, no two tensors alike."""
    name, settings, extra, kind = FAMILIES[family]
    model = getattr(transformers, name)
    settings = dict(settings)
    attention = settings.pop("attention", "eager")
    config = model.config_class(vocab_size=tokenizer_of(kind).get_vocab_size(), **settings)
    config._attn_implementation = attention
    torch.manual_seed(7)
    network = model(config).eval()
    for parameter in network.parameters():
        noise = 0.2 * torch.randn_like(parameter) if parameter.dim() > 1 or not family.endswith("untrained") else 0
        parameter.data = ((parameter.data + noise) * 64).round() / 64
    return network, ["input_ids", "attention_mask", *extra], kind


class ForExport(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, input_ids, attention_mask, token_type_ids=None):
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        return self.network(input_ids=input_ids, attention_mask=attention_mask, **types).last_hidden_state


def export(network, names, exporter, path):
    ids = torch.tensor([[0, 8, 9, 10, 2, 1, 1], [0, 11, 12, 13, 14, 15, 2], [0, 11, 2, 1, 1, 1, 1]])
    examples = {"input_ids": ids, "attention_mask": (ids != 1).long(), "token_type_ids": torch.zeros_like(ids)}
    args = tuple(examples[name] for name in names)
    wrapped = ForExport(network).eval()
    common = dict(input_names=names, output_names=["last_hidden_state"])
    if exporter == "tracing":
        axes = {name: {0: "batch_size", 1: "sequence_length"} for name in [*names, "last_hidden_state"]}
        torch.onnx.export(wrapped, args, str(path), dynamic_axes=axes, opset_version=17, dynamo=False, **common)
    else:
        shape = {0: torch.export.Dim("batch", min=2, max=4096), 1: torch.export.Dim("sequence", min=2, max=38)}
        torch.onnx.export(wrapped, args, str(path), dynamic_shapes=(shape,) * len(names), dynamo=True, external_data=False, verbose=False, **common)
    return without_traces(onnx.load(str(path)))


def embed(network, names, kind, texts):
    """Vectors of texts, each by itself, so that no padding takes part: the last token's for decoders, else the mean."""
    def one(text):
        ids = torch.tensor([tokenizer_of(kind).encode(text).ids])
        given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)}
        hidden = network(**{name: given[name] for name in names}).last_hidden_state[0]
        return hidden[-1] if kind == "decoder" else hidden.mean(0)
    return torch.stack([one(text) for text in texts])


def names_in(model, parameters):
    """ONNX weight → parameter of PyTorch, by its name or else by its values; "T" in front where it is transposed. Weights of one number throughout may be another's copy by Identity."""
    found = {}
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    copied = [(node.output[0], weights[node.input[0]]) for node in model.graph.node if node.op_type == "Identity" and node.input[0] in weights]
    weights |= {name: values for name, values in copied if values.size > 1 and np.ptp(values) == 0}
    for name, values in weights.items():
        if values.dtype != np.float32 or values.size < 2:
            continue
        if name.removeprefix("network.") in parameters:
            found[name] = name.removeprefix("network.")
            continue
        for own_name, parameter in parameters.items():
            own = parameter.detach().float().numpy()
            if own.size == values.size and np.array_equal(own.reshape(-1), values.reshape(-1)):
                found[name] = own_name
            elif own.ndim == 2 and own.T.shape == values.shape and np.array_equal(own.T, values):
                found[name] = f"T {own_name}"
    return found


def golden(network, names, kind):
    double = network.double()
    with torch.no_grad():
        vectors = torch.nn.functional.normalize(embed(double, names, kind, TEXTS), dim=-1)
    loss = info_nce(embed(double, names, kind, [a for a, _ in PAIRS]), embed(double, names, kind, [p for _, p in PAIRS]))
    loss.backward()
    described = {}
    for name, parameter in double.named_parameters():
        flat = (torch.zeros_like(parameter) if parameter.grad is None else parameter.grad).flatten().numpy()
        rounded = [float(f"{value:.7g}") for value in [np.linalg.norm(flat), *(flat @ signs(flat.size, seed) for seed in range(4))]]
        described[name] = {"shape": list(parameter.shape), "norm": rounded[0], "products": rounded[1:], "used": parameter.grad is not None}
    rounded = [[float(f"{x:.7g}") for x in row] for row in vectors.tolist()]
    return {"texts": TEXTS, "vectors": rounded, "pairs": PAIRS, "loss": loss.item(), "gradients": described}


def make(family, out):
    network, names, kind = network_of(family)
    folder = out / family
    folder.mkdir(parents=True, exist_ok=True)
    network.config.architectures = None
    network.config.save_pretrained(folder)
    parameters = dict(network.named_parameters())
    initializers, sizes = {}, {}
    for exporter in ("tracing", "dynamo"):
        target = folder / f"{exporter}.onnx.gz"
        target.unlink(missing_ok=True)
        try:
            with tempfile.TemporaryDirectory() as temporary:
                model = export(network, names, exporter, Path(temporary) / "model.onnx")
            initializers[exporter] = names_in(model, parameters)
            target.write_bytes(gzip.compress(model.SerializeToString(), 9, mtime=0))
            sizes[exporter] = target.stat().st_size // 1024
        except Exception as error:
            print(f"{family} {exporter}: {type(error).__name__}: {str(error)[:300]}")
    content = {"kind": kind, **golden(network, names, kind), "initializers": initializers}
    (folder / "golden.json").write_text(json.dumps(content) + "\n")
    print(f"{family}: {sizes} KB, golden {(folder / 'golden.json').stat().st_size // 1024} KB", flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only")
    arguments.add_argument("--out", type=Path, default=OUT)
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for kind in ("encoder", "decoder"):
        tokenizer_of(kind).save(str(given.out / f"{kind}.json"), pretty=False)
    for family in FAMILIES:
        if given.only in (None, family):
            make(family, given.out)
