#!/usr/bin/env python3
"""Writes the small Parquet files that tests and the fuzz target begin with (needs pyarrow).

    python3 tests/references/make_parquet_files.py tests/fuzz/seeds/parquet_rows tests/parquet

The second folder holds what unpacks to more than anybody has memory for, too slow to begin fuzzing with. tests/e2e/parquet_test.cpp knows what these files hold.
"""
import datetime
import decimal
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

seeds, huge = (pathlib.Path(name) for name in sys.argv[1:])
for folder in (seeds, huge):
    folder.mkdir(parents=True, exist_ok=True)


def write(name, columns, folder=seeds, **settings):
    pq.write_table(pa.table(columns), folder / name, **{"compression": "none", **settings})


moment = datetime.datetime(1969, 12, 31, 23, 59, 59, 250000, datetime.timezone.utc)
write("types.parquet", {
    "prompt": ["first", "second", "third"],
    "small": pa.array([-1, None, 3], pa.int8()),
    "large": pa.array([None, 2**64 - 1, 0], pa.uint64()),
    "half": pa.array([0.5, None, -2.0], pa.float16()),
    "double": pa.array([0.1, float("nan"), 1e300]),
    "yes": [True, False, None],
    "bytes": pa.array(["é".encode(), None, b""], pa.binary()),
    "day": pa.array([datetime.date(2024, 2, 29), None, datetime.date(1, 1, 1)]),
    "at": pa.array([moment, None, moment], pa.timestamp("ms", "UTC")),
    "time": pa.array([datetime.time(23, 59, 59, 1000), None, None], pa.time32("ms")),
    "price": pa.array([decimal.Decimal("-12.50"), None, decimal.Decimal("0.01")], pa.decimal128(9, 2)),
    "word": pa.array(["a", None, "a"], pa.dictionary(pa.int8(), pa.string())),
    "tags": pa.array([["x", None], [], None], pa.list_(pa.string())),
    "made": pa.array([{"by": "a", "n": None}, None, {"by": None, "n": 3}], pa.struct([("by", pa.string()), ("n", pa.int32())])),
    "marks": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int32())),
}, row_group_size=2)
message = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
write("messages.parquet", {"messages": pa.array([[{"role": "user", "content": str(i)}, {"role": "assistant", "content": "a" * i}] for i in range(40)], message)},
      compression="zstd", row_group_size=16, write_page_checksum=True)
write("second_pages.parquet", {"prompt": ["a", "b"] * 20, "list": [[1, 2], None] * 20}, data_page_version="2.0", use_dictionary=False, column_encoding={"prompt": "DELTA_BYTE_ARRAY"})
write("no_schema.parquet", {"prompt": ["a", None], "n": [1.5, None]}, store_schema=False)
write("bytes.parquet", {"messages": pa.array([[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]] * 3, message), "odd": [b"a", b"b", b"\xff"]})
write("duration.parquet", {"prompt": ["a"], "took": pa.array([datetime.timedelta(seconds=1)])})
# 600 MB in 19 KB, and 20 million nulls in 795 bytes
write("page.parquet", {"prompt": ["a" * 600_000_000]}, huge, compression="zstd", use_dictionary=False, write_statistics=False)
write("list.parquet", {"prompt": ["a"], "all": pa.array([[None] * 20_000_000], pa.list_(pa.int8()))}, huge, compression="zstd")
