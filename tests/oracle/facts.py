"""A site folder as facts, each with the instant it became known (BILLING 8), and the calendar of the site (BILLING 1)."""
import csv
import re
import tomllib
from bisect import bisect_right
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

ALWAYS = -(10**15)
NEVER = 10**15
EPOCH = date(1970, 1, 1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LIKELY = ("serial_mismatch", "before_installation", "after_removal", "future", "conflict", "ghost_zero", "backwards", "too_fast")
NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split()
THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND".split()
KEYS = {  # table: members that make its key (BILLING 8)
    "unit": ("id",), "point": ("id",), "meter": ("id",), "account": ("id",), "pool": ("id",), "tariff": ("id", "version"), "rule": ("pool", "version"),
    "lease": ("account", "unit", "from"), "assign": ("point", "pool", "from"), "tax": ("from",), "max_gap": ("from",), "holiday": ("date",),
    "area": ("unit", "from"), "pool_points": ("pool", "from"),
}


class SiteError(Exception):
    """The folder is not one that BILLING allows, or becomes so at a settlement."""


def fail(text):
    raise SiteError(text)


def instant(value):
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        fail(f"{value} is not an instant")
    return int(value.timestamp())


def show_instant(t):
    return datetime.fromtimestamp(t, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(text):
    hours, minutes = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def exact(text, decimals):
    """A decimal as a whole number of 10**-decimals."""
    x = Fraction(str(text)) * 10**decimals
    return int(x) if x.denominator == 1 else fail(f"{text} has more than {decimals} decimals")


def round_away(x):
    """BILLING 1: half away from zero."""
    x = Fraction(x)
    n = (2 * abs(x.numerator) + x.denominator) // (2 * x.denominator)
    return n if x >= 0 else -n


def show(n, decimals, least=2):
    sign, digits = ("-" if n < 0 else ""), str(abs(n)).rjust(decimals + 1, "0")
    if decimals == 0:
        return sign + digits
    whole, part = digits[:-decimals], digits[-decimals:]
    while len(part) > least and part.endswith("0"):
        part = part[:-1]
    return f"{sign}{whole}.{part}"


def kwh(n):
    return show(n, 6)


class Calendar:
    """BILLING 1: days and months of the site's time zone. A date is days since 1970, an instant seconds since then."""

    def __init__(self, zone, first, last):
        self.starts, self.offsets = [], []
        zone = ZoneInfo(zone)
        at = lambda t: int(datetime.fromtimestamp(t, zone).utcoffset().total_seconds())
        step, t = 6 * 3600, first
        self.starts, self.offsets = [ALWAYS], [at(first)]
        while t < last:
            if at(t + step) != self.offsets[-1]:
                low, high = t, t + step
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (middle, high) if at(middle) == self.offsets[-1] else (low, middle)
                self.starts.append(high)
                self.offsets.append(at(high))
            t += step
        self.cached = {}

    def offset(self, t):
        return self.offsets[bisect_right(self.starts, t) - 1]

    def local(self, t):
        """(date, minute of the day, second of the minute) on the wall."""
        seconds = t + self.offset(t)
        return seconds // 86400, seconds % 86400 // 60, seconds % 60

    def start(self, day):
        """The first instant of the local date (of a date that never was: of the next)."""
        if day not in self.cached:
            ends = self.starts[1:] + [NEVER]
            self.cached[day] = min(max(s, day * 86400 - o) for s, e, o in zip(self.starts, ends, self.offsets) if max(s, day * 86400 - o) < e)
        return self.cached[day]

    def end(self, day):
        return self.start(day + 1)

    def day_of(self, t):
        day = self.local(t)[0]
        while self.end(day) <= t:
            day += 1
        while self.start(day) > t:
            day -= 1
        return day

    def changes(self, a, b):
        return [s for s in self.starts if a < s < b]


@lru_cache(maxsize=None)
def as_date(day):
    return EPOCH + timedelta(days=day)


def as_day(value):
    if isinstance(value, datetime) or not isinstance(value, date):
        fail(f"{value} is not a local date")
    return (value - EPOCH).days


def month_of(day):
    d = as_date(day)
    return d.year * 12 + d.month - 1


def month_days(month):
    first = lambda m: (date(m // 12, m % 12 + 1, 1) - EPOCH).days
    return first(month), first(month + 1)  # first day, first day of the next


def show_month(month):
    return f"{month // 12:04}-{month % 12 + 1:02}"


class Row:
    """A row of readings.csv."""

    def __init__(self, line, fields):
        self.line, self.meter, self.text, self.serial = line, fields["meter"], fields["kwh"], fields.get("serial") or None
        self.time = instant(fields["time"])
        self.received = instant(fields["received"]) if fields.get("received") else self.time
        whole, _, part = self.text.partition(".")
        number = re.fullmatch(r"[0-9]*\.?[0-9]*", self.text) and (whole + part) and len(part) <= 6
        self.register = exact(self.text if whole else "0" + self.text, 6) if number else None
        self.special = False


class Site:
    """All the tables and rows of a folder, whenever they became known."""

    def __init__(self, folder):
        folder = Path(folder)
        doc = tomllib.loads((folder / "site.toml").read_text("utf-8"))
        self.plain = doc["site"]
        self.id, self.currency, self.landlord = self.plain["id"], self.plain["currency"], self.plain["landlord"]
        self.decimals = 0 if self.currency in NO_DECIMALS else 3 if self.currency in THREE_DECIMALS else 2
        self.settle_after, self.bill_after = duration(self.plain["settle_after"]), duration(self.plain["bill_after"])
        if self.bill_after < self.settle_after:
            fail("bill_after is less than settle_after")
        self.tables = {name: self.load(doc.get(name, []), name) for name in KEYS}
        self.decisions = sorted(self.load_decisions(doc), key=lambda d: (d[0], d[1]))
        self.rows = [Row(n, r) for n, r in self.read(folder / "readings.csv")]
        self.recharges, self.postings = self.load_recharges(folder / "recharges.csv"), self.load_postings(doc.get("posting", []))
        times = [r.time for r in self.rows] + [instant(m["installed"]) for m in doc.get("meter", [])] + [r["time"] for r in self.recharges]
        times += [instant(x["from"]) for x in doc.get("lease", [])] + [p["at"] for p in self.postings]
        self.calendar = Calendar(self.plain["time_zone"], min(times, default=0) - 800 * 86400, max(times, default=0) + 800 * 86400)
        self.check_leases()

    @staticmethod
    def read(path):
        if not path.exists():
            return []
        with path.open(newline="", encoding="utf-8") as f:
            return [(n, row) for n, row in enumerate(csv.DictReader(f), 2)]

    @staticmethod
    def load(entries, table):
        found = []
        for e in entries:
            key = tuple(e.get(k) if not isinstance(e.get(k), datetime) else instant(e[k]) for k in KEYS[table])
            received = instant(e["received"]) if "received" in e else ALWAYS
            if any(k == key and r == received for k, r, _ in found):
                fail(f"two {table} {key} received at once")
            found.append((key, received, e))
        return found

    @staticmethod
    def load_decisions(doc):
        for rank, name in ((0, "withdraw"), (1, "release")):
            for e in doc.get(name, []):
                yield instant(e["received"]), rank, e["meter"], instant(e["time"])

    def money(self, text):
        return exact(text, self.decimals)

    def load_recharges(self, path):
        """BILLING 7 and 8: in the order of `time`, then of the file; the same (reference, kind) again has no effect."""
        seen, found = {}, []
        rows = [(instant(r["time"]), n, r) for n, r in self.read(path)]
        for time, line, r in sorted(rows, key=lambda x: x[:2]):
            kind, amount = r.get("kind") or "recharge", self.money(r["amount"])
            if amount <= 0:
                fail(f"recharges.csv:{line}: the amount is not positive")
            before = seen.setdefault((r["reference"], kind), (r["account"], amount, time))
            if before[:2] != (r["account"], amount):
                fail(f"recharges.csv:{line}: the reference is used already")
            if before[2] == time and not any(f["key"] == (r["reference"], kind) for f in found):
                sign = 1 if kind == "recharge" else -1
                found.append({"key": (r["reference"], kind), "time": time, "account": r["account"], "amount": sign * amount, "reference": r["reference"], "kind": kind})
        return found

    def load_postings(self, entries):
        seen, found = {}, []
        rows = sorted(((max(instant(e["time"]), instant(e["received"]) if "received" in e else ALWAYS), n, e) for n, e in enumerate(entries)), key=lambda x: x[:2])
        for at, _, e in rows:
            posting = {"at": at, "time": instant(e["time"]), "account": e["account"], "amount": self.money(e["amount"]), "reference": e["reference"]}
            before = seen.setdefault(e["reference"], posting)
            if (before["account"], before["amount"]) != (posting["account"], posting["amount"]):
                fail(f"posting {e['reference']}: the reference is used already")
            if before is posting:
                found.append(posting)
        return found

    def check_leases(self):
        for received in sorted({r for _, r, _ in self.tables["lease"]}):
            for unit, leases in Facts(self, received).leases.items():
                for one, two in zip(leases, leases[1:]):
                    if one.until > two.start:
                        fail(f"leases of {unit} overlap")

    def first_installed(self):
        """BILLING 2 and 8: the first day settled is that of the earliest `installed`; a later table with an earlier one is an error."""
        found = None
        meters = sorted((received, instant(e["installed"])) for _, received, e in self.tables["meter"])
        for received, installed in meters:
            if found is None:
                found = received, installed
            elif installed < found[1]:
                fail("a meter is received later with an earlier `installed`")
        return found[1] if found else None


class Lease:
    def __init__(self, e):
        self.account, self.unit, self.start = e["account"], e["unit"], instant(e["from"])
        self.until = instant(e["until"]) if "until" in e else NEVER
        if self.until < self.start:
            fail("a lease ends before it begins")


class Meter:
    def __init__(self, e):
        self.id, self.point, self.serial = e["id"], e["point"], e.get("serial")
        self.installed, self.removed = instant(e["installed"]), instant(e["removed"]) if "removed" in e else NEVER
        self.start_kwh = exact(e["start_kwh"], 6) if "start_kwh" in e else None
        self.final_kwh = exact(e["final_kwh"], 6) if "final_kwh" in e else None
        self.multiplier = Fraction(e.get("multiplier", "1"))
        self.modulus = exact(e["modulus_kwh"], 6) if "modulus_kwh" in e else None
        self.max_kw = Fraction(e["max_kw"]) if "max_kw" in e else None


class Facts:
    """What is known at an instant: of each key the table received last (BILLING 8)."""

    def __init__(self, site, at):
        self.site, self.at = site, at
        known = {}
        for table, entries in site.tables.items():
            latest = {}
            for key, received, e in entries:
                if received <= at and (key not in latest or latest[key][0] < received):
                    latest[key] = (received, e)
            known[table] = {key: e for key, (_, e) in latest.items()}
        self.known = known
        one = lambda table: {key[0]: e for key, e in known[table].items()}
        self.units, self.points, self.accounts, self.pools = one("unit"), one("point"), one("account"), one("pool")
        self.meters = {key[0]: Meter(e) for key, e in known["meter"].items()}
        self.holidays = {as_day(d) for d in site.plain.get("holidays", [])} | {as_day(key[0]) for key in known["holiday"]}
        self.leases = {u: [] for u in self.units}
        for e in known["lease"].values():
            lease = Lease(e)
            if lease.until > lease.start:
                self.leases.setdefault(lease.unit, []).append(lease)
        for leases in self.leases.values():
            leases.sort(key=lambda x: x.start)
        self.versions = {}
        for (tariff, version), e in known["tariff"].items():
            self.versions.setdefault(tariff, []).append((as_day(e["from"]), version, e))
        self.rules = {}
        for (pool, version), e in known["rule"].items():
            self.rules.setdefault(pool, []).append((as_day(e["from"]), version, e))

    @staticmethod
    def in_force(entries, day):
        """The latest `from` at or before the day; of equals, the higher version."""
        ripe = [x for x in entries if x[0] <= day]
        return max(ripe, key=lambda x: x[:2])[2] if ripe else None

    def dated(self, table, day, member=None, of=None):
        entries = [(as_day(e["from"]), 0, e) for e in self.known[table].values() if member is None or e.get(member) == of]
        return self.in_force(entries, day)

    def area(self, unit, day):
        e = self.dated("area", day, "unit", unit)
        return Fraction((e or self.units.get(unit, {})).get("area_m2", "0"))

    def max_gap(self, day):
        e = self.dated("max_gap", day)
        return duration(e["value"] if e else self.site.plain.get("max_gap", "00:15"))

    def tax(self, month):
        """BILLING 9: the one in force on the first of the month."""
        return self.dated("tax", month_days(month)[0]) or self.site.plain.get("tax")

    def pool_points(self, pool, day):
        e = self.dated("pool_points", day, "pool", pool)
        return (e or self.pools[pool])["points"]

    def tariff_in_force(self, member, of, day):
        """(tariff id, its version's table) of a point or pool on a day, or None."""
        e = self.dated("assign", day, member, of)
        version = e and self.in_force(self.versions.get(e["tariff"], []), day)
        return version and (e["tariff"], version)

    def lease_at(self, unit, t):
        return next((x for x in self.leases.get(unit, []) if x.start <= t < x.until), None)

    def holder(self, unit, end):
        """BILLING 5: the account whose lease has `from` < end <= `until`; None where the unit is vacant."""
        return next((x.account for x in self.leases.get(unit, []) if x.start < end <= x.until), None)

    def held_since(self, unit, t):
        """BILLING 5: the start of the lease or vacancy; a lease that follows one of the same account without a break continues it."""
        lease = self.lease_at(unit, t)
        leases = self.leases.get(unit, [])
        if lease is None:
            return max((x.until for x in leases if x.until <= t), default=ALWAYS)
        while True:
            before = next((x for x in leases if x.until == lease.start and x.account == lease.account), None)
            if before is None:
                return lease.start
            lease = before
