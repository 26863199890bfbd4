#!/usr/bin/env python3
"""Random valid site folders: generate.py --seed N --kind KIND --out DIR. The same seed and kind give the same folder."""
import argparse
import contextlib
import json
import random
import re
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import facts as f
import tables
from readings import judged

# (zone, a date near a change of its clock)
ZONES = [
    ("Europe/London", "2026-03-29"), ("Europe/London", "2025-10-26"), ("Australia/Lord_Howe", "2026-04-05"), ("Australia/Lord_Howe", "2025-10-05"),
    ("America/Sao_Paulo", "2018-02-18"), ("America/Sao_Paulo", "2018-11-04"), ("America/Santiago", "2025-04-06"), ("America/Santiago", "2025-09-07"),
    ("Asia/Beirut", "2025-03-30"), ("Asia/Beirut", "2025-10-26"), ("Africa/Casablanca", "2025-02-23"), ("Africa/Casablanca", "2025-04-06"),
    ("America/St_Johns", "2026-03-08"), ("America/St_Johns", "2010-11-07"), ("America/St_Johns", "2009-11-01"), ("Asia/Kolkata", "2026-02-20"),
    ("Asia/Kathmandu", "2026-04-14"), ("Pacific/Apia", "2011-12-30"), ("Africa/Cairo", "2025-04-25"), ("Africa/Cairo", "2025-10-31"), ("America/Havana", "2025-03-09"),
    ("Pacific/Chatham", "2025-04-06"), ("Antarctica/Troll", "2025-10-26"), ("Asia/Tehran", "2021-03-22"), ("Asia/Amman", "2021-10-29"), ("UTC", "2024-02-29"),
    ("America/New_York", "2025-11-02"), ("Asia/Shanghai", "2026-12-31"), ("Asia/Hong_Kong", "2026-06-30"),
]
CURRENCIES = ["GBP", "EUR", "USD", "JPY", "KWD", "CNY", "TND", "KRW"]
# What each kind turns on, with its probability.
KINDS = {
    "plain": {},
    "tou": {"tou": 1, "demand": 0.4, "holiday": 0.6},
    "tiers": {"tiers": 1, "tou": 0.6, "minimum": 0.2, "leases": 0.4},
    "pools": {"pools": 1, "virtual": 0.5, "leases": 0.6, "tou": 0.3},
    "leases": {"leases": 1, "fixed": 0.7, "tiers": 0.5, "tou": 0.4, "demand": 0.3, "minimum": 0.4, "points": 0.4, "pools": 0.3},
    "meters": {"swap": 0.9, "bad": 1, "modulus": 0.6, "multiplier": 0.5, "virtual": 0.3, "demand": 0.3, "tou": 0.4, "decide": 0.3},
    "late": {"late": 1, "tou": 0.4, "tiers": 0.4, "pools": 0.5, "virtual": 0.3, "leases": 0.3, "demand": 0.3, "decide": 0.3},
    "backdated": {"backdated": 1, "late": 0.5, "tou": 0.5, "tiers": 0.5, "pools": 0.6, "leases": 0.6, "fixed": 0.6, "demand": 0.3, "minimum": 0.3, "decide": 0.5,
                  "postings": 0.5, "bad": 0.3, "virtual": 0.3, "holiday": 0.4, "swap": 0.3},
    "everything": {k: 0.6 for k in ("tou", "tiers", "pools", "virtual", "leases", "fixed", "demand", "minimum", "swap", "bad", "modulus", "multiplier", "late",
                                    "backdated", "decide", "postings", "holiday", "points", "recharges", "silent", "tax")},
    "money": {"recharges": 1, "postings": 1, "tax": 0.8, "fixed": 0.6, "leases": 0.5, "backdated": 0.3, "pools": 0.3},
}


class Maker:
    def __init__(self, seed, kind):
        self.r = random.Random(f"{kind}-{seed}")
        self.on = {k for k in set().union(*KINDS.values()) if self.r.random() < KINDS[kind].get(k, 0)}
        if kind not in ("everything", "money"):
            self.on |= {k for k in ("tax", "recharges", "fixed") if self.r.random() < 0.4}
        zone, near = self.r.choice(ZONES)
        self.zone, self.zone_name = ZoneInfo(zone), zone
        near = date.fromisoformat(near)
        self.first = near - timedelta(days=self.r.choice([0, 1, 2, 5, 12, 20]))
        self.length = self.r.choice([5, 12, 20, 33, 40] + ([64] if self.r.random() < 0.3 else []))
        self.last = self.first + timedelta(days=self.length)
        self.currency = self.r.choice(CURRENCIES)
        self.decimals = 0 if self.currency in ("JPY", "KRW") else 3 if self.currency in ("KWD", "TND") else 2
        self.doc, self.rows, self.recharges = {}, [], []

    # Small things

    def maybe(self, p):
        return self.r.random() < p

    def has(self, feature):
        return feature in self.on

    def local(self, day, minute=0, second=0):
        return datetime(day.year, day.month, day.day, minute // 60, minute % 60, second, tzinfo=self.zone, fold=self.r.randint(0, 1)).astimezone(timezone.utc)

    def day(self, before=0, after=0):
        return self.first + timedelta(days=self.r.randint(-before, self.length + after))

    def moment(self, before=0, after=0):
        """An instant: a midnight, a round time, or any second; often on a day of the change of clocks."""
        day = self.day(before, after)
        way = self.r.random()
        if way < 0.3:
            return self.local(day)
        return self.local(day, self.r.randint(0, 95) * 15) if way < 0.6 else self.local(day, self.r.randint(0, 1439), self.r.randint(0, 59))

    def later(self, day=0):
        """When a fact becomes known: some time in the window, now and then the very instant of a settlement or bill."""
        if self.maybe(0.2):
            end = self.local(self.day(0, 2) + timedelta(days=1))
            return end + timedelta(seconds=f.duration(self.r.choice([self.settle_after, self.bill_after])) + self.r.choice([0, 0, 0, 1, -1]))
        return self.moment(-min(2, self.length), 3)

    def number(self, low, high, decimals):
        return f"{self.r.uniform(low, high):.{self.r.randint(0, decimals)}f}"

    def price(self, low=0.02, high=0.6):
        scale = {0: 100, 2: 1, 3: 0.3}[self.decimals]
        return self.number(low * scale, high * scale, 8) if self.maybe(0.9) else "0"

    def money(self, low, high):
        scale = {0: 100, 2: 1, 3: 0.3}[self.decimals]
        return f"{self.r.uniform(low, high) * scale:.{self.decimals}f}"

    def add(self, table, **e):
        self.doc.setdefault(table, []).append({k.rstrip("_"): v for k, v in e.items() if v is not None})
        return self.doc[table][-1]

    def replace(self, table, e, **change):
        """The same key received later."""
        e = dict(e) | {k.rstrip("_"): v for k, v in change.items()} | {"received": self.later()}
        e = {k: v for k, v in e.items() if v is not None}
        self.doc[table].append(e)
        return e

    # The site

    def make(self):
        self.site()
        tables.Tariffs(self).make()
        self.units()
        tables.Pools(self).make()
        for m in list(self.doc["meter"]):
            self.read(m)
        self.leases()
        if self.has("late"):
            self.delay()
        if self.has("bad"):
            self.spoil()
        self.money_rows()
        if self.has("backdated"):
            tables.Backdated(self).make()
        self.r.shuffle(self.rows) if self.maybe(0.2) else self.rows.sort(key=lambda x: (x["received"] or x["time"], x["time"]))
        self.until = self.moment(-self.length + 2, 40 if self.maybe(0.4) else 4)
        if self.maybe(0.25):
            end = self.local((self.last.replace(day=28) + timedelta(days=5)).replace(day=1))
            self.until = end + timedelta(seconds=f.duration(self.bill_after) + self.r.choice([0, 0, -1, 40000]))

    def site(self):
        self.settle_after = self.r.choice(["00:00", "00:05", "00:15", "00:30", "02:00", "26:00"])
        self.bill_after = self.r.choice([x for x in ["00:05", "01:00", "03:00", "26:00", "50:00"] if f.duration(x) >= f.duration(self.settle_after)])
        s = {"id": "made", "name": "Made up", "time_zone": self.zone_name, "currency": self.currency, "landlord": "A-000", "settle_after": self.settle_after,
             "bill_after": self.bill_after}
        if self.maybe(0.5):
            s["max_gap"] = self.r.choice(["00:15", "00:30", "01:00", "06:00", "25:00"])
        if self.has("holiday"):
            s["holidays"] = sorted({self.day() for _ in range(self.r.randint(0, 3))})
            for d in {self.day() for _ in range(2)} if self.maybe(0.5) else []:
                self.add("holiday", date=d, received=self.later() if self.maybe(0.5) else None)
        if self.has("tax"):
            s["tax"] = self.tax()
            if self.maybe(0.4):
                self.add("tax", **self.tax(), from_=(self.first + timedelta(days=self.r.choice([0, 31]))).replace(day=1), received=self.later() if self.maybe(0.5) else None)
        if self.maybe(0.3):
            self.add("max_gap", value=self.r.choice(["00:20", "02:00", "13:00"]), from_=self.day(), received=self.later() if self.maybe(0.3) else None)
        self.doc["site"] = s
        self.add("account", id="A-000", name="Landlord", opening_balance=self.money(-9, 9) if self.maybe(0.2) else None)

    def tax(self):
        return {"name": self.r.choice(["VAT", "GST"]), "rate": self.r.choice(["0.05", "0.2", "0.0825", "0"]), "mode": self.r.choice(["exclusive", "exclusive", "inclusive"])}

    def units(self):
        for n in range(1, self.r.randint(1, 4) + 1):
            unit = f"U-{n}"
            self.add("unit", id=unit, area_m2=self.number(10, 120, 2) if self.maybe(0.85) else None)
            if self.maybe(0.2):
                self.add("area", unit=unit, area_m2=self.number(10, 120, 2), from_=self.day(), received=self.later() if self.maybe(0.4) else None)
            for k in range(2 if self.has("points") and self.maybe(0.5) else 1):
                point = f"P-{n}" + "b" * k
                self.add("point", id=point, kind="unit", unit=unit)
                self.assign("point", point)
                self.meters(point)

    def assign(self, member, of):
        for d in [self.first - timedelta(days=40)] + ([self.day() for _ in range(self.r.randint(0, 2))] if self.has("tiers") or self.has("tou") else []):
            if not any(a.get(member) == of and a["from"] == d for a in self.doc.get("assign", [])):
                self.add("assign", **{member: of}, tariff=self.r.choice(self.tariffs), from_=d)

    def meters(self, point, big=1):
        """One meter after another at a point."""
        installed = self.local(self.first, self.r.choice([0, 0, 0, 8 * 60, 613])) if self.maybe(0.7) else self.local(self.first - timedelta(days=1), 1440 - self.r.choice([5, 60]))
        for k in range(self.r.choice([2, 2, 3]) if self.has("swap") and self.maybe(0.7) else 1):
            m = {"id": f"M-{point[2:]}" + "n" * k, "serial": f"S{self.r.randint(100, 999)}" if self.maybe(0.7) else None, "point": point, "installed": installed}
            if self.has("modulus") and self.maybe(0.6):
                m["modulus_kwh"] = self.r.choice(["100", "1000", "99.5"])
            if self.has("multiplier") and self.maybe(0.5):
                m["multiplier"] = self.r.choice(["1.5", "10", "0.333", "2.000001"])
            if self.maybe(0.5):
                m["max_kw"] = self.r.choice(["5", "20", "1000"])
            if self.maybe(0.6):
                m["start_kwh"] = self.number(0, 99, 6) if self.maybe(0.8) else "0"
            removed = installed + timedelta(seconds=self.r.randint(3 * 3600, max(2, self.length) * 40000))
            ended = self.has("swap") and self.maybe(0.7)
            if ended:
                m["removed"] = removed
            self.add("meter", **m)["big"] = big
            if not ended:
                return
            installed = removed + timedelta(seconds=self.r.choice([0, 0, 900, 5400, 90000]))

    def read(self, m):
        """A register that grows, read at its own pace, with gaps."""
        big, serial = m.pop("big"), m.get("serial")
        pace = self.r.choice([900, 900, 1800, 3600, 14400, 21600, 43200, 86400]) if self.length < 25 else self.r.choice([3600, 14400, 21600, 43200, 86400])
        end = m.get("removed") or self.local(self.last, self.r.randint(0, 1439))
        if self.has("silent") and self.maybe(0.2):
            end = m["installed"] + timedelta(days=self.r.randint(0, self.length))
        decimals, t = self.r.randint(1, 6), m["installed"] + timedelta(seconds=self.r.choice([0, 0, 7, 600, 5000]))
        register = float(m.get("start_kwh", self.r.uniform(0, 90)))
        modulus = float(m["modulus_kwh"]) if "modulus_kwh" in m else None
        limit = float(m.get("max_kw", 4)) / float(m.get("multiplier", 1)) * 0.9
        kw = min(self.r.uniform(0.02, 2) * big, limit)
        shown = lambda: f"{register % modulus if modulus else register:.{decimals}f}"
        if shown() == "0." + "0" * decimals and "start_kwh" not in m:
            register = 0.5
        while t <= end:
            row = {"time": t, "meter": m["id"], "kwh": shown(), "received": t + timedelta(seconds=self.r.choice([0, 0, 2, 60])) if self.maybe(0.4) else None,
                   "serial": serial if serial and self.maybe(0.1) else None}
            if row["received"] == t:
                row["received"] = None
            self.rows.append(row)
            step = pace * (1 if self.maybe(0.97) else self.r.randint(2, 9)) + (self.r.randint(-50, 50) if self.maybe(0.05) else 0)
            t += timedelta(seconds=step)
            if self.maybe(0.1):
                kw = min(self.r.choice([0, 0.02, 0.3, 1, 2.5]) * big, limit)
            register += kw * step / 3600 * self.r.uniform(0.2, 1)
        if "removed" in m and self.maybe(0.7):
            m["final_kwh"] = f"{register % modulus if modulus else register:.6f}"

    def leases(self):
        accounts = iter(f"A-{n:03}" for n in range(1, 99))
        known = []

        def account():
            if known and self.maybe(0.2):
                return self.r.choice(known)
            if self.maybe(0.05):
                return "A-000"
            known.append(next(accounts))
            self.add("account", id=known[-1], name=f"Tenant {known[-1]}", opening_balance=self.money(-20, 400) if self.maybe(0.3) else None)
            return known[-1]

        for u in self.doc["unit"]:
            if self.maybe(0.1):
                continue
            cuts = sorted({self.moment(20, 5) for _ in range(self.r.randint(2, 6))}) if self.has("leases") else [self.local(self.first - timedelta(days=self.r.choice([0, 9])))]
            if not self.has("leases") or self.maybe(0.5):
                cuts.append(None)
            who, n = account(), 0
            while n + 1 < len(cuts) or (n < len(cuts) and len(cuts) == 1):
                until = cuts[n + 1] if n + 1 < len(cuts) else None
                self.add("lease", account=who, unit=u["id"], from_=cuts[n], until=until)
                n += 1 if self.maybe(0.7) else 2
                who = who if self.maybe(0.25) else account()
        self.accounts = ["A-000"] + known

    # Rows that come late or bad

    def delay(self):
        for _ in range(self.r.randint(1, 4)):
            m, a = self.r.choice(self.doc["meter"])["id"], self.moment()
            b, when = a + timedelta(hours=self.r.choice([3, 30, 200])), self.later()
            for row in self.rows:
                if row["meter"] == m and a <= row["time"] < b and row["time"] <= when:
                    row["received"] = when if self.maybe(0.8) else self.later()
                    if row["received"] < row["time"]:
                        row["received"] = None

    def spoil(self):
        for _ in range(min(25, len(self.rows) // 4)):
            row = self.r.choice(self.rows)
            other, x = dict(row), float(row["kwh"]) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", row["kwh"]) else 1.0
            way = self.r.choice(["nan", "zero", "spike", "back", "again", "conflict", "future", "serial", "early", "late", "wipe"])
            if way == "nan":
                other["kwh"] = self.r.choice(["--", "1.2.3", "-5", "1e3", "", "12.3456789", "+4", " 5", "5.", ".5", "1,5"])
            elif way in ("zero", "spike", "back"):
                other["time"] += timedelta(seconds=self.r.choice([1, 30, 450, 4000]))
                other["kwh"] = {"zero": self.r.choice(["0", "0.00"]), "spike": f"{x + self.r.choice([0.2, 30, 500]):.2f}", "back": f"{max(0, x - 0.7):.3f}"}[way]
                other["received"] = None
            elif way == "again":
                other["kwh"], other["received"] = row["kwh"] + ("0" if "." in row["kwh"] and len(row["kwh"].split(".")[1]) < 6 else ""), self.later()
            elif way == "conflict":
                other["kwh"] = f"{x + 0.01:.2f}"
            elif way == "future":
                other["time"] = row["time"] + timedelta(seconds=self.r.choice([299, 300, 301, 7200]))
                other["received"] = row["time"]
            elif way == "serial":
                other["serial"] = "S0"
            elif way == "early":
                other["time"] = self.local(self.first - timedelta(days=2), 5)
            elif way == "late":
                other["time"], other["received"] = self.local(self.last + timedelta(days=9)), None
            else:
                row["kwh"] = "0.0"
                continue
            if other["received"] and other["received"] < other["time"] and way != "future":
                other["received"] = None
            self.rows.append(other)

    # Money

    def money_rows(self):
        for n in range(self.r.randint(1, 9) if self.has("recharges") else 0):
            kind = self.r.choice([None, "recharge", "recharge", "refund", "reversal"])
            rich = [a["id"] for a in self.doc["account"] if float(a.get("opening_balance", "0")) > 0]
            if kind == "refund" and not rich and self.maybe(0.98):
                kind = "reversal"
            row = {"time": self.moment(9, 3) + timedelta(seconds=n), "account": self.r.choice(rich if kind == "refund" and rich and self.maybe(0.95) else self.accounts), "reference": f"R{n}", "kind": kind,
                   "amount": self.money(1, 90) if kind != "refund" else self.money(0.1, 2)}
            self.recharges.append(row)
            if self.maybe(0.15):
                self.recharges.append(row | {"time": row["time"] + timedelta(days=self.r.choice([0, 0, 3, 31]))})
        for n in range(self.r.randint(1, 4) if self.has("postings") else 0):
            time = self.moment(5, 3)
            self.add("posting", account=self.r.choice(self.accounts), amount=self.r.choice(["", "-"]) + self.money(0.5, 30), reference=f"P{n}", time=time, by="j.moore",
                     reason="made up", received=self.r.choice([None, time, time + timedelta(hours=30)]))

    # Files

    def write(self, out):
        out.mkdir(parents=True, exist_ok=True)
        self.write_toml(out)
        names = ["time", "meter", "kwh", "received", "serial"]
        show = lambda v: "" if v is None else v.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(v, datetime) else v
        lines = [",".join(names)] + [",".join(f'"{v}"' if "," in v else v for v in (show(r[k]) for k in names)) for r in self.rows]
        (out / "readings.csv").write_text("\n".join(lines) + "\n")
        names = ["time", "account", "amount", "reference", "kind"]
        (out / "recharges.csv").write_text("\n".join([",".join(names)] + [",".join(show(r[k]) for k in names) for r in self.recharges]) + "\n")
        (out / "case.json").write_text(json.dumps({"until": show(self.until), "kind": "made"}) + "\n")

    def write_toml(self, out):
        text = ["format = 1", "", "[site]"] + [f"{k} = {value(v)}" for k, v in self.doc["site"].items()]
        for table, entries in self.doc.items():
            for e in entries if table != "site" else []:
                text += ["", f"[[{table}]]"] + [f"{k} = {value(v)}" for k, v in e.items()]
        (out / "site.toml").write_text("\n".join(text) + "\n")

    def repair(self, out):
        """Takes out back-dated leases that overlap, and start_kwh and final_kwh that would be quarantined."""
        try:
            site = f.Site(out)
        except f.SiteError:
            self.doc["lease"] = [x for x in self.doc["lease"] if "received" not in x]
            self.write_toml(out)
            site = f.Site(out)
        for t in sorted({r for _, r, _ in site.tables["meter"]} | {f.NEVER}) if self.maybe(0.95) else []:
            for m in f.Facts(site, t).meters.values():
                try:
                    judged(m, [r for r in site.rows if r.meter == m.id], [], t)
                except f.SiteError:
                    for e in self.doc["meter"]:
                        if e["id"] == m.id:
                            e.pop("final_kwh", None)
                            e.pop("start_kwh", None)
        self.write_toml(out)

    def decide(self, out):
        """Withdrawals and releases that name what the judgement holds then."""
        for _ in range(self.r.randint(1, 4) if self.has("decide") else 0):
            site = f.Site(out)
            known = self.later()
            at = f.Facts(site, int(known.timestamp()))
            meters = [m for m in at.meters.values() if any(r.meter == m.id for r in site.rows)]
            if not meters:
                return
            m = self.r.choice(sorted(meters, key=lambda m: m.id))
            judge = lambda site, t: judged(f.Facts(site, t).meters[m.id], [r for r in site.rows if r.meter == m.id], [d for d in site.decisions if d[2] == m.id], t)
            before = judge(site, at.at)
            rows = [r for r, s in before.status.items() if not r.special and s in f.LIKELY + ("accepted", "withdrawn")]
            if not rows:
                continue
            row = self.r.choice(rows)
            table = "withdraw" if before.accepted_at(row.time) else "release"
            self.add(table, meter=m.id, time=datetime.fromtimestamp(row.time, timezone.utc), received=known, by="s.okafor", reason="checked on site")
            self.write_toml(out)
            try:
                ends = sorted({d[0] for d in f.Site(out).decisions} | {r for _, r, _ in site.tables["meter"] if r > at.at} | {f.NEVER})
                for t in ends:
                    judge(f.Site(out), t) if t >= at.at else None
            except f.SiteError:
                self.doc[table].pop()
                self.write_toml(out)


def value(v):
    if isinstance(v, datetime):
        return v.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(v, date):
        return v.isoformat()
    if isinstance(v, list):
        return "[" + ", ".join(value(x) for x in v) + "]"
    if isinstance(v, dict):
        return "{ " + ", ".join(f"{json.dumps(k) if '-' in k else k} = {value(x)}" for k, x in v.items()) + " }"
    return json.dumps(v)


def generate(seed, kind, out):
    maker = Maker(seed, kind)
    maker.make()
    maker.write(Path(out))
    maker.repair(Path(out))
    with contextlib.suppress(f.SiteError):
        maker.decide(Path(out))
    return maker


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--seed", type=int, required=True)
    args.add_argument("--kind", choices=sorted(KINDS), required=True)
    args.add_argument("--out", type=Path, required=True)
    a = args.parse_args()
    generate(a.seed, a.kind, a.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
