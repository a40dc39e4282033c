"""Writes core/text/unicode_ranges.cpp: which characters are letters, numbers, marks and white space as the regular
expressions of Hugging Face's `tokenizers` see them (asked of the library itself, so that both cut alike), and which may
change under NFC.

    pip install tokenizers regex && python tests/references/make_unicode_ranges.py > core/text/unicode_ranges.cpp
"""
import unicodedata

import regex
import tokenizers
from tokenizers import Regex
from tokenizers.pre_tokenizers import Digits, Split

POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def members(pattern):
    splitter = Split(Regex(pattern), "removed", invert=True)
    found = set()
    for begin in range(0, len(POINTS), 4096):
        for piece, _ in splitter.pre_tokenize_str("".join(map(chr, POINTS[begin : begin + 4096]))):
            found.update(map(ord, piece))
    return found


def digits():
    """What Digits takes for a number."""
    alone = Digits(individual_digits=True).pre_tokenize_str
    return {c for c in POINTS if len(alone(f"a{chr(c)}b")) == 3}


def unknown():
    """Combining and composing characters newer than the Unicode of tokenizers' NFC, which leaves them as they are."""
    normalised = tokenizers.normalizers.NFC().normalize_str
    found = set()
    for c in map(ord, regex.findall(r"\P{ccc=0}", "".join(map(chr, POINTS)))):
        # Either mark goes before any other, or any other before it.
        pairs = (f"a{chr(c)}\u0334", f"a\u0327{chr(c)}")
        if all(normalised(pair) == pair for pair in pairs) and c not in (0x334, 0x327):
            found.add(c)
    for c in POINTS:
        parts = unicodedata.decomposition(chr(c))
        if parts and not parts.startswith("<") and len(parts.split()) == 2:
            apart = "".join(chr(int(part, 16)) for part in parts.split())
            if normalised(apart) == apart and unicodedata.normalize("NFC", apart) != apart:
                found.add(ord(apart[1]))
    return found


def main():
    classes = {}
    for bits, pattern in ((1, r"\p{L}"), (2, r"\p{N}"), (3, r"\s"), (4, r"\p{M}")):
        for c in members(pattern):
            assert c not in classes
            classes[c] = bits
    # Second characters of canonical compositions, and what NFC itself rewrites.
    unstable = set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    for c in POINTS:
        parts = unicodedata.decomposition(chr(c))
        if parts and not parts.startswith("<") and len(parts.split()) == 2:
            unstable.add(int(parts.split()[1], 16))
        if unicodedata.normalize("NFC", chr(c)) != chr(c):
            unstable.add(c)
    for c in digits() - {c for c, bits in classes.items() if bits == 2}:
        classes[c] = classes.get(c, 0) | 64
    alone = unknown()
    for c in alone:
        classes[c] = classes.get(c, 0) | 32
    for c in POINTS:
        if c in alone:
            continue
        if unicodedata.combining(chr(c)):
            classes[c] = classes.get(c, 0) | 8
        if c in unstable:
            classes[c] = classes.get(c, 0) | 16
    ranges = []
    for c in sorted(classes):
        if ranges and ranges[-1][1] == c - 1 and ranges[-1][2] == classes[c]:
            ranges[-1][1] = c
        else:
            ranges.append([c, c, classes[c]])
    print("// Written by tests/references/make_unicode_ranges.py; do not edit. Letters, numbers, marks and white space as")
    print(f"// Hugging Face's tokenizers {tokenizers.__version__} has them; combining characters of Unicode "
          f"{unicodedata.unidata_version}.")
    print('#include "core/text/unicode.h"\n\nnamespace retort {\n\n// clang-format off')
    print("constexpr UnicodeRange kRanges[] = {")
    line = ""
    for first, last, bits in ranges:
        item = f"{{{first:#x},{last - first + 1},{bits}}},"
        if len(line) + len(item) > 119:
            print(line)
            line = ""
        line += item
    print(line + "\n};\n// clang-format on\n")
    print("std::span<const UnicodeRange> unicode_ranges() { return kRanges; }\n\n}  // namespace retort")


main()
