#!/usr/bin/env python3
"""Makes held_out_pairs.tsv: 2,000 pairs from sources and with a seed that no mending of the grader has seen.

    python3 -m venv v && v/bin/pip install math-verify==0.9.0 reasoning_gym==0.1.25 champ-dataset==1.0.0 mathgenerator==1.5.0
    v/bin/python make_held_out_pairs.py

Columns as in math_pairs.tsv. References: answers of mathgenerator's problems (MIT), of reasoning_gym's data sets that
math_pairs.tsv does not use (Apache 2.0), of earlier solution steps of CHAMP (MIT), and forms of final answers that are not
among those of make_math_pairs.py. Half of the answers are respelt or damaged as there, half in ways that are only here.
The file is frozen: it was made once, the grader was run on it once, and docs/graders.md lists every disagreement. Who
mends the grader by it makes another one.
"""
import json, os, random, re
import champ_dataset
import mathgenerator
import reasoning_gym
import make_math_pairs as ways

SEED, PAIRS = 977, 2000
RANDOM = random.Random(SEED)
ways.RANDOM = random.Random(SEED + 1)

GYM = ["base_conversion", "bitwise_arithmetic", "calendar_arithmetic", "count_bits", "decimal_arithmetic", "futoshiki", "gcd",
       "largest_island", "letter_counting", "modulo_grid", "number_sequence", "palindrome_generation", "simple_geometry", "time_intervals",
       "complex_arithmetic", "polynomial_multiplication", "fraction_simplification", "binary_matrix", "rectangle_count", "shortest_path"]

FORMS = [
    lambda a, b, c: rf"\frac{{{a}}}{{{b}}} - \frac{{\sqrt{{{c}}}}}{{{a + b}}}", lambda a, b, c: rf"\left( \frac{{{a}}}{{{b}}}, -{c} \right)",
    lambda a, b, c: rf"\sqrt{{{a} + \sqrt{{{c}}}}}", lambda a, b, c: rf"{a}x^3 - {b}x^2 + {c}x - 1", lambda a, b, c: rf"\frac{{x - {a}}}{{x + {b}}}",
    lambda a, b, c: rf"[{a}, \infty)", lambda a, b, c: rf"(-\infty, -{a}] \cup [{b}, \infty)", lambda a, b, c: rf"\frac{{{a}\pi}}{{{b + c}}}",
    lambda a, b, c: rf"{a}n + {b}", lambda a, b, c: rf"2^{{{a + b}}} - {c}", lambda a, b, c: rf"\frac{{{a + b}!}}{{{a}!}}", lambda a, b, c: rf"{a}a^2b - {b}ab^2",
    lambda a, b, c: rf"\ln {c}", lambda a, b, c: rf"{a}\ln {b} + {c}", lambda a, b, c: rf"\frac{{{a} + {b}i}}{{{c}}}", lambda a, b, c: rf"\sin {a}^\circ",
    lambda a, b, c: rf"({a}x + {b})^{{{min(c, 5)}}}", lambda a, b, c: rf"\left\{{ {a}, \frac{{{b}}}{{{c}}} \right\}}", lambda a, b, c: rf"{a}.{b}{c}",
    lambda a, b, c: rf"{a}\times 10^{{{c}}}", lambda a, b, c: rf"\begin{{pmatrix}} {a} \\ -{b} \\ {c} \end{{pmatrix}}", lambda a, b, c: rf"{a}:{b}", lambda a, b, c: rf"-\frac{{{a}}}{{{b}}}x + {c}",
    lambda a, b, c: rf"x^2 + y^2 = {a * a}", lambda a, b, c: rf"x \ge {a}", lambda a, b, c: rf"|x - {a}|", lambda a, b, c: rf"\sqrt[{b}]{{{c}}}", lambda a, b, c: rf"{a}\frac{{{b}}}{{{b + c}}}\text{{ hours}}",
    lambda a, b, c: rf"\frac{{1}}{{{a}}}(x^2 - {b})", lambda a, b, c: rf"-{a}, -{b}, {c}",
]


def generated():
    found = []
    random.seed(SEED)
    for entry in mathgenerator.getGenList():
        for _ in range(8):
            try:
                answer = str(entry[2]()[1])
            except Exception:
                break
            text = ways.plain(answer.replace(r"{{", "{").replace("}}", "}") if "csc" in answer else answer)
            if text and len(text) < 120: found.append(text)
    return found


def gym():
    found = []
    for name in GYM:
        try:
            data = reasoning_gym.create_dataset(name, size=25, seed=SEED)
        except Exception:
            continue
        for i in range(25):
            text = ways.plain(str(data[i]["answer"]))
            if text and len(text) < 120: found.append(text)
    return found


def champ():
    found = []
    path = os.path.join(os.path.dirname(champ_dataset.__file__), "dataset_files", "v0.json")
    for problem in json.load(open(path))["problems"].values():
        for step in problem["solution"]["steps"][:-2]:
            for formula in re.findall("@@(.*?)@@", step["_raw_text"]):
                if re.search(r"\.\.|_|[^\x00-\x7f]|[A-Z]\(|mod|[<>|]|[a-z]{4}", formula.replace("sqrt", "")): continue
                text = ways.latex(formula.split("=")[-1])
                if text: found.append(text)
    return found


def forms():
    return [form(RANDOM.randint(2, 9), RANDOM.randint(2, 9), RANDOM.choice([2, 3, 5, 6, 7, 10, 11])) for form in FORMS for _ in range(12)]


def respelt(text):
    """The same, in ways that math_pairs.tsv does not have."""
    changes = [
        lambda t: t.replace(r"\frac", r"\tfrac"), lambda t: rf"\displaystyle {t}", lambda t: t.replace(r"\times", r"\cdot"), lambda t: re.sub(r"(\d)(\d{3})(?![\d.])", r"\1{,}\2", t) if re.fullmatch(r"-?\d{4,6}", t) else t,
        lambda t: rf"\mathrm{{{t}}}" if re.fullmatch(r"-?[\d.]+", t) else t, lambda t: t.replace("(", r"\big(").replace(")", r"\big)") if r"\left" not in t else t, lambda t: t + r"\," if t[-1].isdigit() else t,
        lambda t: f"+{t}" if re.fullmatch(r"\d+", t) else t, lambda t: f"({t})" if re.fullmatch(r"[\d.]+", t) else t, lambda t: f"y = {t}" if re.fullmatch(r"-?\d+", t) else t, lambda t: t.replace("{pmatrix}", "{bmatrix}"),
        lambda t: re.sub(r"\\sqrt\{([a-z\d]+)\}", r"{\1}^{1/2}", t, count=1), lambda t: re.sub(r"\^(\d)(?!\d)", r"^{\1}", t), lambda t: t.replace(r"\ge ", r"\geq "), lambda t: t.replace(" + ", "+").replace(" - ", "-"),
        lambda t: f"{t}0" if re.fullmatch(r"-?\d+\.\d+", t) else t, lambda t: f"{int(t) * 2}/2" if re.fullmatch(r"-?\d{1,9}", t) else t, lambda t: t.replace(r"\ln", r"\log_e"), lambda t: t.replace(r"\left", "").replace(r"\right", ""),
    ]
    RANDOM.shuffle(changes)
    for change in changes:
        changed = change(text)
        if changed != text: return changed
    return None


def damaged(text):
    changes = [
        lambda t: re.sub(r"(\d)(\d)", r"\2\1", t, count=1), lambda t: re.sub(r"\d+$", lambda m: str(int(m.group()) * 10), t), lambda t: re.sub(r"\{(\d+)\}", lambda m: "{" + str(int(m.group(1)) + 2) + "}", t, count=1),
        lambda t: t.replace(" - ", " + ", 1), lambda t: t.replace(r"\infty", "100", 1), lambda t: t.replace("[", "(", 1), lambda t: re.sub(r"x\^\{?\d", "x^{7", t, count=1) + ("}" if re.search(r"x\^\d", t) else ""), lambda t: t + "+1" if t[-1].isdigit() else t,
        lambda t: t.replace(r"\ln", r"\sin"), lambda t: t.replace(r"\pi", "", 1), lambda t: re.sub(r"\.(\d)", lambda m: "." + str((int(m.group(1)) + 3) % 10), t, count=1), lambda t: t.replace("a^2", "b^2", 1), lambda t: t.replace("i}", "}", 1),
    ]
    RANDOM.shuffle(changes)
    for change in changes:
        changed = change(text)
        if changed != text and changed.count("{") == changed.count("}"): return changed
    return None


def main():
    sources = [("mathgenerator", generated()), ("reasoning_gym", gym()), ("champ", champ()), ("forms", forms())]
    for name, answers in sources: print(name, len(answers), len(set(answers)))
    pool = [(text, name) for name, answers in sources for text in sorted(set(answers))]
    RANDOM.shuffle(pool)
    seen = {tuple(line.split("\t")[:2]) for line in open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "math_pairs.tsv"))}
    pairs = {}
    while len(pairs) < PAIRS:
        for text, name in pool:
            if len(pairs) >= PAIRS: break
            alike = RANDOM.random() < 0.55
            make = RANDOM.choice([respelt, ways.respell] if alike else [damaged, ways.damage])
            other = make(text)
            if other and len(other.splitlines()) == 1 and "\t" not in other and len(other) < 300 and (text, other) not in seen: pairs.setdefault((text, other), name)
    with open("held_out_pairs.tsv", "w") as file:
        for (reference, answer), name in pairs.items(): print(reference, answer, ways.judged(reference, answer), name, sep="\t", file=file)


if __name__ == "__main__":
    main()
