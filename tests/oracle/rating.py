"""Slices, tariffs and lines (BILLING 3 to 5), from the facts known at one instant."""
from fractions import Fraction
from bisect import bisect_left

import facts as f
from facts import Facts, exact, fail, month_days, month_of, round_away
from readings import Curve, judged


class Slice:
    """Energy of one point or pool with one period, one price table and one account."""

    def __init__(self, a, b, day, account, since, tariff, period):
        self.a, self.b, self.day, self.account, self.since, self.tariff, self.period = a, b, day, account, since, tariff, period
        self.mwh, self.interpolated = 0, 0


def minute_of(text):
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def period_at(version, holidays, day, minute):
    """BILLING 5, Period: the first schedule row that matches, else the default."""
    schedule = version.get("schedule", [])
    weekday = f.WEEKDAYS[f.as_date(day).weekday()]
    if day in holidays and any("holiday" in row.get("days", ()) for row in schedule):
        weekday = "holiday"
    for row in schedule:
        if "months" in row and f.as_date(day).month not in row["months"]:
            continue
        if weekday not in row.get("days", f.WEEKDAYS):
            continue
        a, b = minute_of(row["from"]), minute_of(row["to"])
        inside = a <= minute < b if a < b else True if a == b else minute >= a or minute < b
        if inside:
            return row["period"]
    return version["default_period"]


def energy_row(version, period, day):
    """BILLING 5, Energy line: the first row of the period whose months match, and its number among the period's rows."""
    rows = [row for row in version["energy"] if row["period"] == period]
    for season, row in enumerate(rows, 1):
        if "months" not in row or f.as_date(day).month in row["months"]:
            return season, row
    fail(f"period {period} has no row for a month")


def mwh(text):
    return exact(text, 6)


class Counter:
    """BILLING 5, Tiers: the energy under each tariff id, in the order of time."""

    def __init__(self):
        self.starts, self.sums = {}, {}

    def add(self, tariff, s):
        for key in ((tariff, None), (tariff, s.period)):
            self.starts.setdefault(key, []).append(s.a)
            sums = self.sums.setdefault(key, [0])
            sums.append(sums[-1] + s.mwh)

    def since(self, key, t):
        sums = self.sums.get(key, [0])
        return sums[-1] - sums[bisect_left(self.starts.get(key, []), t)]


class Rating:
    """Everything that follows from the facts received by `at`, through the day `last`; `now` cuts a running day after it."""

    def __init__(self, site, at, first, last, now=None):
        self.site, self.at, self.first, self.last, self.now = site, at, first, last, now
        self.facts, self.calendar = Facts(site, at), site.calendar
        self.rows_by_meter = {}
        for row in site.rows:
            self.rows_by_meter.setdefault(row.meter, []).append(row)
        self.judgements = {
            m.id: judged(m, self.rows_by_meter.get(m.id, []), [d for d in site.decisions if d[2] == m.id], at) for m in self.facts.meters.values()
        }
        self.curves = {p: [] for p in self.facts.points}
        for j in self.judgements.values():
            self.curves.setdefault(j.meter.point, []).append(Curve(j))
        self.running = None
        if now is not None and first is not None and now > self.calendar.start(first):
            day = self.calendar.day_of(now)
            self.running = day if day > last else None
        self.days = [] if first is None else list(range(first, last + 1)) + ([self.running] if self.running else [])
        self.pieces, self.peaks, self.held, self.counters = [], [], [], {}
        for point, e in sorted(self.facts.points.items()):
            if e["kind"] == "unit":
                self.rate_point(point, e["unit"])
        self.pool_pieces, self.pool_held, self.pool_energy, self.pool_interpolated = {}, {}, {}, {}
        self.rate_pools()

    # Days and energy

    def span(self, day):
        a, b = self.calendar.start(day), self.calendar.end(day)
        return (a, min(b, self.now)) if day == self.running else (a, b)

    def energy(self, point, a, b):
        return sum(c.energy(a, b) for c in self.curves.get(point, []))

    def is_interpolated(self, point, a, b, day):
        gap = self.facts.max_gap(day)
        return any(c.interpolated_at(t, gap) for c in self.curves.get(point, []) for t in (a, b))

    def unit_energy(self, unit, day):
        """BILLING 6.2: the unit's indoor mWh of the day, whoever held it."""
        a, b = self.span(day)
        return sum(self.energy(p, a, b) for p, e in self.facts.points.items() if e["kind"] == "unit" and e["unit"] == unit)

    def cuts(self, a, b, day, version, leases):
        """BILLING 4: a day is cut at each change of period and lease (the version is the whole day's)."""
        at = {a, b} | {t for x in leases for t in (x.start, x.until) if a < t < b}
        if version is None:
            return sorted(at)
        minutes = {0} | {minute_of(row[end]) % 1440 for row in version.get("schedule", []) for end in ("from", "to")}
        shifts = self.calendar.changes(a, b)
        local_days = {self.calendar.local(t)[0] for t in [a, b - 1] + shifts + [t - 1 for t in shifts]}
        offsets = {self.calendar.offset(t) for t in [a] + shifts}
        wall = {d * 86400 + m * 60 - o for d in local_days for m in minutes for o in offsets} | set(shifts)
        period = self.period(version, a)
        for t in sorted(t for t in wall if a < t < b):
            if self.period(version, t) != period:
                at.add(t)
                period = self.period(version, t)
        return sorted(at)

    def period(self, version, t):
        day, minute, _ = self.calendar.local(t)
        return period_at(version, self.facts.holidays, day, minute)

    # Tiers

    def window_start(self, version, day):
        """BILLING 5, Tiers: where the window of the day starts."""
        window = version.get("tier_window", "month")
        if window == "none":
            return f.ALWAYS
        start = {"month": month_days(month_of(day))[0], "year": month_days(month_of(day) // 12 * 12)[0], "day": day}[window]
        return self.calendar.start(start)

    def counter_at(self, counter, tariff, version, day, since, period):
        key = (tariff, period if version.get("tier_basis", "total") == "period" else None)
        return counter.since(key, max(self.window_start(version, day), since))

    def split(self, counter, tariff, version, s):
        """The pieces of a slice by tier: (season, tier, price, mWh)."""
        season, row = energy_row(version, s.period, s.day)
        before = self.counter_at(counter, tariff, version, s.day, s.since, s.period)
        left = s.mwh
        for tier, t in enumerate(row["tiers"], 1):
            room = left if "up_to_kwh" not in t else max(0, min(left, mwh(t["up_to_kwh"]) - before))
            if room:
                yield season, tier, Fraction(t["price"]), room
            left, before = left - room, before + room
        counter.add(tariff, s)

    # Points of units

    def rate_point(self, point, unit):
        counter = self.counters.setdefault(point, Counter())
        for day in self.days:
            a, b = self.span(day)
            found = self.facts.tariff_in_force("point", point, day)
            version = found and found[1]
            bounds = self.cuts(a, b, day, version, self.facts.leases.get(unit, []))
            for x, y in zip(bounds, bounds[1:]):
                lease = self.facts.lease_at(unit, x)
                s = Slice(x, y, day, lease.account if lease else self.site.landlord, self.facts.held_since(unit, x), found, version and self.period(version, x))
                s.mwh = self.energy(point, x, y)
                if version is None:
                    if lease and s.mwh > 0 and day != self.running:
                        fail(f"{point} of {lease.account} has no tariff on {f.as_date(day)}")
                    continue
                interpolated = self.is_interpolated(point, x, y, day)
                for season, tier, price, amount in self.split(counter, found[0], version, s):
                    self.pieces.append((day, s.account, point, found, season, s.period, tier, price, amount, amount if interpolated else 0))
            if version is None:
                continue
            if day != self.running:
                self.held.append((day, self.facts.holder(unit, b) or self.site.landlord, point, found))
            for n, d in enumerate(version.get("demand", [])):
                self.measure(day, a, b, point, unit, found, n, d)

    def measure(self, day, a, b, point, unit, found, n, demand):
        """BILLING 5, Demand line: the intervals of a day that count."""
        length = demand["interval_minutes"] * 60
        starts = [a] + self.calendar.changes(a, b)
        for start, end in zip(starts, starts[1:] + [b]):
            offset = self.calendar.offset(start)
            x = start + (-(start + offset)) % length
            while x + length <= (end if end != b else self.calendar.end(day) if day != self.running else b):
                if self.counts(x, x + length, unit, found[1], demand, length, point):
                    lease = self.facts.lease_at(unit, x)
                    kw = Fraction(self.energy(point, x, x + length) * 3600, length)
                    self.peaks.append((day, lease.account if lease else self.site.landlord, point, found, n, kw))
                x += length

    def counts(self, x, y, unit, version, demand, length, point):
        changes = [t for lease in self.facts.leases.get(unit, []) for t in (lease.start, lease.until) if x < t < y]
        holders = {lease.account if lease else self.site.landlord for lease in (self.facts.lease_at(unit, t) for t in [x] + changes)}
        if len(holders) > 1:
            return False
        if "period" in demand and {self.period(version, t) for t in range(x, y, 60)} != {demand["period"]}:
            return False
        return not any(c.gap_in(x, y, length) for c in self.curves.get(point, []))

    # Pools

    def rate_pools(self):
        counters, carry = {}, {}
        for day in self.days:
            a, b = self.span(day)
            pooled = {}
            for pool in sorted(self.facts.pools):
                for point in self.facts.pool_points(pool, day):
                    if point in pooled:
                        fail(f"{point} is in two pools")
                    pooled[point] = pool
                self.rate_pool_day(pool, day, a, b, counters.setdefault(pool, Counter()), carry)
            for point, e in self.facts.points.items():
                if e["kind"] == "virtual" and point not in pooled:
                    self.virtual(point, a, b, day, carry)

    def rate_pool_day(self, pool, day, a, b, counter, carry):
        found = self.facts.tariff_in_force("pool", pool, day)
        version = found and found[1]
        bounds = self.cuts(a, b, day, version, [])
        for x, y in zip(bounds, bounds[1:]):
            s = Slice(x, y, day, None, f.ALWAYS, found, version and self.period(version, x))
            for point in self.facts.pool_points(pool, day):
                if self.facts.points[point]["kind"] == "virtual":
                    amount, interpolated = self.virtual(point, x, y, day, carry)
                else:
                    amount, interpolated = self.energy(point, x, y), self.is_interpolated(point, x, y, day)
                s.mwh += amount
                s.interpolated = s.interpolated or interpolated
            self.pool_energy[pool, day] = self.pool_energy.get((pool, day), 0) + s.mwh
            part = s.mwh if s.interpolated else 0
            self.pool_interpolated[pool, day] = self.pool_interpolated.get((pool, day), 0) + part
            if version is not None:
                for season, tier, price, amount in self.split(counter, found[0], version, s):
                    piece = (day, None, None, found, season, s.period, tier, price, amount, amount if s.interpolated else 0)
                    self.pool_pieces.setdefault(pool, []).append(piece)
        if version is not None and day != self.running:
            self.pool_held.setdefault(pool, []).append((day, None, None, found))

    def virtual(self, point, a, b, day, carry):
        """BILLING 3: the signed sum of its members; silent until all have been heard; a negative slice is carried."""
        members = [(1 if m[0] == "+" else -1, m[1:]) for m in self.facts.points[point]["formula"]]
        for _, member in members:
            curves = self.curves.get(member, [])
            if any(c.meter.installed <= b <= c.meter.removed for c in curves) and not any(c.covers(b) for c in curves):
                return 0, False
        key = (point, month_of(day))
        amount = sum(sign * self.energy(member, a, b) for sign, member in members) + carry.get(key, 0)
        carry[key] = min(amount, 0)
        return max(amount, 0), any(self.is_interpolated(member, a, b, day) for _, member in members)

    # Lines

    def lines(self, month, upto=None, pool=None):
        """The lines of a month to date: {(account, key): line}, key = (point, tariff, version, component, name, season, period, tier)."""
        upto = self.days[-1] if upto is None and self.days else upto
        within = lambda records: [r for r in records if month_of(r[0]) == month and r[0] <= upto]
        pieces = within(self.pieces if pool is None else self.pool_pieces.get(pool, []))
        held = within(self.held if pool is None else self.pool_held.get(pool, []))
        first, after = month_days(month)
        of_days, versions, out = after - first, {}, {}
        days = {}
        for _, account, point, (tariff, e) in held:
            versions[tariff, e["version"]] = e
            days[account, point, tariff, e["version"]] = days.get((account, point, tariff, e["version"]), 0) + 1
        self.energy_lines(pieces, versions, out)
        self.fixed_lines(days, versions, of_days, out)
        if pool is None:
            self.demand_lines(within(self.peaks), days, of_days, out)
            if upto >= after - 1 and self.running != after - 1:
                self.minimum_lines(days, versions, of_days, out)
        return out

    def to_money(self, x):
        return round_away(x * 10**self.site.decimals)

    def add(self, out, account, key, quantity, unit, price, amount, days=None, of_days=None, interpolated=0):
        out[account, key] = {"quantity": quantity, "unit": unit, "price": price, "amount": amount, "days": days, "of_days": of_days, "interpolated": interpolated}

    def energy_lines(self, pieces, versions, out):
        sums, levied = {}, {}
        for _, account, point, (tariff, e), season, period, tier, price, amount, interpolated in pieces:
            versions[tariff, e["version"]] = e
            key = (point, tariff, e["version"])
            for table, k in ((sums, (account, key + ("energy", None, season, period, tier), price)), (levied, (account, key))):
                x = table.setdefault(k, [0, 0])
                x[0] += amount
                x[1] += interpolated
        for (account, key, price), (amount, interpolated) in sums.items():
            self.add(out, account, key, Fraction(amount, 10**6), "kWh", price, self.to_money(Fraction(amount, 10**6) * price), interpolated=interpolated)
        for (account, key), (amount, interpolated) in levied.items():
            for adder in versions[key[1:]].get("adder", []):
                price, q = Fraction(adder["price"]), Fraction(amount, 10**6)
                self.add(out, account, key + ("adder", adder["name"], None, None, None), q, "kWh", price, self.to_money(q * price), interpolated=interpolated)

    def fixed_lines(self, days, versions, of_days, out):
        for (account, point, tariff, version), n in days.items():
            for fixed in versions[tariff, version].get("fixed", []):
                key, amount = (point, tariff, version, "fixed", fixed["name"], None, None, None), Fraction(fixed["amount"])
                if fixed["per"] == "day":
                    self.add(out, account, key, n, "day", amount, self.to_money(n * amount))
                else:
                    self.add(out, account, key, 1, "month", amount, self.to_money(amount * n / of_days), n, of_days)

    def demand_lines(self, peaks, days, of_days, out):
        highest = {}
        for _, account, point, (tariff, e), n, kw in peaks:
            key = (account, point, tariff, e["version"], n)
            highest[key] = (max(kw, highest.get(key, (0, None))[0]), e["demand"][n])
        for (account, point, tariff, version, _), (kw, demand) in highest.items():
            held, below = days.get((account, point, tariff, version), 0), Fraction(0)
            for tier, t in enumerate(demand["tiers"], 1):
                top = min(kw, exact(t["up_to_kw"], 6)) if "up_to_kw" in t else kw
                part, below = Fraction(max(0, top - below)) / 10**6, max(below, top)
                if part and held:
                    key = (point, tariff, version, "demand", demand["name"], None, demand.get("period"), tier)
                    self.add(out, account, key, part, "kW", Fraction(t["price"]), self.to_money(part * Fraction(t["price"]) * held / of_days), held, of_days)

    def minimum_lines(self, days, versions, of_days, out):
        for (account, point, tariff, version), n in days.items():
            if "minimum" in versions[tariff, version]:
                minimum = Fraction(versions[tariff, version]["minimum"])
                others = sum(line["amount"] for (a, k), line in out.items() if a == account and k[:3] == (point, tariff, version))
                missing = self.to_money(minimum * n / of_days) - others
                if missing > 0:
                    self.add(out, account, (point, tariff, version, "minimum", None, None, None, None), 1, "month", minimum, missing, n, of_days)
