"""A client in another language that checks a proof by its own code: RFC 6962 by hashlib alone.

usage: proof_client.py PROTO_DIR WORK_DIR ADDRESS TOKEN SITE ACCOUNT POSITION
It asks for the proof of an event and of the growth since half of the log, and prints what it found.
"""
import hashlib
import importlib
import sys
from pathlib import Path

import grpc
from grpc_tools import protoc

proto, work, address, token, site, account, position = sys.argv[1:]
files = sorted(str(path.relative_to(proto)) for path in Path(proto).glob("tallywatt/v1/*.proto"))
assert protoc.main(["protoc", f"-I{proto}", f"--python_out={work}", f"--grpc_python_out={work}", *files]) == 0
sys.path.insert(0, work)
bills_grpc = importlib.import_module("tallywatt.v1.bills_pb2_grpc")
proof = importlib.import_module("tallywatt.v1.proof_pb2")


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def node(left, right):
    return sha(b"\x01", left, right)


def below(count):
    """The largest power of two below a number above 1."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def root_of(leaf, index, size, path):
    """The root that a path leads to, by the recursion of RFC 6962 2.1.1."""
    if size == 1:
        assert not path
        return leaf
    middle = below(size)
    if index < middle:
        return node(root_of(leaf, index, middle, path[:-1]), path[-1])
    return node(path[-1], root_of(leaf, index - middle, size - middle, path[:-1]))


def roots_of(old, size, path, whole, old_root):
    """Both roots that a consistency path leads to, by the recursion of RFC 6962 2.1.2."""
    if old == size:
        if whole:
            assert not path
            return old_root, old_root
        (only,) = path
        return only, only
    middle = below(size)
    if old <= middle:
        older, newer = roots_of(old, middle, path[:-1], whole, old_root)
        return older, node(newer, path[-1])
    older, newer = roots_of(old - middle, size - middle, path[:-1], False, old_root)
    return node(path[-1], older), node(path[-1], newer)


def hashes(path):
    return [bytes.fromhex(one) for one in path]


metadata = [("authorization", f"Bearer {token}")]
with grpc.insecure_channel(address) as channel:
    bills = bills_grpc.BillsStub(channel)
    ask = proof.ProofRequest(site=site, account=account, position=int(position))
    reply = bills.Proof(ask, metadata=metadata, timeout=60)
    ask.since_size = reply.size // 2
    reply = bills.Proof(ask, metadata=metadata, timeout=60)
    one, root = reply.inclusion, bytes.fromhex(reply.root)
    leaf = sha(b"\x00", one.content)
    print("leaf", leaf.hex() == one.leaf)
    print("included", root_of(leaf, one.position - 1, reply.size, hashes(one.path)) == root)
    forged = sha(b"\x00", one.content.replace(b"0", b"1", 1))
    print("forged", root_of(forged, one.position - 1, reply.size, hashes(one.path)) == root)
    grown = reply.consistency
    old_root = bytes.fromhex(grown.root)
    print("grown", roots_of(grown.size, reply.size, hashes(grown.path), True, old_root) == (old_root, root))
    print("own", account.encode() in one.content)
