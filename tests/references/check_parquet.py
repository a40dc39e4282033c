#!/usr/bin/env python3
"""Holds Parquet against the readers and writers of others (needs pyarrow, pandas, datasets, zstandard).

    python3 tests/references/check_parquet.py build/retort

Exports every format as Parquet and as JSON lines: pyarrow and `datasets` must read the same rows. Then writes columns of every type with pyarrow, pandas and datasets, takes them in with `retort import`, and compares
what the corpus keeps with what is expected. Exits with 1 if anything differs.
"""
import datetime
import decimal
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import uuid

os.environ.update(HF_HUB_OFFLINE="1")
import datasets
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

RETORT = str(pathlib.Path(sys.argv[1]).resolve())
MESSAGES = [{"role": "user", "content": "é?\n\u2028"}, {"role": "assistant", "content": "yes"}]
FORMATS = [["-f", "chat"], ["-f", "chat", "--bare", "--reasoning", "drop"], ["-f", "prompt-completion"],
           ["-f", "prompt-completion", "--plain"], ["-f", "alpaca"], ["-f", "sharegpt", "--reasoning", "inline"],
           ["-f", "preference"]]
RECIPE = """name = "pairs"
[[stage]]
stage = "verify"
grader = "exact"
[preference]
per_prompt = 4
"""


def retort(*words, code=0):
    done = subprocess.run([RETORT, *words], capture_output=True, text=True)
    assert done.returncode == code, f"retort {' '.join(words)}: exit {done.returncode}\n{done.stderr}"
    return done.stderr


def without_nulls(value):
    if isinstance(value, dict):
        return {key: without_nulls(part) for key, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value


def corpus():
    with open("in.jsonl", "w", encoding="utf-8") as lines:
        for i in range(3000):
            messages = [{"role": "system", "content": "Be brief."}] * (i % 2)
            messages += [{"role": "user", "content": f"What is {i} + {i}? “ü”\n\u2028\0"},
                         {"role": "assistant", "content": str(2 * i), "reasoning_content": "two of them" * (i % 3)}]
            # Two answers each, of which one is right.
            lines.write(json.dumps({"messages": messages}) + "\n")
            messages[-1]["content"] = "none"
            lines.write(json.dumps({"messages": messages}) + "\n")
    retort("import", "in.jsonl", "--may-train", "yes")
    database = sqlite3.connect("corpus.db")
    # What is imported has no reference answers; a harvest would have taken them from its prompt file.
    for prompt, messages in database.execute("SELECT id, messages FROM prompt").fetchall():
        number = int(json.loads(messages)[-1]["content"].split()[2])
        database.execute("UPDATE source_row SET reference = ? WHERE prompt_id = ?", (str(2 * number), prompt))
    database.commit()
    pathlib.Path("pairs.toml").write_text(RECIPE)
    retort("curate", "--recipe", "pairs.toml")


def check_exports():
    for number, words in enumerate(FORMATS):
        view = ["--view", "pairs"] if "preference" in words else []
        for ending in ("parquet", "jsonl"):
            retort("export", *words, *view, "-o", f"{number}.{ending}")
        retort("export", *words, *view, "-o", "again.parquet")
        assert pathlib.Path("again.parquet").read_bytes() == pathlib.Path(f"{number}.parquet").read_bytes(), words
        lines = [json.loads(line) for line in open(f"{number}.jsonl", encoding="utf-8")]
        assert without_nulls(pq.read_table(f"{number}.parquet").to_pylist()) == lines and lines, words
        load = {kind: datasets.load_dataset(name, data_files=f"{number}.{ending}", split="train", cache_dir="cache")
                for kind, name, ending in (("rows", "parquet", "parquet"), ("lines", "json", "jsonl"))}
        # Of messages that do not all have the same keys `datasets` makes a type of its own when it reads lines.
        assert "Json(" in str(load["lines"].features) or load["rows"].features == load["lines"].features, (words, load)
        assert without_nulls(load["rows"].to_list()) == without_nulls(load["lines"].to_list()), words
        print(f"{' '.join(words)}: {len(lines)} rows equal", flush=True)


def kept(path):
    """What the corpus keeps of each row of a file."""
    pathlib.Path("kept.db").unlink(missing_ok=True)
    retort("import", path, "-c", "kept.db")
    bodies = sqlite3.connect("kept.db").execute("SELECT body FROM raw ORDER BY attempt_id").fetchall()
    return [json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(body)) for (body,) in bodies]


def check_types():
    utc = datetime.timezone.utc
    moment = datetime.datetime(1969, 12, 31, 23, 59, 59, 250000)
    columns = [  # name, type, value, as JSON
        ("i8", pa.int8(), -128, -128), ("u8", pa.uint8(), 255, 255), ("i16", pa.int16(), -32768, -32768),
        ("u16", pa.uint16(), 65535, 65535), ("i32", pa.int32(), -2**31, -2**31), ("u32", pa.uint32(), 2**32 - 1, 2**32 - 1),
        ("i64", pa.int64(), -2**63, -2**63), ("u64", pa.uint64(), 2**64 - 1, 2**64 - 1), ("bool", pa.bool_(), True, True),
        ("f32", pa.float32(), 0.5, 0.5), ("f64", pa.float64(), 0.1, 0.1), ("nan", pa.float64(), float("nan"), None),
        ("inf", pa.list_(pa.float32()), [float("inf"), 1.5], [None, 1.5]), ("f16", pa.float16(), -0.333251953125, -0.333251953125),
        ("text", pa.string(), "ü\0\n", "ü\0\n"), ("large", pa.large_string(), "x" * 70000, "x" * 70000),
        ("view", pa.string_view(), "a view that is no short text", "a view that is no short text"),
        ("binary", pa.binary(), "é".encode(), "é"), ("large_binary", pa.large_binary(), b"b", "b"), ("fixed", pa.binary(3), b"abc", "abc"),
        ("list", pa.list_(pa.list_(pa.int32())), [[1, None], [], None], [[1, None], [], None]),
        ("large_list", pa.large_list(pa.string()), ["a"], ["a"]), ("pair", pa.list_(pa.int64(), 2), [3, 4], [3, 4]),
        ("struct", pa.struct([("a", pa.int32()), ("b", pa.string())]), {"a": 1, "b": None}, {"a": 1}),
        ("structs", pa.list_(pa.struct([("a", pa.int32())])), [{"a": 1}, {"a": None}, None], [{"a": 1}, {}, None]),
        ("map", pa.map_(pa.string(), pa.int32()), [("k", 1), ("l", None)], {"k": 1, "l": None}),
        ("numbers", pa.map_(pa.int32(), pa.bool_()), [(7, True)], {"7": True}), ("null", pa.null(), None, None),
        ("none", pa.string(), None, None), ("date", pa.date32(), datetime.date(1, 1, 1), "0001-01-01"),
        ("date64", pa.date64(), datetime.date(2024, 2, 29), "2024-02-29"),
        ("s", pa.timestamp("s"), moment.replace(microsecond=0), "1969-12-31T23:59:59.000"),  # Parquet has no seconds
        ("ms", pa.timestamp("ms"), moment, "1969-12-31T23:59:59.250"), ("us", pa.timestamp("us", "UTC"), moment.replace(tzinfo=utc), "1969-12-31T23:59:59.250000Z"),
        ("ns", pa.timestamp("ns", "Europe/Berlin"), moment.replace(tzinfo=utc), "1969-12-31T23:59:59.250000000Z"),
        ("time", pa.time32("ms"), datetime.time(23, 59, 59, 1000), "23:59:59.001"), ("time64", pa.time64("ns"), datetime.time(0, 0, 1), "00:00:01.000000000"),
        ("decimal", pa.decimal128(30, 2), decimal.Decimal("-12345678901234567890.50"), "-12345678901234567890.50"),
        ("decimal256", pa.decimal256(60, 5), decimal.Decimal("1.00000"), "1.00000"),
        ("words", pa.dictionary(pa.int8(), pa.string()), "word", "word"), ("json", pa.json_(), '{"a": 1}', '{"a": 1}'),
        ("id", pa.uuid(), uuid.UUID("12345678-9abc-def0-1234-56789abcdef0").bytes, "12345678-9abc-def0-1234-56789abcdef0"),
    ]
    message = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    rows = 600  # more than one step of the reader, more than one row group
    made = {"messages": pa.array([MESSAGES] * rows, message)}
    for name, kind, value, _ in columns:
        values = [value if row % 3 else None for row in range(rows)]
        if isinstance(kind, pa.BaseExtensionType):
            made[name] = pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
        else:
            made[name] = pa.array(values, kind, from_pandas=False)
    full = {name: wanted for name, _, _, wanted in columns if wanted is not None}
    for variant, settings in enumerate([{}, {"compression": "gzip", "use_dictionary": False}, {"compression": "none", "data_page_version": "2.0"},
                                        {"compression": "brotli", "store_schema": False}, {"compression": "lz4", "version": "1.0"}]):
        pq.write_table(pa.table(made), "types.parquet", row_group_size=250, **settings)
        got = kept("types.parquet")
        assert len(got) == rows
        for row, line in enumerate(got):
            wanted = dict(full if row % 3 else {}, messages=MESSAGES)
            if settings.get("version") == "1.0" and row % 3:  # which has no nanoseconds
                wanted["ns"], wanted["time64"] = line["ns"], line["time64"]
                assert line["ns"].startswith("1969-12-31T23:59:59.25") and line["time64"].startswith("00:00:01")
            assert line == wanted, (settings, row, {key: (line.get(key), wanted.get(key)) for key in set(line) | set(wanted) if line.get(key) != wanted.get(key)})
        print(f"{len(columns)} types, {settings or 'as pyarrow writes'}: {rows} rows as expected", flush=True)

    for kind, value in ((pa.duration("s"), datetime.timedelta(1)), (pa.struct([("deep", pa.list_(pa.duration("us")))]), {"deep": []})):
        pq.write_table(pa.table({"messages": pa.array([MESSAGES], message), "odd": pa.array([value], kind)}), "odd.parquet")
        said = retort("import", "odd.parquet", "-c", "odd.db", code=2)
        assert "column 'odd" in said and "duration" in said and not os.path.exists("odd.db"), said
    pq.write_table(pa.table({"messages": pa.array([MESSAGES] * 3, message), "odd": [b"a", b"b", b"\xff"]}), "odd.parquet")
    said = retort("import", "odd.parquet", "-c", "odd.db", code=2)
    assert "odd.parquet:3: column 'odd' holds bytes that are no UTF-8" in said and "2 pairs imported" in said, said


def check_writers():
    frame = pandas.DataFrame({"prompt": ["a", "b"], "completion": ["x", "y"], "when": pandas.to_datetime(["2026-11-23 10:25", None]),
                              "kind": pandas.Categorical(["new", "old"]), "n": pandas.array([1, None], dtype="Int64")}, index=[3, 7])
    frame.to_parquet("frame.parquet")
    assert [{key: value for key, value in row.items() if key != "__index_level_0__"} for row in kept("frame.parquet")] == [
        {"prompt": "a", "completion": "x", "when": "2026-11-23T10:25:00.000000", "kind": "new", "n": 1},
        {"prompt": "b", "completion": "y", "kind": "old"}], kept("frame.parquet")
    rows = [{"messages": MESSAGES, "label": "b"}, {"messages": MESSAGES[:1] * 2 + MESSAGES[1:], "label": "a"}]
    features = datasets.Features({"messages": datasets.List({"role": datasets.Value("string"), "content": datasets.Value("string")}),
                                  "label": datasets.ClassLabel(names=["a", "b"])})
    datasets.Dataset.from_list(rows, features=features).to_parquet("set.parquet")
    assert kept("set.parquet") == [dict(row, label=number) for row, number in zip(rows, (1, 0))]
    print("pandas and datasets: as expected")


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    corpus()
    check_exports()
    check_types()
    check_writers()
