"""Random tariffs, pools and back-dated tables for the generator."""
from datetime import timedelta

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Tariffs:
    def __init__(self, maker):
        self.m, self.r = maker, maker.r

    def make(self):
        self.m.tariffs = []
        for n in range(1, self.r.randint(1, 3) + 1):
            self.tariff(f"t{n}", pool=False)
            self.m.tariffs.append(f"t{n}")

    def tariff(self, name, pool):
        starts = [self.m.first - timedelta(days=40)] + [self.m.day() for _ in range(self.r.choice([0, 0, 1, 2]))]
        if len(starts) > 2 and self.m.maybe(0.3):
            starts[2] = starts[1]
        for version, start in enumerate(starts, 1):
            self.m.add("tariff", **self.version(name, version, start, pool))

    def version(self, name, version, start, pool):
        m = self.m
        periods = self.r.sample(["day", "night", "peak", "valley"], self.r.randint(1, 4)) if m.has("tou") else ["all"]
        e = {"id": name, "version": version, "from_": start, "default_period": periods[0]}
        if m.has("tiers"):
            e |= {"tier_window": self.r.choice(["month", "year", "day", "none"]), "tier_basis": self.r.choice(["total", "period"])}
        if len(periods) > 1 or m.has("tou"):
            e["schedule"] = [self.schedule_row(periods) for _ in range(self.r.randint(0, 4))]
        periods = [p for p in periods if p == periods[0] or any(row["period"] == p for row in e.get("schedule", []))]
        total = self.bounds(e)
        e["energy"] = [row for p in periods for row in self.rows(p, e, total)]
        e["adder"] = [{"name": f"Levy {k}", "price": m.price(0.001, 0.02)} for k in range(self.r.choice([0, 1, 2]))]
        if m.has("fixed"):
            e["fixed"] = [{"name": f"Standing {k}", "per": self.r.choice(["day", "month"]), "amount": m.price(0.05, 9)} for k in range(self.r.choice([0, 1, 2]))]
        if not pool and m.has("demand"):
            e["demand"] = [self.demand(k, periods) for k in range(self.r.choice([1, 1, 2]))]
        if not pool and m.has("minimum") and m.maybe(0.7):
            e["minimum"] = m.price(1, 60)
        return {k: v for k, v in e.items() if v != []}

    def minute(self):
        return self.r.choice(["00:00", "23:30", "00:30", "02:00", "02:15", "01:00", "22:00", f"{self.r.randint(0, 23):02}:{self.r.randint(0, 59):02}"])

    def schedule_row(self, periods):
        row = {"period": self.r.choice(periods), "from": self.minute(), "to": self.r.choice(["24:00", self.minute(), self.minute(), self.minute()])}
        if self.m.maybe(0.5):
            names = self.r.choice([["sat", "sun"], WEEKDAYS[:5], WEEKDAYS, self.r.sample(WEEKDAYS, self.r.randint(1, 6))])
            row["days"] = names + (["holiday"] if self.m.maybe(0.4) else [])
        elif self.m.maybe(0.2):
            row["days"] = ["holiday"]
        if self.m.maybe(0.3):
            row["months"] = sorted(self.r.sample(range(1, 13), self.r.randint(2, 10)))
        return row

    def bounds(self, e):
        scale = {"day": 8, "month": 60, "year": 90, "none": 90}[e.get("tier_window", "month")]
        n = self.r.randint(0, 3) if self.m.has("tiers") else 0
        return sorted({f"{self.r.uniform(0.1, scale):.{self.r.randint(1, 6)}f}" for _ in range(n)}, key=float)

    def rows(self, period, e, total):
        seasons = [sorted(self.r.sample(range(1, 13), self.r.randint(1, 8)))] if self.m.maybe(0.4) else []
        for months in seasons + [None]:
            bounds = total if e.get("tier_basis", "total") == "total" else self.bounds(e)
            bounds = [b for b, c in zip(bounds, [None] + bounds) if c is None or float(b) > float(c)]
            tiers = [{"up_to_kwh": b, "price": self.m.price()} for b in bounds] + [{"price": self.m.price()}]
            yield {"period": period} | ({"months": months} if months else {}) | {"tiers": tiers}

    def demand(self, k, periods):
        d = {"name": f"Capacity {k}", "interval_minutes": self.r.choice([15, 30, 60])}
        if self.m.maybe(0.5):
            d["period"] = self.r.choice(periods)
        bounds = sorted({f"{self.r.uniform(0.05, 1.5):.{self.r.randint(1, 4)}f}" for _ in range(self.r.choice([0, 0, 1, 2]))}, key=float)
        return d | {"tiers": [{"up_to_kw": b, "price": self.m.price(0.5, 5)} for b in bounds] + [{"price": self.m.price(0.5, 5)}]}


class Pools:
    def __init__(self, maker):
        self.m, self.r = maker, maker.r

    def make(self):
        m = self.m
        if not m.has("pools") and not m.has("virtual"):
            if m.maybe(0.2):
                self.common("P-C9")
            return
        units = [u["id"] for u in m.doc["unit"]]
        common = [self.common(f"P-C{n}") for n in range(1, self.r.randint(1, 3) + 1)]
        if m.has("virtual"):
            m.add("point", id="P-MAIN", kind="main")
            m.meters("P-MAIN", big=self.r.choice([0.5, 1, 1, len(m.doc["meter"])]))
            members = [p["id"] for p in m.doc["point"] if p["kind"] == "unit"] + common
            m.add("point", id="P-LOSS", kind="virtual", formula=["+P-MAIN"] + [f"-{p}" for p in members if m.maybe(0.8)])
            common.append("P-LOSS")
        elif m.maybe(0.2):
            m.add("point", id="P-MAIN", kind="main")
            m.meters("P-MAIN", big=3)
            common.append("P-MAIN")
        self.r.shuffle(common)
        half = self.r.randint(1, len(common))
        for n, points in enumerate([common[:half], common[half:]], 1):
            if points:
                self.pool(f"pool-{n}", points, units)
        self.move(common)

    def wander(self):
        """The virtual point leaves its pool for the other, or for none, and comes back."""
        pools = [p["id"] for p in self.m.doc["pool"]]
        for start in sorted({self.m.day() for _ in range(self.r.randint(1, 4))}):
            home = self.r.choice(pools + [None])
            for p in self.m.doc["pool"]:
                points = [x for x in p["points"] if x != "P-LOSS"] + (["P-LOSS"] if p["id"] == home else [])
                if points:
                    self.m.add("pool_points", pool=p["id"], points=points, from_=start)
                else:
                    return self.m.doc.get("pool_points", []).clear()

    def common(self, point):
        self.m.add("point", id=point, kind="common")
        self.m.meters(point)
        return point

    def pool(self, pool, points, units):
        m = self.m
        m.add("pool", id=pool, name=pool.title(), points=points)
        Tariffs(m).tariff("s" + pool[-1], pool=True)
        if m.maybe(0.9):
            m.add("assign", pool=pool, tariff="s" + pool[-1], from_=m.first - timedelta(days=40) if m.maybe(0.8) else m.day())
        starts = [m.first - timedelta(days=40) if m.maybe(0.8) else m.day()] + [m.day() for _ in range(self.r.choice([0, 1, 2]))]
        for version, start in enumerate(starts, 1):
            m.add("rule", **self.rule(pool, version, start, units))

    def rule(self, pool, version, start, units):
        chosen = sorted(self.r.sample(units, self.r.randint(1, len(units))))
        left, parts = 10000, []
        for _ in range(self.r.choice([1, 1, 2, 3])):
            percent = left if self.m.maybe(0.5) else self.r.randint(1, max(1, left))
            if left < 1:
                break
            left -= percent
            basis = self.r.choice(["area", "equal", "fixed", "consumption", "consumption"])
            part = {"percent": f"{percent / 100:.2f}", "basis": basis}
            if self.m.maybe(0.6):
                part["zero"] = self.r.choice(["area", "equal", "landlord"])
            if basis == "fixed":
                part["fixed"] = self.fixed(chosen)
            parts.append(part)
        return {"pool": pool, "version": version, "from_": start, "units": chosen, "vacant": self.r.choice(["landlord", "redistribute"]), "parts": parts}

    def fixed(self, units):
        left, out = 10000, {}
        for u in units:
            share = self.r.randint(0, left) if u != units[-1] or self.m.maybe(0.5) else left
            left -= share
            out[u] = f"{share / 100:.2f}"
        return out

    def move(self, common):
        """A point changes its pool, or leaves it."""
        pools = self.m.doc.get("pool", [])
        if "P-LOSS" in common and self.m.maybe(0.4):
            return self.wander()
        if not self.m.maybe(0.4):
            return
        start, received = self.m.day(), self.m.later() if self.m.maybe(0.4) else None
        if len(pools) == 2:
            cut = self.r.randint(1, len(common) - 1)
            one, two = common[:cut], common[cut:]
            if self.m.maybe(0.3) and len(two) > 1:
                two = two[1:]
            for pool, points in zip(pools, (one, two)):
                if points:
                    self.m.add("pool_points", pool=pool["id"], points=points, from_=start, received=received)
        elif len(pools) == 1 and len(common) > 1:
            self.m.add("pool_points", pool=pools[0]["id"], points=common[1:], from_=start, received=received)


class Backdated:
    """Tables received later: the same key again with other content, or a new one."""

    def __init__(self, maker):
        self.m, self.r = maker, maker.r

    def make(self):
        ways = [self.tariff, self.tariff, self.version, self.rule, self.lease, self.assign, self.meter, self.area, self.holiday, self.tax, self.max_gap, self.undo, self.account, self.newcomer]
        for _ in range(self.r.randint(1, 6)):
            self.r.choice(ways)()

    def pick(self, table):
        entries = self.m.doc.get(table, [])
        return self.r.choice(entries) if entries else None

    def tariff(self):
        e = self.pick("tariff")
        pool = e["id"].startswith("s")
        if self.m.maybe(0.5):
            new = Tariffs(self.m).version(e["id"], e["version"], e["from"], pool)
            self.m.doc["tariff"].append({k.rstrip("_"): v for k, v in new.items()} | {"received": self.m.later()})
        else:
            energy = [row | {"tiers": [t | {"price": self.m.price()} for t in row["tiers"]]} for row in e["energy"]]
            self.m.replace("tariff", e, energy=energy, from_=e["from"] if self.m.maybe(0.7) or e["version"] == 1 else self.m.day())

    def version(self):
        e = self.pick("tariff")
        top = max(x["version"] for x in self.m.doc["tariff"] if x["id"] == e["id"])
        new = Tariffs(self.m).version(e["id"], top + 1, self.m.day(3), e["id"].startswith("s"))
        self.m.doc["tariff"].append({k.rstrip("_"): v for k, v in new.items()} | {"received": self.m.later()})

    def rule(self):
        e = self.pick("rule")
        if e:
            new = Pools(self.m).rule(e["pool"], e["version"] + self.r.choice([0, 1]), e["from"], sorted({u["id"] for u in self.m.doc["unit"]}))
            self.m.doc["rule"].append({k.rstrip("_"): v for k, v in new.items()} | {"received": self.m.later()})

    def lease(self):
        e = self.pick("lease")
        if not e:
            return
        until = self.r.choice([e["from"], e["from"] + timedelta(hours=self.r.randint(1, 24 * self.m.length)), e.get("until") or self.m.moment()])
        if until < e["from"]:
            return
        new = self.m.replace("lease", e, until=until)
        if self.m.maybe(0.5) and not self.overlaps(new | {"from": until, "until": e.get("until")}):
            self.m.add("lease", account=self.r.choice(self.m.accounts), unit=e["unit"], from_=until, until=e.get("until") if e.get("until") != until else None, received=new["received"])
        if self.overlaps(new):
            self.m.doc["lease"].remove(new)

    def overlaps(self, new):
        far = self.m.moment(0) + timedelta(days=9999)
        others = [x for x in self.m.doc["lease"] if x["unit"] == new["unit"] and x is not new and (x["account"], x["from"]) != (new["account"], new["from"])]
        return any(x["from"] < (new.get("until") or far) and new["from"] < (x.get("until") or far) for x in others)

    def assign(self):
        e = self.pick("assign")
        if "point" in e:
            self.m.replace("assign", e, tariff=self.r.choice(self.m.tariffs), from_=e["from"] if self.m.maybe(0.7) else self.m.day(3))

    def meter(self):
        e = self.pick("meter")
        change = self.r.choice([{"max_kw": "2"}, {"max_kw": None}, {"serial": "S0"}, {"start_kwh": "0.25"}, {"start_kwh": None}, {"removed": None, "final_kwh": None}])
        self.m.replace("meter", e, **change)

    def area(self):
        e = self.pick("unit")
        self.m.replace("unit", e, area_m2=self.m.number(5, 99, 2)) if self.m.maybe(0.5) else self.m.add(
            "area", unit=e["id"], area_m2=self.m.number(5, 99, 2), from_=self.m.day(), received=self.m.later())

    def holiday(self):
        self.m.add("holiday", date=self.m.day(), received=self.m.later())

    def tax(self):
        self.m.add("tax", **self.m.tax(), from_=self.m.day().replace(day=1), received=self.m.later())

    def max_gap(self):
        self.m.add("max_gap", value=self.r.choice(["00:45", "03:00"]), from_=self.m.day(), received=self.m.later())

    def account(self):
        e = self.pick("account")
        self.m.replace("account", e, name="Renamed")

    def newcomer(self):
        """A unit with all that belongs to it becomes known later; its rows have waited."""
        m, n = self.m, len(self.m.doc["unit"]) + 10
        unit, point, account, received = f"U-{n}", f"P-{n}", f"A-9{n}", m.later()
        if any(u["id"] == unit for u in m.doc["unit"]):
            return
        m.add("unit", id=unit, area_m2=m.number(5, 99, 2), received=received)
        m.add("point", id=point, kind="unit", unit=unit, received=received)
        m.add("account", id=account, name="Newcomer", opening_balance=m.money(0, 9), received=received)
        m.add("assign", point=point, tariff=self.r.choice(m.tariffs), from_=m.first - timedelta(days=40), received=received)
        m.add("lease", account=account, unit=unit, from_=m.moment(0, 0), received=received)
        before = len(m.doc["meter"])
        m.meters(point)
        earliest = min(x["installed"] for x in m.doc["meter"][:before])
        for meter in m.doc["meter"][before:]:
            meter["installed"] = max(meter["installed"], earliest)
            m.read(meter)
            meter["received"] = received

    def undo(self):
        """The first content of a key once more."""
        table = self.r.choice(["tariff", "rule"])
        e = self.pick(table)
        if e:
            self.m.replace(table, e)
