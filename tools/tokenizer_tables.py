"""Writes src/embed/tokenizer/tables.ts: which characters Hugging Face's tokenizers take for what.

    pip install tokenizers==0.23.*
    python tools/tokenizer_tables.py

The library has its own, partly older, tables of Unicode. They are asked for here, character by character, so that its steps give the same in any Node.
"""

from pathlib import Path

from tokenizers import normalizers as n
from tokenizers import pre_tokenizers as p

OUT = Path(__file__).parent.parent / "src" / "embed" / "tokenizer" / "tables.ts"
EVERY = [code for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]
ASSIGNED = [code for code in EVERY if code < 0x40000 or 0xE0000 <= code < 0xE1000]
NONE = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
bert = lambda **on: n.BertNormalizer(**{**NONE, **on})


def without(normalizer):
    return lambda code: normalizer.normalize_str(chr(code)) == ""


def pieces(pre_tokenizer, before, count, after=""):
    return lambda code: len(pre_tokenizer.pre_tokenize_str(before + chr(code) + after)) == count


bytes_of = p.ByteLevel(add_prefix_space=False)
CLASSES = {
    "removed": ("dropped by BertNormalizer's clean_text", EVERY, without(bert(clean_text=True))),
    "nonspacing": ("dropped by BertNormalizer's strip_accents", ASSIGNED, without(bert(strip_accents=True))),
    "marks": ("dropped by StripAccents", ASSIGNED, without(n.StripAccents())),
    "ideographs": ("set apart by BertNormalizer's handle_chinese_chars", ASSIGNED, lambda code: len(bert(handle_chinese_chars=True).normalize_str(chr(code))) == 3),
    "punctuation": ("punctuation to BertPreTokenizer and Punctuation", ASSIGNED, pieces(p.BertPreTokenizer(), "a", 3, "b")),
    "whiteSpace": ("white space", ASSIGNED, lambda code: [x for x, _ in p.WhitespaceSplit().pre_tokenize_str(f"a{chr(code)}b")] == ["a", "b"]),
    "word": ("part of a word to Whitespace", ASSIGNED, pieces(p.Whitespace(), "a", 1, "b")),
    "numeric": ("a digit to Digits", ASSIGNED, pieces(p.Digits(individual_digits=True), "a", 2)),
    "letters": ("a letter to ByteLevel", ASSIGNED, pieces(bytes_of, "a", 1)),
    "numbers": ("a number to ByteLevel", ASSIGNED, pieces(bytes_of, "1", 1)),
}


def ranges(codes):
    found = []
    for code in codes:
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def lines(text, width=110):
    return [text[i : i + width] for i in range(0, len(text), width)]


def encoded(codes):
    """Gaps and lengths of the ranges in base 36, one after the other."""
    base36 = lambda value: (base36(value // 36) if value >= 36 else "") + "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36]
    words, at = [], 0
    for first, last in ranges(codes):
        words += [base36(first - at), base36(last - first)]
        at = last
    return " ".join(words)


def main():
    parts = ["// Written by tools/tokenizer_tables.py: what the reference takes characters for, as gaps and lengths of ranges in base 36.", ""]
    for name, (meaning, codes, test) in CLASSES.items():
        table = encoded(code for code in codes if test(code))
        body = " +\n".join(f"  '{line}'" for line in lines(table))
        parts += [f"/** Characters that are {meaning}. */", f"export const {name} =\n{body}" if body.count("\n") else f"export const {name} = {body.strip()}", ""]
        print(name, len(table))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
