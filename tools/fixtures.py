"""Writes test/fixtures/models: small random sentence encoders of several families, with the vectors that sentence-transformers gives for them.

    pip install torch==2.15.* transformers==5.* sentence-transformers==6.2.* onnx onnxscript
    python tools/fixtures.py [--only NAME]

Each folder is what a user would have: the files of sentence-transformers, an ONNX export, and expected.json (texts, token ids, unit-length vectors of documents
and queries). The tests read these files and need no Python.
"""

import argparse
import json
import shutil
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import onnx
import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig, BertModel, DistilBertConfig, DistilBertModel, MPNetConfig, MPNetModel, PreTrainedTokenizerFast, RobertaConfig, RobertaModel,
    XLMRobertaConfig, XLMRobertaModel,
)

warnings.filterwarnings("ignore")
torch.set_num_threads(1)

OUT = Path(__file__).parent.parent / "test" / "fixtures" / "models"
TEXTS = [
    "a", " ", "hello world", "The quick brown fox jumps over the lazy dog.", "UPPER lower MiXeD", "naïve café Zürich", "東京は日本の首都です", "emoji 🧪 here",
    "punctuation: a-b, c/d; (e)!", "numbers 1234567890 3.14", "one two three four five six seven eight nine ten " * 6,
]
CORPUS = TEXTS + ["the cat sat on the mat", "query passage document search text words lower upper quick brown fox lazy dog one two three four"] * 3
SIZE = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, max_position_embeddings=66)


@dataclass
class Variant:
    name: str
    family: str
    exporter: str = "tracing"
    pooling: dict = field(default_factory=lambda: {"pooling_mode": "mean"})
    max_length: int | None = 32
    prompts: dict | None = None
    dense: str | None = None
    normalize: bool = True
    padding_side: str = "right"
    position_ids: bool = False
    sentence_output: bool = False
    external_data: bool = False
    plain: bool = False
    half: bool = False
    # Modules after Pooling, in order, where they are others than Dense and Normalize: (kind, settings)
    modules: list | None = None
    truncation_side: str = "right"
    lower_case: bool = False
    own_head: bool = False
    data_name: str = "model.onnx_data"


VARIANTS = [
    Variant("bert-tracing", "bert", pooling={"word_embedding_dimension": 32, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}),
    Variant("bert-dynamo", "bert", exporter="dynamo", pooling={"pooling_mode": "cls"}),
    Variant("bert-position-ids", "bert", position_ids=True, pooling={"pooling_mode": "max"}, max_length=16),
    Variant("bert-left-padding", "bert", padding_side="left", position_ids=True, pooling={"pooling_mode": "lasttoken"}),
    Variant("bert-sentence-output", "bert", sentence_output=True),
    Variant("bert-plain", "bert", plain=True, max_length=None),
    Variant("bert-external-data", "bert", external_data=True, half=True),
    Variant("distilbert-tracing", "distilbert", dense="torch.nn.modules.activation.Tanh", pooling={"pooling_mode": "mean_sqrt_len_tokens"}),
    Variant("distilbert-dynamo", "distilbert", exporter="dynamo", normalize=False),
    Variant("roberta-tracing", "roberta", prompts={"query": "query: ", "document": "passage: "}),
    Variant("roberta-dynamo", "roberta", exporter="dynamo", prompts={"query": "query: ", "document": "passage: "},
            pooling={"pooling_mode": ["mean", "max"], "include_prompt": False}),
    Variant("mpnet-tracing", "mpnet", pooling={"pooling_mode": "weightedmean"}),
    Variant("mpnet-dynamo", "mpnet", exporter="dynamo", dense="torch.nn.modules.linear.Identity"),
    Variant("xlm-roberta-tracing", "xlm-roberta"),
    Variant("distilbert-modules", "distilbert", modules=[
        ("Normalize", {}), ("Dense", {"out": 24, "activation_function": "torch.nn.modules.activation.Tanh"}), ("Dropout", {"dropout": 0.1}),
        ("LayerNorm", {}), ("Dense", {"out": 24, "activation_function": "torch.nn.modules.activation.GELU", "use_residual": True}),
        ("Dense", {"out": 12, "activation_function": "torch.nn.modules.linear.Identity", "use_residual": True}),
    ]),
    Variant("distilbert-normalize-first", "distilbert", modules=[
        ("Normalize", {}), ("Dense", {"out": 24, "activation_function": "torch.nn.modules.activation.ReLU"}), ("Normalize", {}),
    ]),
    Variant("bert-own-sentence", "bert", sentence_output=True, own_head=True),
    Variant("bert-named-data", "bert", external_data=True, data_name="model.onnx.data"),
    Variant("bert-left-truncation", "bert", truncation_side="left", max_length=16),
    Variant("roberta-lower-case", "roberta", lower_case=True, prompts={"query": "Query: ", "document": "Passage: "}),
]


def wordpiece_tokenizer():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=180, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer, dict(pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")


def byte_level_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer, dict(pad_token="<pad>", unk_token="<unk>", cls_token="<s>", sep_token="</s>", bos_token="<s>", eos_token="</s>", mask_token="<mask>")


def unigram_tokenizer():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(" {2,}", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(CORPUS, trainers.UnigramTrainer(vocab_size=180, special_tokens=special, unk_token="<unk>"))
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> </s> $B </s>", [("<s>", 0), ("</s>", 2)])
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer, dict(pad_token="<pad>", unk_token="<unk>", cls_token="<s>", sep_token="</s>", bos_token="<s>", eos_token="</s>", mask_token="<mask>")


def family(name):
    """Tokenizer, its special tokens, configuration and model of a family."""
    distil = dict(dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=66)
    pad = dict(pad_token_id=1, bos_token_id=0, eos_token_id=2)
    tokenizer, special = {"bert": wordpiece_tokenizer, "distilbert": wordpiece_tokenizer, "mpnet": byte_level_tokenizer,
                          "roberta": byte_level_tokenizer, "xlm-roberta": unigram_tokenizer}[name]()
    vocab = tokenizer.get_vocab_size()
    config, model = {
        "bert": lambda: (BertConfig(vocab_size=vocab, **SIZE), BertModel),
        "distilbert": lambda: (DistilBertConfig(vocab_size=vocab, **distil), DistilBertModel),
        "roberta": lambda: (RobertaConfig(vocab_size=vocab, type_vocab_size=1, **SIZE, **pad), RobertaModel),
        "mpnet": lambda: (MPNetConfig(vocab_size=vocab, **SIZE, **pad), MPNetModel),
        "xlm-roberta": lambda: (XLMRobertaConfig(vocab_size=vocab, type_vocab_size=1, **SIZE, **pad), XLMRobertaModel),
    }[name]()
    config._attn_implementation = "eager"
    torch.manual_seed(7)
    network = model(config).eval()
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)  # larger differences than the small initial weights give
    return tokenizer, special, network


class ForExport(torch.nn.Module):
    def __init__(self, network, names, sentence, head=None):
        super().__init__()
        self.network, self.names, self.sentence, self.head = network, names, sentence, head

    def forward(self, *inputs):
        hidden = self.network(**dict(zip(self.names, inputs))).last_hidden_state
        if not self.sentence:
            return hidden
        mask = inputs[1].unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        return hidden, torch.tanh(self.head(mean)) if self.head else mean


def own_head():
    """A layer that only the model's own vector of a text has gone through."""
    torch.manual_seed(5)
    return torch.nn.Linear(32, 20)


def without_traces(model):
    """The dynamo exporter notes where in Python each node came from: that is nobody's business."""
    graph = model.graph
    for part in [model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer, *model.functions]:
        part.doc_string = ""
        del part.metadata_props[:]
    return model


def export(variant, network, folder):
    (folder / "onnx").mkdir()
    names = ["input_ids", "attention_mask"]
    if variant.family == "bert":
        names.append("token_type_ids")
    if variant.position_ids:
        names.append("position_ids")
    ids = torch.tensor([[2, 8, 9, 10, 3], [2, 11, 3, 0, 0]])
    examples = {"input_ids": ids, "attention_mask": (ids != 0).long(), "token_type_ids": torch.zeros_like(ids), "position_ids": torch.arange(5).repeat(2, 1)}
    tokens = "last_hidden_state" if variant.own_head else "token_embeddings"
    outputs = [tokens, "sentence_embedding"] if variant.sentence_output else ["last_hidden_state"]
    path = folder / "onnx" / "model.onnx"
    wrapped = ForExport(network, names, variant.sentence_output, own_head() if variant.own_head else None)
    args = tuple(examples[name] for name in names)
    if variant.exporter == "tracing":
        axes = {name: {0: "batch_size", 1: "sequence_length"} for name in names + outputs[:1]} | {name: {0: "batch_size"} for name in outputs[1:]}
        torch.onnx.export(wrapped, args, str(path), input_names=names, output_names=outputs, dynamic_axes=axes, opset_version=17, dynamo=False)
    else:
        shape = {0: torch.export.Dim("batch", min=1, max=4096), 1: torch.export.Dim("sequence", min=2, max=64)}
        torch.onnx.export(wrapped, args, str(path), input_names=names, output_names=outputs, dynamic_shapes=((shape,) * len(names),), dynamo=True, external_data=False)
    model = without_traces(onnx.load(str(path)))
    onnx.save(model, str(path))
    if variant.external_data or variant.half:
        if variant.half:
            from onnxruntime.transformers.float16 import convert_float_to_float16
            onnx.save(convert_float_to_float16(onnx.load(str(path)), keep_io_types=False), str(folder / "onnx" / "model_fp16.onnx"))
        if variant.external_data:
            path.unlink()
            onnx.save(model, str(path), save_as_external_data=True, location=variant.data_name, size_threshold=0)


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_modules(variant, folder):
    """The files that sentence-transformers keeps beside the model."""
    if variant.plain:
        return
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    pooled = 32 * (len(variant.pooling["pooling_mode"]) if isinstance(variant.pooling.get("pooling_mode"), list) else 1)
    write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 32, **variant.pooling} if "pooling_mode" not in variant.pooling
               else {"embedding_dimension": 32, **variant.pooling})
    if variant.dense:
        modules.append(("2_Dense", "Dense"))
        write_json(folder / "2_Dense" / "config.json", {"in_features": pooled, "out_features": 24, "bias": True, "activation_function": variant.dense})
        torch.manual_seed(3)
        save_file({"linear.weight": torch.randn(24, pooled) / 4, "linear.bias": torch.randn(24) / 4}, str(folder / "2_Dense" / "model.safetensors"))
    width = pooled
    for kind, settings in variant.modules or []:
        place = folder / f"{len(modules)}_{kind}"
        modules.append((place.name, kind))
        place.mkdir()
        torch.manual_seed(len(modules))
        if kind == "Dense":
            out = settings["out"]
            facts = {name: value for name, value in settings.items() if name != "out"}
            write_json(place / "config.json", {"in_features": width, "out_features": out, "bias": True, **facts})
            tensors = {"linear.weight": torch.randn(out, width) / 3, "linear.bias": torch.randn(out) / 3}
            if facts.get("use_residual") and out != width:
                tensors["residual.weight"] = torch.randn(out, width) / 3
            save_file(tensors, str(place / "model.safetensors"))
            width = out
        if kind == "LayerNorm":
            write_json(place / "config.json", {"dimension": width})
            save_file({"norm.weight": 1 + torch.randn(width) / 3, "norm.bias": torch.randn(width) / 3}, str(place / "model.safetensors"))
        if kind == "Dropout":
            write_json(place / "config.json", settings)
    if variant.normalize and variant.modules is None:
        modules.append((f"{len(modules)}_Normalize", "Normalize"))
    write_json(folder / "modules.json", [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"} for i, (path, kind) in enumerate(modules)])
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": variant.max_length, "do_lower_case": variant.lower_case})
    write_json(folder / "config_sentence_transformers.json", {"prompts": variant.prompts or {}, "default_prompt_name": None})
    if modules[-1][1] == "Normalize":
        (folder / modules[-1][0]).mkdir(exist_ok=True)


def expected(variant, folder, network):
    """What sentence-transformers itself gives for the folder, with PyTorch's weights put beside the files for the moment."""
    with tempfile.TemporaryDirectory() as temporary:
        complete = Path(temporary) / "model"
        shutil.copytree(folder, complete)
        network.save_pretrained(complete)
        model = SentenceTransformer(str(complete), device="cpu", model_kwargs={"attn_implementation": "eager"})
        unit = lambda vectors: torch.nn.functional.normalize(torch.as_tensor(vectors, dtype=torch.float64), dim=-1)
        rounded = lambda vectors: [[float(f"{x:.7g}") for x in row] for row in unit(vectors).tolist()]
        one_by_one = lambda encode: torch.stack([torch.as_tensor(encode([text])[0]) for text in TEXTS])
        if variant.own_head:
            wrapped = ForExport(network, ["input_ids", "attention_mask", "token_type_ids"], True, own_head()).eval()
            read = lambda text: model.tokenizer(text, truncation=True, max_length=model.max_seq_length, return_tensors="pt")
            with_types = lambda ids, mask: wrapped(ids, mask, torch.zeros_like(ids))[1].detach()
            own = lambda texts: with_types(read(texts[0])["input_ids"], read(texts[0])["attention_mask"])
            vectors = rounded(one_by_one(own))
            return {"texts": TEXTS, "ids": [read(text)["input_ids"][0].tolist() for text in TEXTS], "document": vectors, "query": vectors}
        return {
            "texts": TEXTS,
            "ids": [model.tokenizer(text, truncation=True, max_length=model.max_seq_length)["input_ids"] for text in TEXTS],
            "document": rounded(one_by_one(model.encode_document)),
            "query": rounded(one_by_one(model.encode_query)),
        }


def make(variant):
    folder = OUT / variant.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tokenizer, special, network = family(variant.family)
    network.config.save_pretrained(folder)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, padding_side=variant.padding_side,
                                   truncation_side=variant.truncation_side, **special)
    fast.save_pretrained(folder)
    write_modules(variant, folder)
    export(variant, network, folder)
    write_json(folder / "expected.json", expected(variant, folder, network))
    print(f"{variant.name}: {sum(file.stat().st_size for file in folder.rglob('*') if file.is_file()) // 1024} KB")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only")
    only = arguments.parse_args().only
    for variant in VARIANTS:
        if only in (None, variant.name):
            make(variant)
