"""Writes test/fixtures/image-zoo: a tiny random model of every family of image encoders as ONNX, with what transformers gives for pictures.

    pip install torch==2.9.* torchvision transformers==5.24.* tokenizers onnx pillow==13.*
    python tools/image_zoo_fixtures.py [--only FAMILY]

FAMILY/config.json, FAMILY/preprocessor_config.json      as transformers writes them
FAMILY/model.onnx.gz                                      as optimum exports it; of two towers vision_model and text_model, as transformers.js has them, too
FAMILY/golden.json                                        vectors of test/fixtures/pictures, of texts too where the model reads them
FAMILY/tokenizer.json, FAMILY/tokenizer_config.json       of models that read texts

Weights are whole multiples of 1/64, so that the files are small.
"""

import argparse
import gzip
import json
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
import transformers
from PIL import Image, ImageOps
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from fixtures import without_traces

warnings.filterwarnings("ignore")
torch.set_num_threads(1)

FIXTURES = Path(__file__).parent.parent / "test" / "fixtures"
OUT = FIXTURES / "image-zoo"
PICTURES = ["photo.jpg", "grey.jpg", "turned-6.jpg", "photo.webp", "palette.png"]
TEXTS = ["a photo of a cat", "Two dogs, RUNNING in the snow!", "a", "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"]
IMAGENET = dict(image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225])
BLOCK = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, image_size=32, patch_size=8)
STAGES = dict(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1])
TEXT_SIDE = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24)
SQUARE = dict(size={"height": 32, "width": 32})

# family → class of the model, its settings, class and settings of its processor, the output that is its vector
FAMILIES = {
    "vit": ("ViTModel", BLOCK, "ViTImageProcessorPil", SQUARE, "first token"),
    "deit": ("DeiTModel", BLOCK, "DeiTImageProcessorPil", dict(size={"height": 38, "width": 38}, crop_size={"height": 32, "width": 32}), "first token"),
    "dinov2": ("Dinov2Model", BLOCK | dict(mlp_ratio=2), "BitImageProcessorPil", dict(size={"shortest_edge": 37}, crop_size={"height": 32, "width": 32}, **IMAGENET), "pooler"),
    "swin": ("SwinModel", dict(image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4), "ViTImageProcessorPil", SQUARE | dict(resample=3, **IMAGENET), "pooler"),
    "resnet": ("ResNetModel", STAGES | dict(layer_type="basic"), "ConvNextImageProcessorPil", dict(size={"shortest_edge": 32}, crop_pct=0.875, **IMAGENET), "pooler"),
    "convnext": ("ConvNextModel", dict(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, image_size=32), "ConvNextImageProcessorPil", dict(size={"shortest_edge": 32}, crop_pct=0.875, **IMAGENET), "pooler"),
    "mobilenet-v2": ("MobileNetV2Model", dict(image_size=32, depth_multiplier=0.1, min_depth=8, depth_divisible_by=8, finegrained_output=True), "MobileNetV2ImageProcessorPil", dict(size={"shortest_edge": 36}, crop_size={"height": 32, "width": 32}), "pooler"),
    "efficientnet": ("EfficientNetModel", dict(image_size=32, width_coefficient=0.1, depth_coefficient=0.1, hidden_dim=128, pooling_type="mean"), "EfficientNetImageProcessorPil", SQUARE | dict(IMAGENET), "pooler"),
    "clip": ("CLIPModel", dict(projection_dim=12, vision_config=BLOCK, text_config=TEXT_SIDE | dict(max_position_embeddings=20)), "CLIPImageProcessorPil", dict(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}), "projected"),
    "siglip": ("SiglipModel", dict(vision_config=BLOCK, text_config=TEXT_SIDE | dict(max_position_embeddings=16)), "SiglipImageProcessorPil", SQUARE, "projected"),
}


def bpe_tokenizer():
    """As CLIP's: lower case, byte-level pieces whose last ends in </w>, a token around each end; trained on the texts."""
    tokenizer = Tokenizer(models.BPE(continuing_subword_prefix="", end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(__import__("tokenizers").Regex(r"\s+"), " "), normalizers.Lowercase()])
    pattern = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    split = pre_tokenizers.Split(__import__("tokenizers").Regex(pattern), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=[], end_of_word_suffix="</w>", initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([text.lower() for text in TEXTS] * 3, trainer)
    tokenizer.add_special_tokens(["<|startoftext|>", "<|endoftext|>"])
    begin, end = (tokenizer.token_to_id(token) for token in ("<|startoftext|>", "<|endoftext|>"))
    tokenizer.post_processor = processors.TemplateProcessing("<|startoftext|> $A <|endoftext|>", None, [("<|startoftext|>", begin), ("<|endoftext|>", end)])
    return tokenizer, begin, end


def unigram_tokenizer():
    """As SigLIP's: a token at the end, padding to the full length with it."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(__import__("tokenizers").Regex(r"[!\",.]"), "")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator([text.lower() for text in TEXTS] * 3, trainers.UnigramTrainer(vocab_size=80, special_tokens=["</s>", "<unk>"], unk_token="<unk>"))
    end = tokenizer.token_to_id("</s>")
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", None, [("</s>", end)])
    return tokenizer, None, end


def network_of(family):
    name, settings, *_ = FAMILIES[family]
    settings = json.loads(json.dumps(settings))
    tokenizer = None
    if "text_config" in settings:
        tokenizer, begin, end = bpe_tokenizer() if family == "clip" else unigram_tokenizer()
        settings["text_config"] |= dict(vocab_size=tokenizer.get_vocab_size(), bos_token_id=begin if begin is not None else 1, eos_token_id=end, pad_token_id=end)
    model = getattr(transformers, name)
    torch.manual_seed(11)
    network = model(model.config_class(**settings, attn_implementation="eager")).eval()
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(((tensor + (0.15 * torch.randn_like(tensor)).abs() * (1 if "running_var" in key else torch.randn_like(tensor).sign())) * 64).round() / 64)
    return network, tokenizer


class Outputs(torch.nn.Module):
    def __init__(self, run, names):
        super().__init__()
        self.run, self.names = run, names

    def forward(self, *inputs):
        given = self.run(*inputs)
        return tuple(given[name] for name in self.names)


def export(run, module, inputs, outputs, path, axes):
    wrapped = Outputs(run, outputs)
    wrapped.module = module
    torch.onnx.export(wrapped.eval(), tuple(inputs.values()), str(path), input_names=list(inputs), output_names=outputs, dynamic_axes=axes, opset_version=17, dynamo=False)
    return without_traces(onnx.load(str(path)))


def save(folder, name, model):
    (folder / f"{name}.onnx.gz").write_bytes(gzip.compress(model.SerializeToString(), 9, mtime=0))


def unit(rows):
    rows = rows.double()
    return [[float(f"{x:.7g}") for x in row] for row in (rows / rows.norm(dim=-1, keepdim=True)).tolist()]


def make(family):
    _, _, processor_name, processor_settings, kind = FAMILIES[family]
    network, tokenizer = network_of(family)
    processor = getattr(transformers, processor_name)(**processor_settings)
    folder = OUT / family
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    network.config.save_pretrained(folder)
    processor.save_pretrained(folder)
    pictures = [ImageOps.exif_transpose(Image.open(FIXTURES / "pictures" / name)).convert("RGB") for name in PICTURES]
    pixels = processor(pictures, return_tensors="pt")["pixel_values"]
    axes = lambda *names: {name: {0: "batch_size"} for name in names}
    with tempfile.TemporaryDirectory() as temporary, torch.no_grad():
        place = Path(temporary) / "model.onnx"
        if kind == "projected":
            golden = make_two_towers(family, network, tokenizer, pixels, folder, place, axes)
        else:
            names = ["last_hidden_state", "pooler_output"]
            run = lambda pixel_values: network(pixel_values=pixel_values)
            save(folder, "model", export(run, network, {"pixel_values": pixels[:2]}, names, place, axes("pixel_values", *names)))
            given = run(pixels)
            golden = {"vectors": unit(given.last_hidden_state[:, 0] if kind == "first token" else given.pooler_output.flatten(1)), "output": kind}
    golden = {"pictures": PICTURES, **golden}
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")
    print(f"{family}: {sum(f.stat().st_size for f in folder.iterdir()) // 1024} KB, {len(golden['vectors'][0])} dimensions", flush=True)


def make_two_towers(family, network, tokenizer, pixels, folder, place, axes):
    longest = network.config.text_config.max_position_embeddings
    end = network.config.text_config.eos_token_id
    tokenizer.enable_truncation(longest)
    tokenizer.enable_padding(pad_id=end, pad_token=tokenizer.id_to_token(end), length=longest if family == "siglip" else None)
    encoded = tokenizer.encode_batch(TEXTS)
    ids, mask = (torch.tensor([getattr(one, key) for one in encoded]) for key in ("ids", "attention_mask"))
    projected = family == "clip"
    vision_names = ["image_embeds", "last_hidden_state"] if projected else ["last_hidden_state", "pooler_output"]
    text_names = ["text_embeds", "last_hidden_state"] if projected else ["last_hidden_state", "pooler_output"]

    def vision(pixel_values):
        given = network.vision_model(pixel_values=pixel_values)
        pooled = given.pooler_output
        return {"image_embeds": network.visual_projection(pooled) if projected else pooled, "pooler_output": pooled, "last_hidden_state": given.last_hidden_state}

    def text(input_ids, attention_mask=None):
        given = network.text_model(input_ids=input_ids, attention_mask=attention_mask)
        pooled = given.pooler_output
        return {"text_embeds": network.text_projection(pooled) if projected else pooled, "pooler_output": pooled, "last_hidden_state": given.last_hidden_state}

    def both(input_ids, pixel_values, attention_mask=None):
        given = network(input_ids=input_ids, pixel_values=pixel_values, attention_mask=attention_mask)
        return {"logits_per_image": given.logits_per_image, "text_embeds": given.text_embeds, "image_embeds": given.image_embeds}

    sequence = {"input_ids": {0: "batch_size", 1: "sequence_length"}, "attention_mask": {0: "batch_size", 1: "sequence_length"}}
    text_inputs = {"input_ids": ids, **({"attention_mask": mask} if projected else {})}
    text_axes = {name: sequence[name] for name in text_inputs}
    save(folder, "vision_model", export(vision, network, {"pixel_values": pixels[:2]}, vision_names, place, axes("pixel_values", *vision_names)))
    save(folder, "text_model", export(text, network, text_inputs, text_names, place, {**text_axes, **axes(*text_names)}))
    inputs = {"input_ids": ids, "pixel_values": pixels[:2], **({"attention_mask": mask} if projected else {})}
    names = ["logits_per_image", "text_embeds", "image_embeds"]
    image_axes = {"pixel_values": {0: "image_batch_size"}, "image_embeds": {0: "image_batch_size"}, "logits_per_image": {0: "image_batch_size", 1: "text_batch_size"}, "text_embeds": {0: "text_batch_size"}}
    save(folder, "model", export(both, network, inputs, names, place, {**{name: {0: "text_batch_size", 1: "sequence_length"} for name in text_inputs}, **image_axes}))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer" if projected else "SiglipTokenizer", "model_max_length": longest, "pad_token": tokenizer.id_to_token(end)}) + "\n")
    given = network(input_ids=ids, pixel_values=pixels, attention_mask=mask if projected else None)
    return {
        "vectors": unit(vision(pixels)["image_embeds"]),
        "texts": TEXTS,
        "ids": [[int(i) for i in row] for row in ids.tolist()],
        "textVectors": unit(text(ids, mask if projected else None)["text_embeds"]),
        "logits": given.logits_per_image.tolist(),
        "output": "projected",
    }


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", choices=FAMILIES)
    only = arguments.parse_args().only
    for family in [only] if only else FAMILIES:
        make(family)
