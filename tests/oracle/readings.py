"""From registers to energy (BILLING 3)."""
from bisect import bisect_left, bisect_right
from fractions import Fraction

from facts import NEVER, fail


class Special:
    """`start_kwh` or `final_kwh` of a meter."""
    special, line, serial, text = True, None, None, None

    def __init__(self, time, register):
        self.time = self.received = time
        self.register = register


def unwrap(register, modulus, near):
    """The multiple of the modulus that brings it nearest to `near`; a tie goes up."""
    if modulus is None or near is None:
        return register
    return register + (2 * (near - register) + modulus) // (2 * modulus) * modulus


class Judgement:
    """The rows of one meter judged in order, given what is withdrawn and released so far."""

    def __init__(self, meter, rows, withdrawn, released):
        self.meter, self.times, self.registers, self.rows = meter, [], [], []
        self.status = {}
        self.order = sorted(rows, key=lambda r: (r.received, r.time, not r.special, r.line or 0))
        for row in self.order:
            if not row.special and (row.time, row.register) in withdrawn:
                self.status[row] = "withdrawn"
            elif row in released:
                self.let_in(row)
            else:
                self.status[row] = self.judge(row)

    def neighbours(self, time):
        n = bisect_left(self.times, time)
        after = n + 1 if n < len(self.times) and self.times[n] == time else n
        return (n - 1 if n > 0 else None), (after if after < len(self.times) else None)

    def accepted_at(self, time):
        n = bisect_left(self.times, time)
        return self.rows[n] if n < len(self.times) and self.times[n] == time else None

    def unwrapped(self, row, before, after):
        near = self.registers[before] if before is not None else self.registers[after] if after is not None else None
        return unwrap(row.register, self.meter.modulus, near)

    def insert(self, row, register):
        n = bisect_right(self.times, row.time)
        self.times.insert(n, row.time)
        self.registers.insert(n, register)
        self.rows.insert(n, row)
        self.status[row] = "accepted"

    def let_in(self, row):
        before, after = self.neighbours(row.time)
        register = self.unwrapped(row, before, after)
        if self.accepted_at(row.time):
            fail("a reading is released where one is accepted")
        if (before is not None and register < self.registers[before]) or (after is not None and register > self.registers[after]):
            fail("the register would decrease by a release")
        self.insert(row, register)

    def judge(self, row):
        """The first reason that applies; otherwise the reading is accepted."""
        m = self.meter
        if row.register is None:
            return "not_a_number"
        if row.serial is not None and m.serial is not None and row.serial != m.serial:
            return "serial_mismatch"
        if row.time < m.installed:
            return "before_installation"
        if row.time > m.removed:
            return "after_removal"
        if row.time > row.received + 300:
            return "future"
        there = self.accepted_at(row.time)
        if there is not None:
            return "duplicate" if there.register == row.register else "conflict"
        before, after = self.neighbours(row.time)
        near = before if before is not None else after
        if row.register == 0 and near is not None and self.rows[near].register != 0:
            return "ghost_zero"
        register = self.unwrapped(row, before, after)
        if (before is not None and register < self.registers[before]) or (after is not None and register > self.registers[after]):
            return "backwards"
        steps = []
        if before is not None:
            steps.append((register - self.registers[before], row.time - self.times[before]))
        if after is not None:
            steps.append((self.registers[after] - register, self.times[after] - row.time))
        if m.max_kw is not None and any(m.multiplier * Fraction(step, 10**6) * 3600 / max(60, time) > m.max_kw for step, time in steps):
            return "too_fast"
        self.insert(row, register)
        return "accepted"


def judged(meter, rows, decisions, at):
    """BILLING 3 and 8: the judgement with all rows, withdrawals and releases received by `at`."""
    specials = [Special(t, r) for t, r in ((meter.installed, meter.start_kwh), (meter.removed, meter.final_kwh)) if r is not None]
    rows = [r for r in rows + specials if r.received <= at]
    withdrawn, released = set(), set()
    for received, rank, _, time in (d for d in decisions if d[0] <= at):
        then = Judgement(meter, [r for r in rows if r.received <= received], withdrawn, released)
        accepted = then.accepted_at(time)
        if rank == 0:
            if accepted is None or accepted.special:
                fail(f"{meter.id}: nothing to withdraw")
            withdrawn.add((time, accepted.register))
            released = {r for r in released if (r.time, r.register) != (time, accepted.register)}
        else:
            if accepted is not None:
                fail(f"{meter.id}: a release where a reading is accepted")
            there = [r for r in then.order if r.time == time and r.register is not None]
            if not there:
                fail(f"{meter.id}: nothing to release")
            released = released | {there[0]}
            withdrawn.discard((time, there[0].register))
            Judgement(meter, [r for r in rows if r.received <= received], withdrawn, released)
    result = Judgement(meter, rows, withdrawn, released)
    for r in specials:
        if result.status.get(r, "accepted") not in ("accepted", "duplicate"):
            fail(f"{meter.id}: start_kwh or final_kwh is {result.status[r]}")
    return result


class Curve:
    """The accepted readings of a meter."""

    def __init__(self, judgement):
        self.meter, self.times, self.registers = judgement.meter, judgement.times, judgement.registers
        self.cached = {}

    def register(self, b):
        n = bisect_right(self.times, b)
        if not self.times:
            return 0
        if n == 0:
            return self.registers[0]
        if n == len(self.times):
            return self.registers[-1]
        t1, t2, r1, r2 = self.times[n - 1], self.times[n], self.registers[n - 1], self.registers[n]
        return r1 + (r2 - r1) * (b - t1) // (t2 - t1)

    def counted(self, b):
        if b not in self.cached:
            self.cached[b] = (self.meter.multiplier * self.register(b)).__floor__()
        return self.cached[b]

    def energy(self, a, b):
        """mWh over [a, b), within its installation."""
        a, b = max(a, self.meter.installed), min(b, self.meter.removed)
        return self.counted(b) - self.counted(a) if a < b else 0

    def covers(self, t):
        """An accepted reading at or after t."""
        return bool(self.times) and self.times[-1] >= t

    def interpolated_at(self, t, max_gap):
        if not self.times or not self.meter.installed <= t <= self.meter.removed:
            return False
        n = bisect_left(self.times, t)
        if n < len(self.times) and self.times[n] == t:
            return False
        if n == 0:
            return self.times[0] - t > max_gap
        if n == len(self.times):
            return t - self.times[-1] > max_gap
        return self.times[n] - self.times[n - 1] > max_gap

    def gap_in(self, a, b, length):
        """BILLING 5, demand: a gap of more than `length`, or before the first or after the last reading, overlaps (a, b)."""
        a, b = max(a, self.meter.installed), min(b, self.meter.removed)
        if a >= b:
            return False
        if not self.times or a < self.times[0] or b > self.times[-1]:
            return True
        n = bisect_right(self.times, a) - 1
        while n + 1 < len(self.times) and self.times[n] < b:
            if self.times[n + 1] - self.times[n] > length:
                return True
            n += 1
        return False
