#!/usr/bin/env python3
"""An independent reading of the billing rules: reference.py SITE --until INSTANT --out DIR writes the files that `tallywatt run` writes.

It shares no code with the product, keeps no state and recomputes everything from the facts known at each bill: slow, literal, exact.
Exit status: 0 written, 2 the folder is refused (the reason is on stderr).
"""
import argparse
import json
import sys
from fractions import Fraction
from pathlib import Path

import facts as f
from facts import ALWAYS, SiteError, fail, kwh, month_days, month_of, show, show_instant, show_month
from rating import Rating, mwh
from sharing import Target

LINE = ("point", "tariff", "version", "component", "name", "season", "period", "tier")


def decimal(x):
    """An exact decimal; thirds and their like, which no file shows, are cut."""
    x, places = Fraction(x), 0
    while (x * 10**places).denominator != 1 and places < 24:
        places += 1
    return show(int(x * 10**places), places, 0 if places == 0 else 1)


class Run:
    def __init__(self, folder, until):
        self.site, self.until = f.Site(folder), until
        self.calendar = self.site.calendar
        installed = self.site.first_installed()
        self.first = self.calendar.day_of(installed) if installed is not None else None
        self.targets = {}

    # The times of settlements and bills (BILLING 2)

    def settled_by(self, t):
        """The last day settled at t, or the day before the first."""
        day = self.first
        while self.calendar.end(day) + self.site.settle_after <= t:
            day += 1
        return day - 1

    def settlements(self):
        if self.first is None:
            return []
        return [self.calendar.end(d) + self.site.settle_after for d in range(self.first, self.settled_by(self.until) + 1)]

    def bills(self):
        """(month, instant of issue) by `until`; months begin with the earlier of the first day settled and the first recharge or posting."""
        starts = [month_of(self.calendar.day_of(x)) for x in [r["time"] for r in self.site.recharges] + [p["at"] for p in self.site.postings] if x <= self.until]
        starts += [month_of(self.first)] if self.first is not None and self.calendar.start(self.first) <= self.until else []
        if not starts:
            return []
        month, out = min(starts), []
        while self.calendar.start(month_days(month)[1]) + self.site.bill_after <= self.until:
            out.append((month, self.calendar.start(month_days(month)[1]) + self.site.bill_after))
            month += 1
        return out

    def as_of(self, t):
        return max((x for x in self.settlements() + [b for _, b in self.bills()] if x <= t), default=None)

    def target(self, at, now=None):
        """The target by the facts received by `at`: of the days settled then, or, given `now`, of all days that have begun."""
        if (at, now) not in self.targets:
            last = -1
            if self.first is not None:
                last = self.settled_by(at) if now is None else self.calendar.day_of(now) - 1 if now >= self.calendar.start(self.first) else self.first - 1
            self.targets[at, now] = Target(Rating(self.site, at, self.first, last, now))
        return self.targets[at, now]

    # Checks (BILLING 5 and 7)

    def check_settlements(self):
        """A leased point that used energy on a settled day without a tariff: the settlement that finds it so stops."""
        gaps = any(not self.tariff_everywhere(t) for t in {r for entries in self.site.tables.values() for _, r, _ in entries})
        for t in self.settlements() if gaps else []:
            self.target(t)

    def tariff_everywhere(self, received):
        facts = f.Facts(self.site, received)
        return self.first is None or all(facts.tariff_in_force("point", p, self.first) for p, e in facts.points.items() if e["kind"] == "unit")

    def check_refunds(self):
        for n, r in enumerate(self.site.recharges):
            if r["kind"] == "refund" and r["time"] <= self.until:
                before = sum(x["amount"] for x in self.site.recharges[:n] if x["account"] == r["account"])
                before += sum(p["amount"] for p in self.site.postings if p["account"] == r["account"] and p["at"] < r["time"])
                account = f.Facts(self.site, r["time"]).accounts.get(r["account"], {})
                as_of = self.as_of(r["time"])
                settled = self.opening(account) + before - (self.target(as_of).charges(r["account"]) if as_of is not None else 0)
                if -r["amount"] > settled:
                    fail(f"refund {r['reference']} is more than the settled balance {self.money(settled)}")

    # Output

    def money(self, n):
        return show(n, self.site.decimals, self.site.decimals)

    def opening(self, account):
        return self.site.money(account.get("opening_balance", "0"))

    def credits(self, account, until):
        return sum(r["amount"] for r in self.site.recharges if r["account"] == account and r["time"] <= until) + sum(
            p["amount"] for p in self.site.postings if p["account"] == account and p["at"] <= until)

    def line(self, key, x, members=LINE):
        out = {k: v for k, v in zip(LINE, key) if k in members}
        return out | {"quantity": decimal(x["quantity"]), "unit": x["unit"], "price": decimal(x["price"]), "days": x["days"], "of_days": x["of_days"],
                      "amount": self.money(x["amount"]), "interpolated_kwh": kwh(x["interpolated"])}

    def write(self, out):
        self.check_settlements()
        self.check_refunds()
        files, number, before, closing = {}, 0, None, {}
        for month, issued in self.bills():
            target = self.target(issued)
            for account in sorted(target.facts.accounts, key=str.encode):
                bill = self.bill(account, month, issued, target, before, closing)
                if bill:
                    number += 1
                    files[f"bills/{account}/{show_month(month)}.json"] = bill | {"number": number}
            before = target
        self.allocations(files)
        files["balances.json"] = self.balances()
        files["quarantine.json"] = self.quarantine()
        for name, content in files.items():
            path = Path(out) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")

    def bill(self, account, month, issued, target, before, closing):
        opening = closing.get(account, self.opening(target.facts.accounts[account]))
        mine = lambda t: month_of(self.calendar.day_of(t)) == month
        recharges = [r for r in self.site.recharges if r["account"] == account and mine(r["time"])]
        postings = [p for p in self.site.postings if p["account"] == account and mine(p["at"])]
        x = target.month(month, self.last_of(month)).get(account, {"indoor": {}, "shared": {}, "tax": None, "charges": 0})
        adjustments = self.adjustments(account, month, target, before)
        tax = target.facts.tax(month)
        adjusted = sum(a["amount"] for a in adjustments)
        charges = x["charges"] + adjusted
        taxed = x["tax"][1] if x["tax"] else 0
        if tax and tax["mode"] == "inclusive":
            rate = Fraction(tax["rate"])
            stated = f.round_away(charges * rate / (1 + rate))
        closing[account] = opening + sum(r["amount"] for r in recharges) + sum(p["amount"] for p in postings) - charges
        if not (opening or recharges or postings or x["indoor"] or x["shared"] or adjustments):
            return None
        return {
            "site": self.site.id, "account": account, "month": show_month(month), "currency": self.site.currency, "issued": show_instant(issued),
            "opening_balance": self.money(opening),
            "recharges": [{k: r[k] for k in ("reference", "kind")} | {"time": show_instant(r["time"]), "amount": self.money(r["amount"])} for r in recharges],
            "postings": [{"time": show_instant(p["time"]), "reference": p["reference"], "amount": self.money(p["amount"])} for p in postings],
            "indoor": [self.line(key, line) for key, line in x["indoor"].items()],
            "shared": [self.shared(pool, month, share, target) for pool, share in x["shared"].items()],
            "tax": tax and {k: tax[k] for k in ("name", "rate", "mode")} | {"amount": self.money(stated if tax["mode"] == "inclusive" else taxed)},
            "adjustments": [a | {"amount": self.money(a["amount"])} for a in adjustments],
            "silent": self.silent(account, month, target),
            "totals": {
                "indoor_kwh": decimal(sum(line["quantity"] for key, line in x["indoor"].items() if key[3] == "energy")),
                "shared_kwh": kwh(sum(q for q, _ in x["shared"].values())), "indoor": self.money(sum(line["amount"] for line in x["indoor"].values())),
                "shared": self.money(sum(a for _, a in x["shared"].values())), "tax": self.money(taxed), "adjustments": self.money(adjusted),
                "charges": self.money(charges)},
            "closing_balance": self.money(closing[account]),
        }

    def last_of(self, month):
        return month_days(month)[1] - 1

    def shared(self, pool, month, share, target):
        days = [d for d in target.rating.days if month_of(d) == month]
        rules = {target.sharing.days[pool, d]["rule"] for d in days} - {None}
        return {"pool": pool, "kwh": kwh(share[0]), "amount": self.money(share[1]), "pool_kwh": kwh(sum(target.sharing.days[pool, d]["kwh"] for d in days)),
                "pool_amount": self.money(target.sharing.days[pool, days[-1]]["to_date"]), "rules": sorted(rules)}

    def adjustments(self, account, month, target, before):
        """BILLING 2: for each earlier month and line, the target at this bill's instant less that at the previous bill's."""
        out = []
        nothing = {"indoor": {}, "shared": {}, "tax": None}
        for m in [m for m in target.months() if m < month]:
            a = before.month(m, self.last_of(m)).get(account, nothing) if before and m in before.months() else nothing
            b = target.month(m, self.last_of(m)).get(account, nothing)
            for key in sorted(set(a["indoor"]) | set(b["indoor"]), key=str):
                entry = self.difference(a["indoor"].get(key), b["indoor"].get(key))
                if entry:
                    out.append({"month": show_month(m), "line": dict(zip(LINE, key))} | entry)
            for pool in sorted(set(a["shared"]) | set(b["shared"])):
                old, new = a["shared"].get(pool, (0, 0)), b["shared"].get(pool, (0, 0))
                if old != new:
                    out.append({"month": show_month(m), "line": {"pool": pool}, "quantity": kwh(new[0] - old[0]), "days": None, "amount": new[1] - old[1]})
            for name in sorted({x["tax"][0] for x in (a, b) if x["tax"]}):
                change = sum(sign * x["tax"][1] for sign, x in ((-1, a), (1, b)) if x["tax"] and x["tax"][0] == name)
                if change:
                    out.append({"month": show_month(m), "line": {"tax": name}, "quantity": None, "days": None, "amount": change})
        return out

    @staticmethod
    def difference(a, b):
        known, dated = a or b, any(x and x["days"] is not None for x in (a, b))
        a, b = a or {"quantity": 0, "days": 0, "amount": 0, "unit": known["unit"]}, b or {"quantity": 0, "days": 0, "amount": 0, "unit": known["unit"]}
        days = (b["days"] or 0) - (a["days"] or 0) if dated else None
        if (a["quantity"], a["unit"], a["amount"]) == (b["quantity"], b["unit"], b["amount"]) and not days:
            return None
        quantity = decimal(b["quantity"] - a["quantity"]) if a["unit"] == b["unit"] else None
        return {"quantity": quantity, "days": days, "amount": b["amount"] - a["amount"]}

    def silent(self, account, month, target):
        """BILLING 9: points of the units that the account holds at the month's end without an accepted reading at or after it."""
        end, facts = self.calendar.start(month_days(month)[1]), target.facts
        held = lambda u: (facts.holder(u, end) or self.site.landlord) == account
        return [p for p, e in sorted(facts.points.items()) if e["kind"] == "unit" and held(e["unit"]) and not any(c.covers(end) for c in target.rating.curves.get(p, []))]

    def allocations(self, files):
        as_of = self.as_of(self.until)
        if as_of is None or self.first is None:
            return
        target = self.target(as_of)
        for pool in target.facts.pools:
            for month in target.months():
                days = [d for d in target.rating.days if month_of(d) == month]
                lines = target.rating.lines(month, None, pool)
                files[f"allocations/{pool}/{show_month(month)}.json"] = {
                    "site": self.site.id, "pool": pool, "month": show_month(month), "currency": self.site.currency, "as_of": show_instant(as_of),
                    "lines": [self.line(key, line, LINE[1:]) for (_, key), line in lines.items()],
                    "days": [self.day(d, target.sharing.days[pool, d]) for d in days]}

    def day(self, day, x):
        shares = lambda p: [{"unit": s["unit"], "account": s["account"], "weight": decimal(s["weight"]), "kwh": kwh(s["kwh"]), "nano": str(s["nano"])} for s in p["shares"]]
        rest = lambda r: {"rest_kwh": kwh(r[0]), "rest_nano": str(r[1])}
        return {
            "day": f.as_date(day).isoformat(), "rule": x["rule"], "kwh": kwh(x["kwh"]), "amount": self.money(x["amount"]), "amount_to_date": self.money(x["to_date"]),
            "interpolated_kwh": kwh(x["interpolated"]), **rest(x["rest"]),
            "parts": [{"part": p["part"], "percent": decimal(p["percent"]), "basis": p["basis"], "applied": p["applied"],
                       "total_weight": None if p["total"] is None else decimal(p["total"]), "kwh": kwh(p["kwh"]), "nano": str(p["nano"]), **rest(p["rest"]),
                       "shares": shares(p)} for p in x["parts"]],
            "accounts": [{"account": a, "kwh_to_date": kwh(y["kwh"]), "nano_to_date": str(y["nano"]), "amount_to_date": self.money(y["amount"])}
                         for a, y in sorted(x["accounts"].items())]}

    def balances(self):
        as_of, at = self.as_of(self.until), self.until
        live, settled = self.target(at, at), self.target(as_of) if as_of is not None else None
        accounts = []
        for account, e in sorted(live.facts.accounts.items()):
            money = self.opening(e) + self.credits(account, at)
            balance = money - (settled.charges(account) if settled else 0)
            now = money - live.charges(account)
            accounts.append({"account": account, "balance": self.money(balance), "live_balance": self.money(now),
                             "remaining_kwh": self.remaining(account, now, live), "days_left": self.days_left(account, now, settled)})
        day = self.settled_by(as_of) if settled and self.first is not None and self.settled_by(as_of) >= self.first else None
        return {"site": self.site.id, "at": show_instant(at), "as_of": as_of and show_instant(as_of), "settled_to": day and f.as_date(day).isoformat(),
                "currency": self.site.currency, "accounts": accounts, "unallocated": self.unallocated(settled)}

    def unallocated(self, target):
        sums = {}
        for day in target.rating.days if target else []:
            pooled = {p for pool in target.facts.pools for p in target.facts.pool_points(pool, day)}
            for point, e in target.facts.points.items():
                if e["kind"] == "common" and point not in pooled:
                    key = (point, month_of(day))
                    sums[key] = sums.get(key, 0) + target.rating.energy(point, *target.rating.span(day))
        return [{"point": p, "month": show_month(m), "kwh": kwh(x)} for (p, m), x in sorted(sums.items()) if x]

    def days_left(self, account, live, settled):
        days = settled.rating.days[-7:] if settled else []
        charges = sum(settled.charges_on(account, d) for d in days)
        if charges <= 0:
            return None
        if live <= 0:
            return "0.0"
        return show(live * len(days) * 10 // charges, 1, 1)

    def remaining(self, account, live, target):
        """BILLING 7: the kWh that the live balance buys at the account's smallest point, walking up the tiers."""
        facts, rating, now = target.facts, target.rating, self.until
        leased = {u for u in facts.units if (lease := facts.lease_at(u, now)) and lease.account == account}
        points = sorted((p for p, e in facts.points.items() if e["kind"] == "unit" and e["unit"] in leased), key=str.encode)
        if not points:
            return None
        day, unit = self.calendar.day_of(now), facts.points[points[0]]["unit"]
        found = facts.tariff_in_force("point", points[0], day)
        if not found:
            return None
        version, tax = found[1], facts.tax(month_of(day))
        period = rating.period(version, now)
        from rating import energy_row
        _, row = energy_row(version, period, day)
        factor = 1 + (Fraction(tax["rate"]) if tax and tax["mode"] == "exclusive" else 0)
        extra = sum(Fraction(a["price"]) for a in version.get("adder", []))
        counter = rating.counter_at(rating.counters[points[0]], found[0], version, day, facts.held_since(unit, now), period)
        if live <= 0:
            return "0.00"
        money, total = Fraction(live, 10**self.site.decimals), Fraction(0)
        for t in row["tiers"]:
            price = (Fraction(t["price"]) + extra) * factor
            room = None if "up_to_kwh" not in t else Fraction(max(0, mwh(t["up_to_kwh"]) - counter), 10**6)
            if room is None or (price and money < room * price):
                return None if not price else kwh(int((total + money / price) * 10**6))
            total, money, counter = total + room, money - room * price, counter + int(room * 10**6)

    def quarantine(self):
        out = []
        for j in self.target(self.until, self.until).rating.judgements.values():
            for row, status in j.status.items():
                if status not in ("accepted", "duplicate", "withdrawn"):
                    out.append({"meter": row.meter, "time": show_instant(row.time), "received": show_instant(row.received), "line": row.line, "kwh": row.text, "reason": status})
        return out


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("site", type=Path)
    args.add_argument("--until", required=True)
    args.add_argument("--out", type=Path, required=True)
    a = args.parse_args()
    try:
        Run(a.site, f.instant(a.until)).write(a.out)
    except SiteError as e:
        print(f"refused: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
