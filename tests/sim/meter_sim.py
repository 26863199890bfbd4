#!/usr/bin/env python3
"""Simulated Modbus gateways and energy meters, with faults on demand.

Plays any number of gateways (Modbus TCP or RTU over TCP), each with any number
of meters whose register maps come from adapters/src/meter_bus/profiles/*.toml. Meters have a load,
four rates, a relay that really stops consumption, a clock, and a hidden true
energy in milliwatt-hours. An HTTP endpoint reveals the truth and injects
faults while the simulator runs. Python 3.11+, standard library only.

  meter_sim.py --gateways 2 --meters 10 --profile kpm33b --speed 60
  meter_sim.py --plan plan_example.toml

The first line on standard output is JSON: {"ready": true, "admin": ..., "gateways": {...}}.
README.md describes the plan file, the HTTP endpoint and every fault.
"""
import argparse
import asyncio
import csv
import datetime as dt
import json
import math
import pathlib
import random
import socket
import struct
import sys
import time
import tomllib
from fractions import Fraction

HERE = pathlib.Path(__file__).resolve().parent
PROFILES = HERE.parent.parent / "adapters" / "src" / "meter_bus" / "profiles"
MWH_PER_KWH = 1_000_000
MWMS_PER_MWH = 3_600_000          # one milliwatt-hour in milliwatt-milliseconds
DAY_MS = 86_400_000
# [from hour, to hour, rate]; the timetable seen in the field log
DEFAULT_RATES = [[0, 7, 4], [7, 10, 3], [10, 14, 2], [14, 17, 3], [17, 18, 2],
                 [18, 19, 1], [19, 21, 2], [21, 23, 3], [23, 24, 4]]
WIRE_FAULTS = ("timeout", "lost_request", "slow", "late", "wrong_unit", "wrong_tid", "wrong_fc", "short", "long",
               "truncated", "garbage", "crc", "duplicate", "split", "reset", "refuse", "exception",
               "echo_opposite", "echo_not_applied")
METER_FAULTS = ("stuck", "backwards", "rollover", "swap", "clock_skew", "nan", "ghost_zero",
                "welded", "rates_mismatch")


# ---------------------------------------------------------------- time and load

class Clock:
    """Virtual time in integer milliseconds since the epoch; speed 0 stands still."""

    def __init__(self, start, speed):
        self._base = int(start.replace(tzinfo=dt.timezone.utc).timestamp() * 1000)
        self._mono, self.speed = time.monotonic_ns(), speed

    def now(self):
        return self._base + int((time.monotonic_ns() - self._mono) * self.speed / 1e6)

    def set(self, speed=None, step_s=0):
        self._base, self._mono = self.now() + int(step_s * 1000), time.monotonic_ns()
        self.speed = self.speed if speed is None else float(speed)


class Load:
    """A step function of virtual time: at(t) -> (milliwatts, time of next change)."""

    def __init__(self, spec, folder):
        spec = {"kind": "constant", "watts": 500} if spec is None else spec
        kind = spec["kind"]
        if kind == "constant":
            self._steps, self._period = [(0, spec["watts"])], DAY_MS
        elif kind == "daily":                      # equal slots over a day
            w = spec["watts"]
            self._steps = [(i * DAY_MS // len(w), x) for i, x in enumerate(w)]
            self._period = DAY_MS
        elif kind == "csv":                        # rows: second,watts; repeats
            with open(folder / spec["file"], newline="") as f:
                rows = [(float(a), float(b)) for a, b in (r[:2] for r in csv.reader(f)) if a[:1].isdigit()]
            self._steps = [(int(a * 1000), b) for a, b in rows]
            self._period = int(spec.get("period_s", 86400) * 1000)
            if not self._steps or self._steps[0][0] != 0:
                raise ValueError(f"{spec['file']}: the first row must be second 0")
        else:
            raise ValueError(f"unknown load kind {kind!r}")
        self._steps = [(t, round(w * 1000 * spec.get("factor", 1))) for t, w in self._steps]

    def at(self, t):
        into, start = t % self._period, t - t % self._period
        mw = self._steps[0][1]
        for offset, value in self._steps:
            if offset > into:
                return mw, start + offset
            mw = value
        return mw, start + self._period


def rate_at(rates, t):
    """(rate number, time of next change) for a timetable of whole hours."""
    day, hour = t - t % DAY_MS, t % DAY_MS // 3_600_000
    for first, last, rate in rates:
        if first <= hour < last:
            return rate, day + last * 3_600_000
    raise ValueError("the rate timetable does not cover the day")


# ---------------------------------------------------------------- profiles

SIZES = {"u16": 1, "i16": 1, "u32": 2, "i32": 2, "f32": 2, "u64": 4, "i64": 4, "f64": 4}


class Profile:
    def __init__(self, path):
        data = tomllib.loads(path.read_text())
        if data.get("schema") != 1:
            raise ValueError(f"{path}: schema 1 expected")
        self.id, self.phases = data["id"], data["phases"]
        self.max_registers = data["limits"]["max_registers"]
        self.function_codes = set(data["limits"]["function_codes"])
        self.relay = data.get("relay")
        self.forbidden = [(f["address"], f["words"]) for f in data.get("forbidden", [])]
        self.resolution = Fraction(data.get("energy", {}).get("resolution_kwh", "0.000001"))
        self.registers = data["register"]
        if self.relay and self.relay["kind"] == "register":
            self.registers.append({"quantity": "relay", "fc": self.relay["read_fc"], "access": "rw", "words": 1,
                                   "address": self.relay["address"], "type": "u16", "scale": "1"})
        self.rates = max([r.get("tariff", 0) for r in self.registers] + [1])
        for r in self.registers:
            if r["type"] in SIZES and SIZES[r["type"]] != r["words"]:
                raise ValueError(f"{path}: {r['quantity']} at {r['address']}: words do not fit the type")
        self.spans = {}                            # fc -> list of (first, last) readable addresses
        for fc in (3, 4):
            for a, w in sorted((r["address"], r["words"]) for r in self.registers if r["fc"] == fc):
                spans = self.spans.setdefault(fc, [])
                if spans and a <= spans[-1][1] + 64:      # small holes read as zero, like most meters
                    spans[-1][1] = max(spans[-1][1], a + w - 1)
                else:
                    spans.append([a, a + w - 1])

    def readable(self, fc, address, count):
        return any(a <= address and address + count - 1 <= b for a, b in self.spans.get(fc, ()))

    def overlapping(self, fc, address, count):
        return [r for r in self.registers
                if r["fc"] == fc and r["address"] < address + count and address < r["address"] + r["words"]]


def encode(reg, value, invalid=False):
    """Physical value (Fraction, int, str or datetime) -> list of 16-bit words."""
    kind, words = reg["type"], reg["words"]
    if kind == "ascii":
        raw = str(value).encode("ascii", "replace")[:reg.get("length", words * 2)].ljust(words * 2, b"\0")
    elif kind == "ymdhms6":
        raw = bytes((value.year % 100, value.month, value.day, value.hour, value.minute, value.second))
    else:
        bits = words * 16
        if invalid:
            marker = {"f": 0x7FC00000 << (bits - 32), "u": (1 << bits) - 1, "i": (1 << (bits - 1)) - 1}[kind[0]]
            raw = (int(reg["invalid"], 16) if "invalid" in reg else marker).to_bytes(words * 2, "big")
        elif kind[0] == "f":
            raw = struct.pack(">f" if bits == 32 else ">d", float(Fraction(value) / Fraction(reg["scale"])))
        else:
            number = math.floor(Fraction(value) / Fraction(reg["scale"]))
            raw = (number % (1 << bits)).to_bytes(words * 2, "big")
    out = [int.from_bytes(raw[i:i + 2], "big") for i in range(0, words * 2, 2)]
    return out[::-1] if reg.get("word_order") == "little" else out


def decode_f32(words):
    return struct.unpack(">f", struct.pack(">HH", *words))[0]


# ---------------------------------------------------------------- meter

class Meter:
    def __init__(self, sim, gateway, spec):
        self.sim, self.gateway, self.unit = sim, gateway, spec["unit"]
        self.profile = sim.profile(spec["profile"])
        self.serial = str(spec.get("serial", f"{gateway}-{self.unit}"))
        self.load = Load(spec.get("load"), sim.folder)
        self.import_mwh = int(Fraction(str(spec.get("import_kwh", 0))) * MWH_PER_KWH)
        self.export_mwh = int(Fraction(str(spec.get("export_kwh", 0))) * MWH_PER_KWH)
        n = self.profile.rates
        self.rate_mwh = [self.import_mwh // n] * n
        self.rate_mwh[0] += self.import_mwh - sum(self.rate_mwh)
        self.relay_on = spec.get("relay_on", True)       # what the meter believes
        self.welded = False                              # contacts stuck closed
        self.faults = {}                                 # kind -> parameters
        self.registers = {"relay_mode": 0xDD22, "prepaid_kwh": 0, "overdraft_kwh": 0}
        self.skew_ms = 0                                 # from clock writes
        self.offset_mwh = 0                              # presented minus true, after an erase
        self._rest = 0                                   # mW*ms not yet a whole mWh
        self._at = sim.clock.now()

    @property
    def connected(self):
        return self.relay_on or self.welded

    def advance(self):
        """Integrate the load up to now, exactly."""
        now = self.sim.clock.now()
        while self._at < now:
            mw, until = self.load.at(self._at)
            rate, switch = rate_at(self.sim.rates, self._at)
            end = min(now, until, switch)
            if self.connected:
                whole, self._rest = divmod(self._rest + abs(mw) * (end - self._at), MWMS_PER_MWH)
                if mw >= 0:
                    self.import_mwh += whole
                    self.rate_mwh[(rate - 1) % self.profile.rates] += whole
                else:
                    self.export_mwh += whole
            self._at = end

    def power_mw(self):
        return self.load.at(self._at)[0] if self.connected else 0

    # -- what the registers show

    def _shown(self, true_mwh):
        shown = true_mwh + self.offset_mwh
        if "stuck" in self.faults:
            shown = true_mwh + self.offset_mwh - (self.import_mwh - self.faults["stuck"]["import_mwh"])
        for kind in ("backwards", "swap"):
            if kind in self.faults:
                shown += self.faults[kind]["delta_mwh"]
        if "rollover" in self.faults:
            shown %= self.faults["rollover"]["limit_mwh"]
        return max(0, shown)

    def _energy(self, mwh):
        return Fraction(mwh, MWH_PER_KWH) // self.profile.resolution * self.profile.resolution

    def value(self, reg):
        q, phase, tariff = reg["quantity"], reg.get("phase"), reg.get("tariff")
        share = 3 if phase in ("a", "b", "c") and self.profile.phases == 3 else 1
        if q in ("import_kwh", "total_kwh", "export_kwh"):
            if tariff:
                mwh = self.rate_mwh[tariff - 1]
                if "stuck" in self.faults:
                    mwh = self.faults["stuck"]["rate_mwh"][tariff - 1]
                if self.offset_mwh or "swap" in self.faults or "backwards" in self.faults:
                    mwh = self._shown(self.import_mwh) * mwh // max(1, self.import_mwh)
                if "rates_mismatch" in self.faults and tariff == 1:
                    mwh = max(0, mwh + self.faults["rates_mismatch"]["delta_mwh"])
                return self._energy(mwh)
            exp = 0 if q == "import_kwh" else self.export_mwh
            imp = 0 if q == "export_kwh" else self._shown(self.import_mwh)
            return self._energy((imp + exp) // share)
        if q == "power_w":
            return Fraction(self.power_mw(), 1000 * share)
        if q == "apparent_power_va":
            return Fraction(abs(self.power_mw()), 1000 * share)
        if q == "voltage_v":
            return 400 if phase in ("ab", "bc", "ca") else 230
        if q == "current_a":
            return Fraction(abs(self.power_mw()), 1000 * 230 * (3 if self.profile.phases == 3 else 1))
        if q == "serial":
            serial = self.faults.get("swap", {}).get("serial", self.serial)
            digits = "".join(c for c in serial if c.isdigit())
            return serial if reg["type"] == "ascii" else int(digits or 0)
        if q == "clock":
            skew = self.skew_ms + self.faults.get("clock_skew", {}).get("ms", 0)
            return dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=self.sim.clock.now() + skew)
        return {"power_factor": 1, "frequency_hz": 50, "unit_id": self.unit,
                "relay": self.profile.relay[("on" if self.relay_on else "off")] if self.profile.relay else 0,
                "tariff_now": rate_at(self.sim.rates, self._at)[0]}.get(q, self.registers.get(q, 0))

    def words(self, fc, address, count):
        out = [0] * count
        ghost = self.faults.get("ghost_zero")
        if ghost and self.sim.draw(self, ghost):
            return out
        bad = self.faults.get("nan")
        for reg in self.profile.overlapping(fc, address, count):
            invalid = bool(bad) and reg["quantity"] in bad["quantities"]
            for i, word in enumerate(encode(reg, self.value(reg), invalid)):
                if 0 <= reg["address"] + i - address < count:
                    out[reg["address"] + i - address] = word
        return out

    # -- requests: return a reply PDU, or an exception code

    def handle(self, pdu, apply=True):
        self.advance()
        fc, p = pdu[0], self.profile
        if fc not in p.function_codes:
            return 1
        if fc in (1, 2):
            address, count = struct.unpack(">HH", pdu[1:5])
            if not 1 <= count <= 2000:
                return 3
            if not (p.relay and p.relay["kind"] == "coil" and p.relay["address"] == address and count == 1):
                return 2
            return bytes((fc, 1, int(self.relay_on)))
        if fc in (3, 4):
            address, count = struct.unpack(">HH", pdu[1:5])
            if not 1 <= count <= p.max_registers:
                return 3
            if not p.readable(fc, address, count):
                return 2
            words = self.words(fc, address, count)
            return struct.pack(f">BB{count}H", fc, count * 2, *words)
        if fc == 5:
            address, value = struct.unpack(">HH", pdu[1:5])
            if value not in (0xFF00, 0):
                return 3
            if not (p.relay and p.relay["kind"] == "coil" and p.relay["address"] == address):
                return 2
            if apply and self.registers["relay_mode"] != 0xDD11:   # local mode ignores commands (assumed)
                self.relay_on = value == 0xFF00
            return pdu[:5]
        if fc == 6:
            address, value = struct.unpack(">HH", pdu[1:5])
            return self._write(address, [value], apply) or pdu[:5]
        if fc == 16:
            address, count, size = struct.unpack(">HHB", pdu[1:6])
            if not 1 <= count <= 123 or size != count * 2 or len(pdu) < 6 + size:
                return 3
            return self._write(address, list(struct.unpack(f">{count}H", pdu[6:6 + size])), apply) or pdu[:5]
        return 1

    def _write(self, address, values, apply):
        if any(a < address + len(values) and address < a + w for a, w in self.profile.forbidden):
            erase = self.profile.id == "kpm33b" and address == 0x000C and values[0] == 0x5578
            erase |= self.profile.id == "hiking_dds238" and address == 0 and not any(values)
            if erase and apply:                          # the meter obeys: that is the danger
                self.offset_mwh = -self.import_mwh
            return None
        regs = [r for fc in (3, 4) for r in self.profile.overlapping(fc, address, len(values))]
        exact = [r for r in regs if "w" in r.get("access", "r")
                 and r["address"] == address and r["words"] == len(values)]
        if not exact:
            return 2
        reg, kind = exact[0], exact[0]["type"]
        if not apply:
            return None
        if reg["quantity"] == "relay":
            if values[0] not in (self.profile.relay["on"], self.profile.relay["off"]):
                return 3
            self.relay_on = values[0] == self.profile.relay["on"]
        elif kind == "ymdhms6":
            y, mo, d, h, mi, s = struct.pack(">HHH", *values)
            try:
                target = dt.datetime(2000 + y, mo, d, h, mi, s, tzinfo=dt.timezone.utc)
            except ValueError:
                return 3
            self.skew_ms = int(target.timestamp() * 1000) - self.sim.clock.now()
        else:
            self.registers[reg["quantity"]] = Fraction(decode_f32(values)) if kind == "f32" else values[0]
        return None

    def set_fault(self, kind, params):
        self.advance()
        params = dict(params)
        mwh = int(Fraction(str(params.get("kwh", 0))) * MWH_PER_KWH)
        if kind == "stuck":
            params.update(import_mwh=self.import_mwh, rate_mwh=list(self.rate_mwh))
        elif kind == "backwards":
            params["delta_mwh"] = -mwh
        elif kind == "rollover":
            params["limit_mwh"] = mwh
        elif kind == "swap":                             # another meter, its counter at `kwh`
            params["delta_mwh"] = mwh - self.import_mwh - self.offset_mwh
            params.setdefault("serial", self.serial + "X")
        elif kind == "clock_skew":
            params["ms"] = int(float(params.get("seconds", 0)) * 1000)
        elif kind == "nan":
            params.setdefault("quantities", ["import_kwh"])
        elif kind == "welded":
            self.welded = True
        elif kind == "rates_mismatch":
            params["delta_mwh"] = mwh
        self.faults[kind] = params

    def clear_fault(self, kind):
        self.advance()
        if kind == "welded":
            self.welded = False
        self.faults.pop(kind, None)

    def truth(self):
        self.advance()
        return {"gateway": self.gateway, "unit": self.unit, "profile": self.profile.id, "serial": self.serial,
                "import_mwh": self.import_mwh, "export_mwh": self.export_mwh, "rate_mwh": self.rate_mwh,
                "power_mw": self.power_mw(), "relay_reported_on": self.relay_on, "load_connected": self.connected,
                "prepaid_kwh": float(self.registers["prepaid_kwh"]), "faults": sorted(self.faults),
                "virtual_ms": self._at}


# ---------------------------------------------------------------- framing

def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def frame(framing, tid, unit, pdu):
    if framing == "tcp":
        return struct.pack(">HHHB", tid, 0, len(pdu) + 1, unit) + pdu
    body = bytes((unit,)) + pdu
    return body + crc16(body)


async def read_request(reader, framing):
    """Return (tid, unit, pdu); None for a request to drop; raises at end of stream."""
    if framing == "tcp":
        tid, proto, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
        if proto != 0 or not 2 <= length <= 254:
            raise ConnectionError("not Modbus TCP")
        return tid, unit, await reader.readexactly(length - 1)
    data = await reader.readexactly(2)
    try:                                           # a pause inside a frame ends it
        rest = 6
        if data[1] in (15, 16):
            data += await asyncio.wait_for(reader.readexactly(5), 0.2)
            rest = data[6] + 2
        data += await asyncio.wait_for(reader.readexactly(rest), 0.2)
    except TimeoutError:
        data += await reader.read(256)
    if crc16(data[:-2]) != data[-2:]:
        return None
    return 0, data[0], data[1:-2]


# ---------------------------------------------------------------- gateway

class Gateway:
    def __init__(self, sim, spec):
        self.sim, self.name = sim, spec["name"]
        self.framing = spec.get("framing", "tcp")
        self.host, port = spec.get("listen", "127.0.0.1:0").rsplit(":", 1)
        self.port = int(port)
        self.latency = spec.get("latency_ms", 0) / 1000
        self.unknown_unit = spec.get("unknown_unit", 0)      # 0 = silent, else an exception code
        self.meters = {}
        for m in spec.get("meter", []):
            for i in range(m.get("count", 1)):
                one = dict(m, unit=m["unit"] + i)
                if "serial" in m:
                    one["serial"] = m["serial"].format(n=one["unit"], gateway=self.name)
                if one["unit"] in self.meters:
                    raise ValueError(f"gateway {self.name}: unit {one['unit']} appears twice")
                self.meters[one["unit"]] = Meter(sim, self.name, one)
        self.bus = asyncio.Lock()                            # one request at a time, like RS-485
        self.server, self.writers = None, set()

    async def listen(self):
        self.server = await asyncio.start_server(self._client, self.host, self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def refuse(self):
        if self.server:
            self.server.close()
            self.server = None
        for writer in list(self.writers):
            writer.transport.abort()

    async def _client(self, reader, writer):
        self.writers.add(writer)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                request = await read_request(reader, self.framing)
                if request is None:
                    self.sim.count(self.name, 0, "bad_crc_request")
                    continue
                async with self.bus:
                    await self._serve(writer, *request)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError, OSError):
            pass
        finally:
            self.writers.discard(writer)
            writer.transport.abort()

    async def _serve(self, writer, tid, unit, pdu):
        fc, meter = pdu[0], self.meters.get(unit)
        self.sim.count(self.name, unit, f"fc{fc}")
        if self.latency:
            await asyncio.sleep(self.latency)
        write = fc in (5, 6, 15, 16)
        fault = self.sim.take_fault(self.name, unit, fc)
        kind = fault["kind"] if fault else None
        applied = write and kind not in ("echo_not_applied", "exception", "lost_request")
        if meter is None:
            if not self.unknown_unit:
                return
            result = self.unknown_unit
        elif kind == "exception":
            result = int(fault.get("code", 4))
        elif len(pdu) < (6 if fc in (15, 16) else 5):
            result = 3 if fc in meter.profile.function_codes else 1
        else:
            result = meter.handle(pdu, apply=applied or not write)
        if isinstance(result, int):
            reply, applied = bytes((fc | 0x80, result)), False
        else:
            reply = result
        if write:
            self.sim.log_write(self.name, unit, meter, pdu, applied, kind, reply)
        if kind in (None, "exception", "echo_not_applied"):
            await self._send(writer, frame(self.framing, tid, unit, reply))
        else:
            await self._misbehave(writer, fault, tid, unit, reply)

    async def _send(self, writer, data):
        if not writer.is_closing():
            writer.write(data)
            await writer.drain()

    async def _later(self, writer, data, delay):
        await asyncio.sleep(delay)
        try:
            await self._send(writer, data)
        except (ConnectionError, OSError):
            pass

    async def _misbehave(self, writer, fault, tid, unit, reply):
        kind, delay = fault["kind"], float(fault.get("delay_s", 0.5))
        good = frame(self.framing, tid, unit, reply)
        make = lambda t=tid, u=unit, p=reply: frame(self.framing, t, u, p)
        if kind in ("timeout", "lost_request"):
            return
        if kind == "slow":                                   # holds the bus, then answers
            await asyncio.sleep(delay)
            data = good
        elif kind == "late":                                 # frees the bus, answers later
            self.sim.background(self._later(writer, good, delay))
            return
        elif kind == "wrong_unit":
            data = make(u=int(fault.get("unit_sent", unit % 247 + 1)))
        elif kind == "wrong_tid":                            # RTU has none: becomes a late answer's twin
            data = make(t=(tid + 1) & 0xFFFF)
        elif kind == "wrong_fc":
            data = make(p=bytes((4 if reply[0] == 3 else 3,)) + reply[1:])
        elif kind in ("short", "long") and reply[0] in (3, 4):
            body = reply[2:-2] if kind == "short" else reply[2:] + b"\x00\x00"
            data = make(p=bytes((reply[0], len(body))) + body)
        elif kind in ("short", "long"):
            data = make(p=reply[:-1] if kind == "short" else reply + b"\x00")
        elif kind == "truncated":
            data = good[:max(1, len(good) // 2)]
        elif kind == "garbage":
            data = self.sim.random.randbytes(int(fault.get("bytes", len(good))))
        elif kind == "crc":                                  # on TCP: a corrupt protocol identifier
            data = good[:-1] + bytes((good[-1] ^ 0x55,)) if self.framing == "rtu" else good[:2] + b"\x55\x55" + good[4:]
        elif kind == "duplicate":
            data = good + good
        elif kind == "split":
            for i in range(len(good)):
                await self._send(writer, good[i:i + 1])
                await asyncio.sleep(float(fault.get("gap_s", 0.005)))
            return
        elif kind == "reset":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        elif kind == "echo_opposite":
            data = good
            if reply[0] in (5, 6):
                value = struct.unpack(">H", reply[3:5])[0]
                flipped = (0 if value else 0xFF00) if reply[0] == 5 else value ^ 1
                data = make(p=reply[:3] + struct.pack(">H", flipped))
            elif reply[0] == 16:                             # echoes an empty write
                data = make(p=reply[:3] + b"\x00\x00")
        await self._send(writer, data)


# ---------------------------------------------------------------- simulator and HTTP

class Simulator:
    def __init__(self, plan, folder):
        self.folder, self.random = folder, random.Random(plan.get("seed", 1))
        start = plan.get("start", dt.datetime(2026, 1, 12))
        start = dt.datetime.fromisoformat(start) if isinstance(start, str) else start
        self.clock = Clock(start, float(plan.get("speed", 1)))
        self.rates = plan.get("rates", DEFAULT_RATES)
        self._profiles, self._profile_dir = {}, pathlib.Path(plan.get("profiles", PROFILES))
        if not self._profile_dir.is_absolute():
            self._profile_dir = folder / self._profile_dir
        self.faults, self._next, self.writes, self.counts, self._tasks = [], 1, [], {}, set()
        self.admin_host, port = plan.get("admin", "127.0.0.1:0").rsplit(":", 1)
        self.admin_port = int(port)
        self.gateways = {}
        for spec in plan["gateway"]:
            if spec["name"] in self.gateways:
                raise ValueError(f"gateway {spec['name']} appears twice")
            self.gateways[spec["name"]] = Gateway(self, spec)

    def profile(self, name):
        if name not in self._profiles:
            self._profiles[name] = Profile(self._profile_dir / f"{name}.toml")
        return self._profiles[name]

    def background(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def count(self, gateway, unit, what):
        key = f"{gateway}/{unit}/{what}"
        self.counts[key] = self.counts.get(key, 0) + 1

    def draw(self, _owner, params):
        return self.random.random() < float(params.get("probability", 1))

    def log_write(self, gateway, unit, meter, pdu, applied, fault, reply):
        address = struct.unpack(">H", pdu[1:3])[0] if len(pdu) >= 3 else None
        # Coils (function 5) are another space than the registers that a profile forbids.
        danger = bool(meter) and pdu[0] != 5 and any(a <= address < a + w for a, w in meter.profile.forbidden)
        self.writes.append({"seq": len(self.writes) + 1, "wall_ms": time.time_ns() // 10**6,
                            "virtual_ms": self.clock.now(), "gateway": gateway, "unit": unit, "fc": pdu[0],
                            "address": address, "request": pdu.hex(), "reply": reply.hex(), "applied": applied,
                            "forbidden": danger, "fault": fault,
                            "relay_reported_on": meter.relay_on if meter else None})

    def take_fault(self, gateway, unit, fc):
        for f in self.faults:
            if (f["gateway"] in (None, gateway) and f.get("unit") in (None, unit) and f["kind"] != "refuse"
                    and (not f.get("fc") or fc in f["fc"]) and f["left"] != 0 and self.draw(None, f)):
                if f["left"] > 0:
                    f["left"] -= 1
                f["hits"] += 1
                return f
        return None

    async def add_fault(self, body):
        kind = body["kind"]
        gateway = body.get("gateway")
        if gateway is not None and gateway not in self.gateways:
            raise ValueError(f"no gateway {gateway!r}")
        if kind in METER_FAULTS:
            meters = [m for g in self.gateways.values() if gateway in (None, g.name)
                      for m in g.meters.values() if body.get("unit") in (None, m.unit)]
            if not meters:
                raise ValueError("no such meter")
            for m in meters:
                m.set_fault(kind, body)
            return {"kind": kind, "meters": len(meters)}
        if kind not in WIRE_FAULTS:
            raise ValueError(f"unknown fault {kind!r}")
        fault = dict(body, gateway=gateway, id=self._next, left=int(body.get("count", -1)), hits=0)
        self._next += 1
        self.faults.append(fault)
        if kind == "refuse":
            for g in self.gateways.values():
                if gateway in (None, g.name):
                    await g.refuse()
            if "seconds" in body:
                self.background(self._end_refuse(fault["id"], float(body["seconds"])))
        return fault

    async def _end_refuse(self, fault_id, seconds):
        await asyncio.sleep(seconds)
        await self.remove_faults(fault_id)

    async def remove_faults(self, fault_id=None):
        gone = [f for f in self.faults if fault_id in (None, f["id"])]
        self.faults = [f for f in self.faults if f not in gone]
        for g in self.gateways.values():
            still = any(f["kind"] == "refuse" and f["gateway"] in (None, g.name) for f in self.faults)
            if g.server is None and not still:
                await g.listen()
        return len(gone)

    def find(self, gateway, unit):
        return self.gateways[gateway].meters[int(unit)]

    async def route(self, method, path, body):
        parts = [p for p in path.split("?")[0].split("/") if p]
        match (method, *parts):
            case ("GET", "health"):
                return {"ok": True}
            case ("GET", "truth"):
                return [m.truth() for g in self.gateways.values() for m in g.meters.values()]
            case ("GET", "truth", gateway, unit):
                return self.find(gateway, unit).truth()
            case ("GET", "writes"):
                return self.writes
            case ("GET", "counts"):
                return self.counts
            case ("GET", "clock"):
                return {"virtual_ms": self.clock.now(), "speed": self.clock.speed}
            case ("POST", "clock"):
                for g in self.gateways.values():
                    for m in g.meters.values():
                        m.advance()
                self.clock.set(body.get("speed"), float(body.get("step_s", 0)))
                return {"virtual_ms": self.clock.now(), "speed": self.clock.speed}
            case ("GET", "faults"):
                return self.faults
            case ("POST", "faults"):
                return await self.add_fault(body)
            case ("DELETE", "faults"):
                for g in self.gateways.values():
                    for m in g.meters.values():
                        for kind in list(m.faults):
                            m.clear_fault(kind)
                return {"removed": await self.remove_faults()}
            case ("DELETE", "faults", fault_id):
                return {"removed": await self.remove_faults(int(fault_id))}
            case ("DELETE", "faults", gateway, unit, kind):
                self.find(gateway, unit).clear_fault(kind)
                return {"removed": 1}
            case ("POST", "relay", gateway, unit):           # somebody presses the button on the meter
                meter = self.find(gateway, unit)
                meter.advance()
                meter.relay_on = bool(body["on"])
                return meter.truth()
        raise LookupError(f"no such path: {method} {path}")

    async def _http(self, reader, writer):
        try:
            while True:
                line = await reader.readline()
                if not line.strip():
                    break
                method, path, _ = line.decode("latin-1").split(" ", 2)
                headers = {}
                while (h := await reader.readline()).strip():
                    name, _, value = h.decode("latin-1").partition(":")
                    headers[name.strip().lower()] = value.strip()
                raw = await reader.readexactly(int(headers.get("content-length", 0)))
                try:
                    status, result = "200 OK", await self.route(method, path, json.loads(raw or b"{}"))
                except (KeyError, LookupError) as e:
                    status, result = "404 Not Found", {"error": str(e)}
                except (ValueError, TypeError) as e:
                    status, result = "400 Bad Request", {"error": str(e)}
                data = json.dumps(result).encode()
                writer.write(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                             f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    async def start(self):
        for g in self.gateways.values():
            await g.listen()
        admin = await asyncio.start_server(self._http, self.admin_host, self.admin_port)
        self.admin_port = admin.sockets[0].getsockname()[1]
        return {"ready": True, "admin": f"{self.admin_host}:{self.admin_port}",
                "gateways": {g.name: {"address": f"{g.host}:{g.port}", "framing": g.framing, "units": sorted(g.meters)}
                             for g in self.gateways.values()}}


def plan_from_arguments(args):
    return {"speed": args.speed, "admin": args.admin, "seed": args.seed,
            "gateway": [{"name": f"g{i + 1}", "framing": args.framing, "latency_ms": args.latency_ms,
                         "listen": f"127.0.0.1:{args.port + i if args.port else 0}",
                         "meter": [{"unit": 1, "count": args.meters, "profile": args.profile,
                                    "serial": f"33B12{i + 1:02}" + "{n:06}", "import_kwh": "100",
                                    "load": {"kind": "constant", "watts": args.watts}}]}
                        for i in range(args.gateways)]}


def load_plan(path):
    return json.loads(path.read_text()) if path.suffix == ".json" else tomllib.loads(path.read_text())


async def amain(args):
    plan = load_plan(args.plan) if args.plan else plan_from_arguments(args)
    sim = Simulator(plan, args.plan.resolve().parent if args.plan else HERE)
    print(json.dumps(await sim.start()), flush=True)
    await asyncio.Event().wait()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--plan", type=pathlib.Path, help="plan file, .toml or .json; the options below are for running without one")
    ap.add_argument("--gateways", type=int, default=1, help="number of gateways (default 1)")
    ap.add_argument("--meters", type=int, default=1, help="meters per gateway, units 1..M (default 1, at most 247)")
    ap.add_argument("--profile", default="kpm33b", help="profile id (default kpm33b)")
    ap.add_argument("--framing", choices=("tcp", "rtu"), default="tcp", help="Modbus TCP or RTU over TCP (default tcp)")
    ap.add_argument("--port", type=int, default=5020, help="port of the first gateway, the next ones follow; 0 = any (default 5020)")
    ap.add_argument("--admin", default="127.0.0.1:8090", help="HTTP endpoint (default 127.0.0.1:8090; port 0 = any)")
    ap.add_argument("--watts", type=float, default=1000, help="constant load of every meter (default 1000)")
    ap.add_argument("--speed", type=float, default=1, help="virtual seconds per second; 0 = only by POST /clock (default 1)")
    ap.add_argument("--latency-ms", type=float, default=0, help="time each request holds the bus (default 0)")
    ap.add_argument("--seed", type=int, default=1, help="seed of all random faults (default 1)")
    args = ap.parse_args()
    try:
        asyncio.run(amain(args))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
