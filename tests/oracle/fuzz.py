#!/usr/bin/env python3
"""Runs the product and the reference on generated folders and compares every file.

fuzz.py --binary PATH/tallywatt [--kinds tou,late] [--first 0] [--count 20] [--jobs 2] [--keep DIR]
fuzz.py --binary PATH/tallywatt --folder DIR     one folder with a case.json
fuzz.py --prepare DIR [--kinds …] [--first 0] [--count 20]     DIR/KIND-SEED/site, and reference/ or reference.refused; the cases kept in cases/ too
fuzz.py --judge DIR     compares them with DIR/KIND-SEED/product/ or product.refused, which a caller has put beside them
Exit status: 0 all the same, 1 differences (each with its seed; its folder is left under --keep).
"""
import argparse
import collections
import contextlib
import importlib.util
import io
import json
import shutil
import subprocess
import sys
import tempfile
import traceback
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import facts
import generate
import reference

HERE = Path(__file__).resolve().parent


def load_compare():
    spec = importlib.util.spec_from_file_location("compare", HERE.parent / "site-cases" / "compare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COMPARE = load_compare()


def by_reference(folder, out):
    """None, or why the reference refuses."""
    until = json.loads((folder / "case.json").read_text())["until"]
    try:
        reference.Run(folder, facts.instant(until)).write(out)
    except facts.SiteError as e:
        return str(e)
    return None


def by_product(binary, folder, out):
    until = json.loads((folder / "case.json").read_text())["until"]
    ran = subprocess.run([binary, "run", str(folder), "--until", until, "--out", str(out)], capture_output=True, text=True)
    return None if ran.returncode == 0 else (ran.stderr.strip().splitlines() or [f"exit {ran.returncode}"])[-1 if ran.returncode != 2 else 0]


def compare(expected, actual):
    said = io.StringIO()
    argv, sys.argv = sys.argv, ["compare.py", str(expected), str(actual), "--max", "8"]
    try:
        with contextlib.redirect_stdout(said):
            status = COMPARE.main()
    finally:
        sys.argv = argv
    return status == 0, said.getvalue()


def check(binary, folder, work):
    """(verdict, text): "same", "refused" by both, or "differs"."""
    theirs, ours = work / "reference", work / "product"
    for d in (theirs, ours):
        shutil.rmtree(d, ignore_errors=True)
        d.mkdir(parents=True)
    a, b = by_reference(folder, theirs), by_product(binary, folder, ours / "out")
    if a is not None or b is not None:
        text = f"reference: {a or 'accepts'}\nproduct:   {b or 'accepts'}"
        return ("refused" if a is not None and b is not None else "differs"), text
    same, said = compare(theirs, ours / "out")
    return ("same" if same else "differs"), said


def one(job):
    binary, kind, seed, keep = job
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        try:
            generate.generate(seed, kind, work / "site")
            verdict, text = check(binary, work / "site", work)
        except Exception:
            verdict, text = "differs", traceback.format_exc()
        if verdict == "differs" and keep:
            shutil.rmtree(Path(keep) / f"{kind}-{seed}", ignore_errors=True)
            shutil.copytree(work, Path(keep) / f"{kind}-{seed}", dirs_exist_ok=True)
    return kind, seed, verdict, text


def prepare_one(job):
    kind, seed, folder = job
    if kind == "case":
        shutil.copytree(HERE / "cases" / seed, folder / "site")
    else:
        generate.generate(seed, kind, folder / "site")
    refused = by_reference(folder / "site", folder / "reference")
    if refused is not None:
        (folder / "reference.refused").write_text(refused)


def prepare(folder, kinds, seeds, jobs):
    names = [(kind, seed, folder / f"{kind}-{seed}") for kind in kinds for seed in seeds]
    names += [("case", d.name, folder / f"case-{d.name}") for d in sorted((HERE / "cases").glob("*")) if d.is_dir()]
    for _, _, d in names:
        d.mkdir(parents=True)
    with ProcessPoolExecutor(jobs) as pool:
        list(pool.map(prepare_one, names))
    print(f"{len(names)} folders")
    return 0


def judge(folder):
    wrong, counts = 0, collections.Counter()
    for d in sorted(x for x in folder.iterdir() if x.is_dir()):
        refused = [d / "reference.refused", d / "product.refused"]
        if any(x.exists() for x in refused):
            verdict, text = ("refused" if all(x.exists() for x in refused) else "differs"), "\n".join(
                f"{x.name.split('.')[0]}: {x.read_text() if x.exists() else 'accepts'}" for x in refused)
        else:
            same, text = compare(d / "reference", d / "product")
            verdict = "same" if same else "differs"
        counts[verdict] += 1
        if verdict == "differs":
            wrong += 1
            print(f"--- {d.name} (KIND-SEED) differs\n{text.strip()}")
    print(", ".join(f"{n} {v}" for v, n in sorted(counts.items())))
    return 1 if wrong else 0


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--binary")
    args.add_argument("--kinds", default=",".join(generate.KINDS))
    args.add_argument("--first", type=int, default=0)
    args.add_argument("--count", type=int, default=20)
    args.add_argument("--jobs", type=int, default=2)
    args.add_argument("--keep")
    args.add_argument("--folder", type=Path)
    args.add_argument("--verbose", action="store_true", help="print why folders are refused by both")
    args.add_argument("--prepare", type=Path)
    args.add_argument("--judge", type=Path)
    a = args.parse_args()
    if a.prepare:
        return prepare(a.prepare, a.kinds.split(","), range(a.first, a.first + a.count), a.jobs)
    if a.judge:
        return judge(a.judge)
    if not a.binary:
        args.error("--binary, --prepare or --judge")
    if a.folder:
        with tempfile.TemporaryDirectory() as work:
            verdict, text = check(a.binary, a.folder, Path(work))
        print(f"{a.folder}: {verdict}\n{text}")
        return 0 if verdict != "differs" else 1
    jobs = [(a.binary, kind, seed, a.keep) for seed in range(a.first, a.first + a.count) for kind in a.kinds.split(",")]
    counts = collections.Counter()
    with ProcessPoolExecutor(a.jobs) as pool:
        for kind, seed, verdict, text in pool.map(one, jobs):
            counts[kind, verdict] += 1
            if verdict == "differs" or (a.verbose and verdict == "refused"):
                print(f"--- {verdict}: --kind {kind} --seed {seed}\n{text.strip()}", flush=True)
    for kind in a.kinds.split(","):
        print(f"{kind:12}", ", ".join(f"{counts[kind, v]} {v}" for v in ("same", "refused", "differs")))
    return 1 if any(v == "differs" for _, v in counts) else 0


if __name__ == "__main__":
    sys.exit(main())
