"""Writes text in many scripts for comparing tokenizers: translations (gettext), documentation, sources, and random
characters of all Unicode. Documents are separated by NUL.

    python tests/references/make_tokenizer_text.py OUT [MEGABYTES]
"""
import gettext
import pathlib
import random
import sys

SOURCES = (("/usr/share/locale", "*.mo", 0.45), ("/usr/share/doc", "*", 0.2), ("/usr/lib/python3", "*.py", 0.2))


def translations(path):
    with open(path, "rb") as file:
        try:
            catalog = gettext.GNUTranslations(file)._catalog
        except (OSError, UnicodeDecodeError, ValueError):
            return ""
    return "\n".join(text for text in catalog.values() if isinstance(text, str))


def read(path):
    if path.suffix == ".mo":
        return translations(path)
    if path.suffix in (".gz", ".png", ".pdf"):
        return ""
    try:
        return path.read_bytes()[:400_000].decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def documents(generator, wanted):
    for root, pattern, share in SOURCES:
        paths = sorted(p for p in pathlib.Path(root).rglob(pattern) if p.is_file() and not p.is_symlink())
        generator.shuffle(paths)
        left = wanted * share
        for path in paths:
            text = read(path).replace("\0", " ")
            for begin in range(0, len(text), 8000):
                left -= len(text[begin : begin + 8000].encode())
                yield text[begin : begin + 8000]
            if left < 0:
                break


def noise(generator):
    """Characters of all planes, words with any marks, odd white space, contractions."""
    spaces = " \t\n\r\u00a0\u0085\u180e\u2003\u2028\u3000"
    pieces = []
    for _ in range(600):
        kind = generator.randrange(6)
        if kind == 0:
            pieces.append("".join(chr(c) for c in (generator.randrange(1, 0x110000) for _ in range(4))
                                  if not 0xD800 <= c <= 0xDFFF))
        elif kind == 1:
            pieces.append("".join(generator.choice(spaces) for _ in range(generator.randrange(1, 5))))
        elif kind == 2:
            base = generator.choice((0x61, 0x391, 0x410, 0x5D0, 0x627, 0x905, 0xE01, 0x1100, 0x3042, 0x4E00, 0xAC00))
            pieces.append("".join(chr(base + generator.randrange(24)) for _ in range(generator.randrange(1, 9))))
        elif kind == 3:
            pieces.append(generator.choice("'s 'T 're 'VE 'm 'lL 'd '\u017f 'x ' '' '9".split(" ")))
        elif kind == 4:
            pieces.append("".join(chr(generator.choice((0x301, 0x307, 0x323, 0x327, 0x93C, 0x94D, 0x65, 0x6F)))
                                  for _ in range(generator.randrange(1, 5))))
        else:
            pieces.append(str(generator.randrange(10 ** generator.randrange(1, 9))))
    return "".join(pieces).replace("\0", " ")


def main():
    out, megabytes = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 100
    generator = random.Random(1)
    wanted = megabytes * 1e6
    size = 0
    with open(out, "wb") as file:
        for text in documents(generator, wanted):
            size += file.write(text.encode() + b"\0")
        while size < wanted:
            size += file.write(noise(generator).encode() + b"\0")


main()
