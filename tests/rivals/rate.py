"""Rivals on the work of `tallywatt bench`: 1,000 meters by the minute, four
periods and three tiers, exact integers; DuckDB and Polars, in turns with ours.

usage: rate.py TALLYWATT [DAYS]
"""
import json
import statistics
import subprocess
import sys
import tempfile
import time

import duckdb
import numpy
import polars
import pyarrow

METERS = 1000
ROUNDS = 5
PERIOD = "case when h < 7 then 0 when h >= 10 and h < 15 then 2 when h >= 18 and h < 22 then 3 else 1 end"


def registers(days):
    """A table of meter, minute and cumulative watt-hours."""
    minutes = days * 1440 + 1
    steps = numpy.random.default_rng(7).integers(0, 60, size=(METERS, minutes), dtype=numpy.int64)
    return pyarrow.table({
        "meter": numpy.repeat(numpy.arange(METERS, dtype=numpy.int32), minutes),
        "ts": numpy.tile(numpy.arange(minutes, dtype=numpy.int64), METERS),
        "reading": numpy.cumsum(steps, axis=1).ravel(),
    })


def duck_sql(low, high):
    return f"""
with a as (select meter, ts, reading, lag(reading) over w as prev, first_value(reading) over w as r0
           from m window w as (partition by meter order by ts)),
b as (select meter, ((ts - 1) % 1440) // 60 as h, reading - r0 as c1, prev - r0 as c0 from a where prev is not null),
c as (select meter, {PERIOD} as p, sum(least(c1, {low}) - least(c0, {low})) t1,
      sum(greatest(least(c1, {high}), {low}) - greatest(least(c0, {high}), {low})) t2,
      sum(greatest(c1, {high}) - greatest(c0, {high})) t3 from b group by 1, 2)
select sum(t1 * (300 + 100 * p) + t2 * (360 + 120 * p) + t3 * (430 + 150 * p))::bigint from c"""


def polars_bill(frame, low, high):
    col = polars.col
    h = ((col("ts") - 1) % 1440) // 60
    p = (polars.when(h < 7).then(0).when((h >= 10) & (h < 15)).then(2)
         .when((h >= 18) & (h < 22)).then(3).otherwise(1))
    use = lambda a, b: col("c1").clip(a, b) - col("c0").clip(a, b)
    bill = use(None, low) * (300 + 100 * p) + use(low, high) * (360 + 120 * p) + use(high, None) * (430 + 150 * p)
    lazy = frame.lazy().with_columns(c1=col("reading") - col("reading").first().over("meter"))
    lazy = lazy.with_columns(c0=col("c1").shift(1).over("meter")).filter(col("c0").is_not_null())
    return lazy.select(bill.sum()).collect().item()


def main():
    ours, days = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    minutes = registers(days)
    low, high = 10_000 * days, 30_000 * days
    con = duckdb.connect()
    con.execute("set threads = 1")
    con.execute("create table m as select * from minutes")
    frame = polars.from_arrow(minutes)
    runs = {
        "duckdb, in memory, one thread": lambda: con.execute(duck_sql(low, high)).fetchone()[0],
        f"polars, in memory, {polars.thread_pool_size()} threads": lambda: polars_bill(frame, low, high),
    }
    rates, checks = {name: [] for name in runs}, set()
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began = time.perf_counter()
            checks.add(run())
            rates[name].append(minutes.num_rows / (time.perf_counter() - began))
    assert len(checks) == 1, f"the rivals do not agree: {checks}"
    with tempfile.TemporaryDirectory() as scratch:
        said = subprocess.run([ours, "bench", "--meters", str(METERS), "--days", str(days), "--rating", "--json",
                               "--dir", scratch + "/bench"], check=True, capture_output=True, text=True)
    own = int(json.loads(said.stdout)["figures"][0]["value"])
    print(f"{'tallywatt, in memory, one thread':40} {own / 1e6:10.1f} M readings/s")
    for name, all_rates in rates.items():
        rate = statistics.median(all_rates)
        print(f"{name:40} {rate / 1e6:10.1f} M readings/s: tallywatt is {own / rate:.0f} times as fast")


if __name__ == "__main__":
    main()
