#!/usr/bin/env python3
"""Makes math_pairs.tsv and near_misses.tsv, which tests/unit/math_pairs_test.cpp holds the grader to.

    python3 -m venv v && v/bin/pip install math-verify==0.9.0 reasoning_gym==0.1.25 champ-dataset==1.0.0
    v/bin/pip download --no-deps --no-binary :all: math-verify==0.9.0    # its tests are in the source archive
    v/bin/python make_math_pairs.py math_verify-0.9.0.tar.gz

math_pairs.tsv: reference, answer, what math-verify says (1 equal, 0 not), where the reference comes from. References are
final answers of real problem sets: those in math-verify's own tests (MIT; Numina, Open Thoughts, MATH), CHAMP's
competition problems (MIT) and problems that reasoning_gym makes (Apache 2.0). Answers are the ones recorded there,
another spelling or arrangement of the reference, or a damaged one.

near_misses.tsv: kind, reference, answer. Wrong by construction, and checked to differ.
"""
import ast, json, logging, os, random, re, sys, tarfile
logging.disable(logging.ERROR)
import sympy
import champ_dataset
import reasoning_gym
from math_verify import parse, verify

RANDOM = random.Random(20261122)
PAIRS, EACH_KIND = 2000, 200


def plain(text):
    """One line without dollars and box: what stands in the file."""
    text = text.strip()
    box = re.fullmatch(r"\$*\\boxed\{(.*)\}\$*\.?", text, re.S)
    if box and box.group(1).count("{") == box.group(1).count("}"):
        depth = 0
        for c in box.group(1):
            depth += (c == "{") - (c == "}")
            if depth < 0: return None
        text = box.group(1)
    text = text.strip().strip("$").strip()
    if not text or len(text.splitlines()) > 1 or "\t" in text or "$" in text or "boxed" in text or len(text) > 200: return None
    if text.count("{") != text.count("}") or re.search(r"\\\\[a-z(]|\\[(\[]", text): return None
    # Prose is the business of extraction; here answers are compared.
    if len(re.findall(r"(?<![\\a-zA-Z])[a-z]{2,}", re.sub(r"\\[a-z]+\{[^}]*\}", "", text))) > 2: return None
    return text


def recorded(archive):
    """(gold, pred) of math-verify's parametrised tests."""
    pairs = []
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if "/tests/test_" not in member.name or not member.name.endswith(".py"): continue
            for node in ast.walk(ast.parse(tar.extractfile(member).read().decode())):
                if not isinstance(node, ast.Tuple) or len(node.elts) not in (3, 4): continue
                if not all(isinstance(e, ast.Constant) and isinstance(e.value, str) for e in node.elts[:2]): continue
                gold, pred = plain(node.elts[0].value), plain(node.elts[1].value)
                if gold and pred: pairs.append((gold, pred))
    return pairs


def champ():
    """Sides of the last equation of each solution step: answers and what they were worked out of."""
    path = os.path.join(os.path.dirname(champ_dataset.__file__), "dataset_files", "v0.json")
    pairs = []
    for problem in json.load(open(path))["problems"].values():
        for step in problem["solution"]["steps"][-2:]:
            for formula in re.findall("@@(.*?)@@", step["_raw_text"]):
                sides = formula.split("=")
                if len(sides) < 2 or re.search(r"\.\.|_|[^\x00-\x7f]|[A-Z]\(|[a-z]{2}(?<!sqrt)[(]|mod|[<>|]|[a-z]{4}", formula.replace("sqrt", "")): continue
                for left, right in zip(sides[-2:], sides[-1:]):
                    pair = [latex(left), latex(right)]
                    if all(pair): pairs.append(tuple(reversed(pair)))
    return pairs


def latex(text):
    text = re.sub(r"\^\(([^()]*)\)", r"^{\1}", text)
    text = re.sub(r"sqrt\(([^()]*)\)", r"\\sqrt{\1}", text)
    text = re.sub(r"\^(\d\d+)", r"^{\1}", text).replace("*", r" \cdot ")
    return plain(text) if text.count("(") == text.count(")") and re.search(r"\d", text) else None


GYM = ["advanced_geometry", "basic_arithmetic", "chain_sum", "coin_flip", "complex_arithmetic", "count_primes", "decimal_arithmetic",
       "dice", "fraction_simplification", "gcd", "gsm_symbolic", "intermediate_integration", "lcm", "leg_counting",
       "number_format", "polynomial_equations", "polynomial_multiplication", "prime_factorization", "products",
       "simple_equations", "simple_geometry", "simple_integration", "power_function", "decimal_chain_sum"]


def gym():
    found = []
    for name in GYM:
        data = reasoning_gym.create_dataset(name, size=30, seed=5)
        for i in range(30):
            answer = str(data[i]["answer"]).strip("$").replace("×", r"\times")
            if not answer or answer in ("No real solutions", "True", "False"): continue
            answer = re.sub(r"e([-+])0*(\d+)$", lambda m: rf" \times 10^{{{m[1].strip('+')}{m[2]}}}", answer)
            if name in ("polynomial_multiplication", "simple_integration", "intermediate_integration"):
                answer = sympy.latex(sympy.sympify(answer))
            if len(answer) < 120: found.append(answer)
    return found


FORMS = [  # the forms in which MATH and AIME ask for answers, filled with seeded numbers
    lambda a, b, c: rf"\frac{{{a}}}{{{b}}}", lambda a, b, c: rf"{a}\sqrt{{{c}}}", lambda a, b, c: rf"\frac{{{a}\sqrt{{{c}}}}}{{{b}}}",
    lambda a, b, c: rf"({a}, {b})", lambda a, b, c: rf"[{a}, {a + b}]", lambda a, b, c: rf"({a}, {a + b}]",
    lambda a, b, c: rf"(-\infty, {a}) \cup ({a + b}, \infty)", lambda a, b, c: rf"{a}\pi", lambda a, b, c: rf"{a} + {b}\sqrt{{{c}}}",
    lambda a, b, c: rf"x^2 + {a}x - {b}", lambda a, b, c: rf"({a}, {b}, {c})", lambda a, b, c: rf"\{{{a}, {a + b}, {a + b + c}\}}",
    lambda a, b, c: rf"{a} - {b}i", lambda a, b, c: rf"\frac{{{a} \pm \sqrt{{{c}}}}}{{{b}}}", lambda a, b, c: rf"{a}^{{{b}}}",
    lambda a, b, c: rf"{a}\frac{{{b}}}{{{b + c}}}", lambda a, b, c: rf"\begin{{pmatrix}} {a} & {b} \\ {c} & -{a} \end{{pmatrix}}",
    lambda a, b, c: rf"x = {a}", lambda a, b, c: rf"y = {a}x + {b}", lambda a, b, c: rf"{a}^\circ", lambda a, b, c: rf"{a}\text{{ cm}}",
    lambda a, b, c: rf"\${a}.{b}0", lambda a, b, c: rf"{a}\%", lambda a, b, c: rf"{a},{b + 100},{c + 200}", lambda a, b, c: rf"\log_{{{b + 1}}} {c}",
    lambda a, b, c: rf"{a}(x - {b})(x + {c})", lambda a, b, c: rf"\sqrt[3]{{{c}}}", lambda a, b, c: rf"e^{{{a}}} + {b}", lambda a, b, c: rf"\binom{{{a + b}}}{{{b}}}",
    lambda a, b, c: rf"\frac{{\pi}}{{{b}}} + {a}", lambda a, b, c: rf"{a} < x \le {a + b}", lambda a, b, c: rf"{a}, {a + b}",
]


def forms():
    found = []
    for form in FORMS:
        for _ in range(12):
            found.append(form(RANDOM.randint(2, 9), RANDOM.randint(2, 9), RANDOM.choice([2, 3, 5, 6, 7, 10, 11])))
    return found


def respell(text):
    """Another way to write the same, or None."""
    ways = [
        lambda t: t.replace(r"\frac", r"\dfrac"), lambda t: re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"\1/\2", t) if not re.search(r"\d\\frac", t) else t,
        lambda t: t.replace("(", r"\left(").replace(")", r"\right)").replace("[", r"\left[").replace("]", r"\right]") if r"\sqrt[" not in t and r"\left" not in t else t,
        # Not around \\pm, commas and letters: math-verify reads them differently without spaces.
        lambda t: t.replace(" ", "") if re.fullmatch(r"[-+*/^(){}=\d. x]+", t) else t, lambda t: t.replace(", ", r",\ "), lambda t: t + r"\text{ units}" if re.search(r"\d", t) else t, lambda t: "x = " + t if re.fullmatch(r"[-\d./]+", t) else t,
        lambda t: re.sub(r"(\d)(\d{3})(?!\d)", r"\1,\2", t) if re.fullmatch(r"-?\d{4,6}", t) else t, lambda t: t + ".0" if re.fullmatch(r"-?\d+", t) else t,
        lambda t: t.replace(r"\sqrt{", r"\sqrt {"), lambda t: rf"\mathbf{{{t}}}" if re.fullmatch(r"-?\d+", t) else t,
        lambda t: re.sub(r"\\frac\{(\d)\}\{(\d)\}", r"\\frac\1\2", t), lambda t: rearranged(t), lambda t: rearranged(t), lambda t: rearranged(t),
        lambda t: t.replace("^\\circ", ""), lambda t: t.replace(r"\%", ""), lambda t: re.sub(r"\\text\{[^}]*\}", "", t), lambda t: decimalled(t),
        lambda t: swapped_list(t), lambda t: t.replace(r"\pi", "π"),
    ]
    RANDOM.shuffle(ways)
    for way in ways:
        changed = way(text)
        if changed and changed != text: return changed
    return None


def expression(text):
    if re.search(r"[,=<>]|begin|cup|circ|\\%|text|\\pm|\\\$|infty", text): return None
    try:
        parsed = parse(rf"\boxed{{{text}}}")
        if not parsed or not isinstance(parsed[0], sympy.Expr): return None
        value = parsed[0].subs({sympy.Symbol("c"): sympy.Symbol("C")}) if "C" in text else parsed[0]
        # math-verify takes some letters for units and some for functions: only what it read whole is rearranged.
        letters = set(re.findall("[a-zA-Z]", re.sub(r"\\[a-zA-Z]+", "", text))) - {"e", "i"}
        return value if letters == {str(symbol) for symbol in value.free_symbols} - {"e", "i"} else None
    except Exception:
        return None


def rearranged(text):
    value = expression(text)
    if value is None: return text
    way = RANDOM.choice([sympy.factor, sympy.expand, sympy.together, lambda e: sympy.expand(e * 3) / 3, sympy.nsimplify])
    try:
        return re.sub(r"(\d) i\b", r"\1i", sympy.latex(way(value)))
    except Exception:
        return text


def decimalled(text):
    value = expression(text)
    if value is None or not value.is_number or not value.is_real: return text
    places = RANDOM.choice([2, 3, 6, 8])
    return f"{float(value):.{places}f}" if abs(value) < 1e6 else text


def swapped_list(text):
    return re.sub(r"^(\\\{)?([-\d]+), ?([-\d]+)", r"\1\3, \2", text)


def damage(text):
    ways = [lambda t: re.sub(r"\d+", lambda m: str(int(m.group()) + 1), t, count=1), lambda t: t[1:] if t[0] == "-" else "-" + t if t[0] != "0" else t,
            lambda t: t.replace("+", "-", 1), lambda t: t.replace("(", "[", 1), lambda t: t.replace("]", ")", 1) if "sqrt[" not in t else t,
            lambda t: t.replace(r"\sqrt", "", 1), lambda t: t.replace(r"\pi", "3.14"), lambda t: re.sub(r"\{(\d+)\}\{(\d+)\}", r"{\2}{\1}", t, count=1),
            lambda t: re.sub(r"(\d+), ?(\d+)", r"\2, \1", t, count=1), lambda t: re.sub(r", ?[^,)\]}]+(?=[)\]}]|$)", "", t, count=1), lambda t: re.sub(r"(?<![a-z\\])x", "x^2", t, count=1)]
    RANDOM.shuffle(ways)
    for way in ways:
        changed = way(text)
        if changed != text and changed.count("{") == changed.count("}"): return changed
    return None


def judged(reference, answer):
    try:
        return int(bool(verify(parse(rf"\boxed{{{reference}}}"), parse(rf"\boxed{{{answer}}}"))))
    except Exception:
        return 0


def write_pairs(archive):
    tests, solved = recorded(archive), champ()
    sources = [("math-verify", [gold for gold, _ in tests] + [pred for _, pred in tests]), ("champ", [side for pair in solved for side in pair]), ("reasoning_gym", gym()), ("forms", forms())]
    pairs = {(gold, pred): "math-verify" for gold, pred in tests}
    pairs |= {pair: "champ" for pair in solved if len(pair[0]) > 1 or pair[0].isdigit()}
    for name, answers in sources: print(name, len(answers), len(set(answers)))
    pool = [(text, name) for name, answers in sources for text in sorted(set(answers))]
    RANDOM.shuffle(pool)
    while len(pairs) < PAIRS:
        for text, name in pool:
            if len(pairs) >= PAIRS: break
            other = respell(text) if RANDOM.random() < 0.6 else damage(text)
            if other and len(other.splitlines()) == 1 and "\t" not in other and len(other) < 300: pairs.setdefault((text, other), name)
    with open("math_pairs.tsv", "w") as file:
        for (reference, answer), name in pairs.items():
            print(reference, answer, judged(reference, answer), name, sep="\t", file=file)


def n(low=2, high=60): return RANDOM.randint(low, high)


def coprime():
    while True:
        a, b = n(1, 40), n(3, 40)
        if a != b and sympy.gcd(a, b) == 1 and b > 1: return a, b


def endless():
    """A fraction whose decimals do not end."""
    while True:
        a, b = coprime()
        if any(p not in (2, 5) for p in sympy.primefactors(b)): return a, b


def square_free(): return RANDOM.choice([2, 3, 5, 6, 7, 10, 11, 13, 14, 15, 17, 19, 21])


def near(kind):
    a, b, c, d = n(), n(), n(), n()
    p, q = coprime()
    r = square_free()
    low, high = sorted(RANDOM.sample(range(-40, 41), 2))
    if kind == "sign":
        return RANDOM.choice([(str(a), f"-{a}"), (rf"\frac{{{p}}}{{{q}}}", rf"-\frac{{{p}}}{{{q}}}"), (rf"{a}-\sqrt{{{r}}}", rf"{a}+\sqrt{{{r}}}"),
                              (rf"x^2-{a}x+{b}", rf"x^2+{a}x+{b}"), (rf"{a}+{b}i", rf"{a}-{b}i"), (rf"(-{a},{b})", rf"({a},{b})")])
    if kind == "bracket":
        e, f = sorted(RANDOM.sample(range(1, 60), 2))
        return RANDOM.choice([(f"({a}+{b})\\cdot {c}", f"{a}+{b}\\cdot {c}"), (f"{a}(x+{b})", f"{a}x+{b}"), (rf"({low},{high})", rf"\{{{low},{high}\}}"),
                              (rf"-(x-{a})", rf"-x-{a}"), (rf"(x+{a})^2", rf"x+{a}^2"), (rf"\frac{{x+{a}}}{{{c}}}", rf"x+\frac{{{a}}}{{{c}}}"), (f"{f}-({e}-x)", f"{f}-{e}-x")])
    if kind == "decimal for fraction":
        p, q = endless()
        places = RANDOM.choice([1, 2, 2, 3, 4])
        return rf"\frac{{{p}}}{{{q}}}", f"{p / q:.{places}f}"
    if kind == "open for closed":
        pairs = {"[]": ["()", "[)", "(]"], "()": ["[]", "[)", "(]"], "[)": ["(]", "[]", "()"], "(]": ["[)", "[]", "()"]}
        one = RANDOM.choice(list(pairs)); other = RANDOM.choice(pairs[one])
        shape = RANDOM.choice(["{0}{2},{3}{1}", "{0}{2}, {3}{1}\\cup({4},\\infty)"])
        return shape.format(*one, low, high, high + 5), shape.format(*other, low, high, high + 5)
    if kind == "off by one":
        return RANDOM.choice([(str(a), str(a + 1)), (str(a * 1000), str(a * 1000 - 1)), (rf"{a}\sqrt{{{r}}}", rf"{a + 1}\sqrt{{{r}}}"), (rf"\frac{{{a}}}{{{a + 1}}}", rf"\frac{{{a}}}{{{a + 2}}}"),
                              (rf"2^{{{a}}}", rf"2^{{{a}}}-1"), (rf"({a},{b})", rf"({a},{b + 1})"), (rf"{a}!", rf"{a + 1}!"), (str(10**18 + a), str(10**18 + a + 1))])
    if kind == "order":
        if a == b: return None
        return RANDOM.choice([(f"({a},{b})", f"({b},{a})"), (f"({a},{b},{c})", f"({b},{a},{c})"), (rf"\begin{{pmatrix}}{a}&{b}\\{c}&{d}\end{{pmatrix}}", rf"\begin{{pmatrix}}{b}&{a}\\{c}&{d}\end{{pmatrix}}"),
                              (f"{a}x+{b}", f"{b}x+{a}"), (f"{a}:{b}", f"{b}:{a}"), (f"{a}-{b}", f"{b}-{a}")])
    if kind == "inverted":
        return RANDOM.choice([(rf"\frac{{{p}}}{{{q}}}", rf"\frac{{{q}}}{{{p}}}"), (rf"\frac{{\pi}}{{{a}}}", rf"\frac{{{a}}}{{\pi}}"), (rf"\frac{{x+{a}}}{{x}}", rf"\frac{{x}}{{x+{a}}}"), (rf"{a}^{{-{b % 5 + 1}}}", rf"{a}^{{{b % 5 + 1}}}")])
    if kind == "element":
        values = RANDOM.sample(range(-30, 31), 4)
        text = [str(v) for v in values]
        return RANDOM.choice([(", ".join(text), ", ".join(text[:3])), (r"\{" + ",".join(text[:3]) + r"\}", r"\{" + ",".join(text) + r"\}"), (f"({','.join(text[:3])})", f"({','.join(text[:2])})"),
                              (rf"\pm {a}", str(a)), (str(a), rf"\pm {a}"), (rf"(-\infty,{low})\cup({high},\infty)", rf"({high},\infty)")])
    if kind == "root and power":
        return RANDOM.choice([(rf"{a}\sqrt{{{r}}}", rf"{a * r}"), (rf"\sqrt{{{r}}}", str(r)), (rf"x^{{{a}}}", rf"x^{{{a + 1}}}"), (rf"\sqrt[3]{{{r}}}", rf"\sqrt{{{r}}}"), (rf"\sqrt{{x^2+{a}}}", rf"x+\sqrt{{{a}}}"),
                              (rf"(x+{a})^2", rf"x^2+{a * a}"), (rf"\sqrt{{{a}}}+\sqrt{{{b}}}", rf"\sqrt{{{a + b}}}"), (rf"{a}\pi", rf"{a}\pi^2"), (r"\sqrt{x^2}", "x") if a < 8 else (rf"\sin {a}x", rf"{a}\sin x")])
    if kind == "scale":
        return RANDOM.choice([(str(a), str(a * 10)), (f"{a}.5", f"{a}5"), (rf"{a}\pi", str(a)), (rf"{a}\%", f"{a / 1000:.4f}"), (f"{a},000", str(a)), (f"{a}\\times 10^{{{b % 9 + 1}}}", f"{a}\\times 10^{{{b % 9 + 2}}}"), (rf"{a}\pi", rf"{3.14 * a:.2f}"), (f"{a}.{b}", f"{a}.{b + 1}")])
    if kind == "equation":
        return RANDOM.choice([(f"x={a}", f"x={a + 1}"), (f"y={a}x+{b}", f"y={a}x-{b}"), (f"x={a}", f"y={a}"), (rf"x\ge {a}", rf"x>{a}"), (rf"x<{a}", rf"x>{a}"), (rf"{low}<x<{high}", rf"{low}\le x<{high}"), (f"{a}x+{b}y={c}", f"{a}x+{b}y={c + 1}")])
    raise ValueError(kind)


def write_near_misses():
    kinds = ["sign", "bracket", "decimal for fraction", "open for closed", "off by one", "order", "inverted", "element", "root and power", "scale", "equation"]
    with open("near_misses.tsv", "w") as file:
        for kind in kinds:
            seen = set()
            while len(seen) < EACH_KIND:
                pair = near(kind)
                if pair and pair[0] != pair[1]: seen.add(pair)
            for reference, answer in sorted(seen): print(kind, reference, answer, sep="\t", file=file)


if __name__ == "__main__":
    write_pairs(sys.argv[1])
    write_near_misses()
