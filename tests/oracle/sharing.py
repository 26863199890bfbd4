"""Shared costs (BILLING 6)."""
from fractions import Fraction

import facts as f
from facts import fail, month_days, month_of

NANO = 10**9


class Sharing:
    """The split of every pool's day, from one rating."""

    def __init__(self, rating):
        self.rating, self.facts, self.site = rating, rating.facts, rating.site
        self.days, self.to_date = {}, {}
        for pool in sorted(self.facts.pools):
            month, cost = None, 0
            for day in rating.days:
                if month_of(day) != month:
                    month, cost, sums = month_of(day), 0, {}
                reached = sum(line["amount"] for line in rating.lines(month, day, pool).values())
                self.days[pool, day] = self.split_day(pool, day, reached - cost, reached, sums)
                cost = reached

    def split_day(self, pool, day, cost, reached, sums):
        kwh, nano = self.rating.pool_energy.get((pool, day), 0), cost * NANO
        rule = self.facts.in_force(self.facts.rules.get(pool, []), day)
        parts = [self.split_part(rule, n, part, day, kwh, nano) for n, part in enumerate(rule["parts"] if rule else [], 1)]
        mine, count = [kwh, nano], {}
        for part in parts:
            for s in part["shares"]:
                if s["account"] != self.site.landlord:
                    x = sums.setdefault(s["account"], [0, 0])
                    for n, amount in enumerate((s["kwh"], s["nano"])):
                        x[n] += amount
                        mine[n] -= amount
                    count[s["account"]] = count.get(s["account"], 0) + 1
        if any(n > 3000 for n in count.values()):
            fail(f"over 3,000 units x parts of one account in {pool} on {f.as_date(day)}")
        if len(set(sums) - {self.site.landlord}) >= 10000:
            fail(f"10,000 accounts or more with a share in {pool}")
        landlord = sums.setdefault(self.site.landlord, [0, 0])
        for n in (0, 1):
            landlord[n] += mine[n]
        accounts = {a: {"kwh": x[0], "nano": x[1], "amount": (x[1] + 100000) // NANO} for a, x in sums.items()}
        accounts[self.site.landlord]["amount"] = reached - sum(x["amount"] for a, x in accounts.items() if a != self.site.landlord)
        rest = [total - sum(p[key] for p in parts) for key, total in (("kwh", kwh), ("nano", nano))]
        return {"rule": rule and rule["version"], "kwh": kwh, "amount": cost, "to_date": reached, "rest": rest, "parts": parts, "accounts": accounts,
                "interpolated": self.rating.pool_interpolated.get((pool, day), 0)}

    def split_part(self, rule, n, part, day, kwh, nano):
        percent = Fraction(part["percent"])
        kwh, nano = [(total * percent / 100).__floor__() for total in (kwh, nano)]
        holders = {u: self.facts.holder(u, self.rating.calendar.end(day)) for u in rule["units"]}
        applied, weights, total = self.weights(rule, part, day, holders)
        shares = []
        if applied != "landlord":
            for u in rule["units"]:
                share = [(x * weights[u] / total).__floor__() for x in (kwh, nano)]
                shares.append({"unit": u, "account": holders[u] or self.site.landlord, "weight": weights[u], "kwh": share[0], "nano": share[1]})
        rest = [x - sum(s[key] for s in shares) for key, x in (("kwh", kwh), ("nano", nano))]
        return {"part": n, "percent": percent, "basis": part["basis"], "applied": applied, "total": total, "kwh": kwh, "nano": nano, "rest": rest, "shares": shares}

    def weights(self, rule, part, day, holders):
        """BILLING 6.2 and 6.3: (the basis applied, each unit's weight, the total)."""
        redistribute = rule.get("vacant", "landlord") == "redistribute"
        left = {u for u in rule["units"] if holders[u] or not redistribute}

        def by(basis):
            one = {"area": lambda u: self.facts.area(u, day), "equal": lambda u: Fraction(1), "fixed": lambda u: Fraction(part["fixed"].get(u, "0")),
                   "consumption": lambda u: Fraction(self.rating.unit_energy(u, day), 10**6)}[basis]
            return {u: one(u) if u in left else Fraction(0) for u in rule["units"]}

        for basis in (part["basis"], part.get("zero", "landlord")):
            if basis == "landlord":
                break
            weights = by(basis)
            if any(weights.values()):
                total = sum(weights.values())
                if basis == "fixed":
                    total += 100 - sum(Fraction(x) for x in part["fixed"].values())
                return basis, weights, total
        return "landlord", {}, None


class Target:
    """BILLING 2: the target of every account's months, a function of the facts known at one instant."""

    def __init__(self, rating):
        self.rating, self.site, self.facts = rating, rating.site, rating.facts
        self.sharing = Sharing(rating)
        self.cached = {}

    def month(self, month, upto=None):
        """{account: {"indoor": {key: line}, "shared": {pool: (mWh, amount)}, "tax": (name, amount)}} through a day."""
        upto = self.rating.days[-1] if upto is None and self.rating.days else upto
        if (month, upto) not in self.cached:
            self.cached[month, upto] = self.compute(month, upto)
        return self.cached[month, upto]

    def compute(self, month, upto):
        out = {}
        mine = lambda a: out.setdefault(a, {"indoor": {}, "shared": {}, "tax": None})
        if not self.rating.days:
            return out
        for (account, key), line in self.rating.lines(month, upto).items():
            mine(account)["indoor"][key] = line
        days = [d for d in self.rating.days if month_of(d) == month and d <= upto]
        for pool in self.facts.pools if days else []:
            for account, x in self.sharing.days[pool, days[-1]]["accounts"].items():
                if x["kwh"] or x["amount"]:
                    mine(account)["shared"][pool] = (x["kwh"], x["amount"])
        tax = self.facts.tax(month)
        for x in out.values():
            x["charges"] = sum(line["amount"] for line in x["indoor"].values()) + sum(amount for _, amount in x["shared"].values())
            if tax and tax["mode"] == "exclusive":
                x["tax"] = (tax["name"], f.round_away(Fraction(tax["rate"]) * x["charges"]))
                x["charges"] += x["tax"][1]
        return out

    def months(self):
        return sorted({month_of(d) for d in self.rating.days})

    def charges(self, account):
        return sum(self.month(m).get(account, {"charges": 0})["charges"] for m in self.months())

    def charges_on(self, account, day):
        """The account's charges of one day: a difference of targets to date."""
        month = month_of(day)
        here = self.month(month, day).get(account, {"charges": 0})["charges"]
        return here - (self.month(month, day - 1).get(account, {"charges": 0})["charges"] if day > max(month_days(month)[0], self.rating.first) else 0)
