"""Writes test/fixtures/tokenizers.json: small tokenizers of every kind, and the ids that Hugging Face's tokenizers gives for texts of all scripts.

    pip install tokenizers==0.23.* sentencepiece==0.2.*
    python tools/tokenizer_golden.py
"""

import json
import random
import tempfile
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

OUT = Path(__file__).parent.parent / "test" / "fixtures" / "tokenizers.json"
WRITTEN = [
    "", " ", "  a  b ", "Hello, world!", "ΟΔΟΣ Σίσυφος ΣΑΣ ΑΣ.", "İstanbul ISPARTA ılık", "Straße ẞ ſ ﬁne ﬀ Ǆ", "naïve café Å e\u0301 o\u0308\u0301",
    "東京は日本の首都です", "𠀀𠀁 𪜀𫝀 𫠠𬺰 𮯰 𰀀 𱍐", "中文𠮷野家 abc", "한국어 각 ᄒ\u1161\u11ab", "शक्ति क्षमा", "ที่นี่ กำลัง", "العربية ﷺ ﻼ مُحَمَّد", "עִבְרִית שלום",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪", "don't it's we'll they've", "C++ node.js a_b 3.14 1,000 ½ ② Ⅻ ٣٤", "soft\u00adhyphen zero\u200bwidth \u200djoin\u200e bom\ufeff", "nel\u0085nbsp\u00a0wide\u3000line\u2028x\ty\nz\r\n",
    "bell\u0007esc\u001bdel\u007f", "private \ue000 \U000f0000", "bad \ufffd \ufffe", "x" * 101 + " y", "é" * 100, "東" * 60, "[CLS] text [SEP] [UNK]", "<unk> </s>", "▁ ▁▁a", "##ing", "Ω K ϴ", "a~b～c ｶﾞｷ ㍿ ㋿",
    "ℌ 𝔥𝕖𝖑𝗅𝘰", "\u0890 \u08e2 \U000110cd \U00013430", "\u1aca\u0897\u1734 x\u1acay", "\u2e4f \U00011660 \u1b4e", "ꟑ ꟒ 𐵍", "Ⴀ ა Ა", "Ꭰ ꭰ", "𐐀 𐐨", "tab\there  two", "UPPER lower MiXeD", "1234567890", "a.b;c:d!e?f",
]
TRAINING = WRITTEN * 4 + [
    "the quick brown fox jumps over the lazy dog", "der schnelle braune Fuchs springt über den faulen Hund", "le renard brun saute par-dessus le chien paresseux",
    "быстрая лиса прыгает через собаку", "η γρήγορη αλεπού πηδά πάνω από το σκυλί", "素早い茶色の狐は怠け者の犬を飛び越える", "敏捷的棕色狐狸跳过了懒狗",
    "الثعلب البني السريع يقفز فوق الكلب", "빠른 갈색 여우가 게으른 개를 뛰어넘는다", "तेज भूरी लोमड़ी आलसी कुत्ते पर कूदती है",
] * 6


def every_block():
    """Characters out of every stretch of two hundred and fifty-six, as they come."""
    random.seed(13)
    for start in [*range(0, 0x33480, 0x100), 0xE0000, 0xE0100]:
        codes = [code for code in (start + random.randrange(0x100) for _ in range(5)) if not 0xD800 <= code <= 0xDFFF]
        yield "a" + "".join(map(chr, codes)) + "b " + "".join(map(chr, codes[:2])) + ","


def trained(model, trainer, normalizer=None, pre_tokenizer=None, decoder=None):
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(TRAINING, trainer)
    tokenizer.decoder = decoder or decoders.Fuse()
    return tokenizer


def charsmap():
    """The normalization of SentencePiece's nmt_nfkc, as XLM-RoBERTa and its relatives have it."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.txt"
        corpus.write_text("\n".join(f"{text} {i}" for i, text in enumerate(TRAINING)), encoding="utf-8")
        prefix = str(Path(folder) / "m")
        sentencepiece.SentencePieceTrainer.train(input=str(corpus), model_prefix=prefix, vocab_size=900, hard_vocab_limit=False, normalization_rule_name="nmt_nfkc", minloglevel=2)
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(Path(f"{prefix}.model").read_bytes())
        return proto.normalizer_spec.precompiled_charsmap


SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
wordpiece = lambda: models.WordPiece(unk_token="[UNK]")
unigram = lambda: trainers.UnigramTrainer(vocab_size=900, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False)
bpe = lambda size=400, **more: trainers.BpeTrainer(vocab_size=size, special_tokens=["<unk>"], show_progress=False, **more)


def tokenizers():
    pieces = trainers.WordPieceTrainer(vocab_size=400, special_tokens=SPECIAL, show_progress=False)
    yield "bert-uncased", trained(wordpiece(), pieces, normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer())
    yield "bert-cased", trained(wordpiece(), pieces, normalizers.BertNormalizer(lowercase=False, handle_chinese_chars=False), pre_tokenizers.BertPreTokenizer())
    yield "bert-accents", trained(wordpiece(), pieces, normalizers.BertNormalizer(strip_accents=False), pre_tokenizers.BertPreTokenizer())
    steps = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()])
    yield "words", trained(models.WordLevel(unk_token="[UNK]"), trainers.WordLevelTrainer(vocab_size=300, special_tokens=SPECIAL, show_progress=False), steps, pre_tokenizers.Whitespace())
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    yield "byte-level", trained(models.BPE(), bpe(600, initial_alphabet=alphabet), None, pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel())
    yield "byte-level-prefix", trained(models.BPE(), bpe(600, initial_alphabet=alphabet), normalizers.NFC(), pre_tokenizers.ByteLevel(add_prefix_space=True), decoders.ByteLevel())
    cuts = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation(), pre_tokenizers.Digits(individual_digits=True)])
    yield "bpe-cuts", trained(models.BPE(unk_token="<unk>"), bpe(), normalizers.NFKC(), cuts)
    joined = pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.WhitespaceSplit()])
    yield "bpe-contiguous", trained(models.BPE(unk_token="<unk>", fuse_unk=True), bpe(), normalizers.NFKD(), joined)
    yield "unigram", trained(models.Unigram(), unigram(), normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]), pre_tokenizers.Metaspace())
    yield "unigram-first", trained(models.Unigram(), unigram(), normalizers.NFKC(), pre_tokenizers.Metaspace(prepend_scheme="first"))
    compiled = normalizers.Precompiled(charsmap())
    yield "sentencepiece", trained(models.Unigram(), unigram(), normalizers.Sequence([compiled, normalizers.Replace(Regex(" {2,}"), " ")]), pre_tokenizers.Metaspace())


def main():
    texts = [*WRITTEN, *every_block()]
    golden = {"texts": texts, "tokenizers": {}}
    for name, tokenizer in tokenizers():
        ids = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
        golden["tokenizers"][name] = {"tokenizer": json.loads(tokenizer.to_str()), "ids": [" ".join(map(str, row)) for row in ids]}
    OUT.write_text(json.dumps(golden, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(texts)} texts, {OUT.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
