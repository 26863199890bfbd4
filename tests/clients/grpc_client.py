"""A client in another language, generated from the same .proto files.

usage: grpc_client.py PROTO_DIR WORK_DIR ADDRESS TOKEN SITE ACCOUNT
It watches the account, recharges it twice under one key, and prints what it saw.
"""
import importlib
import sys
from pathlib import Path

import grpc
from grpc_tools import protoc

proto, work, address, token, site, account = sys.argv[1:]
files = sorted(str(path.relative_to(proto)) for path in Path(proto).glob("tallywatt/v1/*.proto"))
assert protoc.main(["protoc", f"-I{proto}", f"--python_out={work}", f"--grpc_python_out={work}", *files]) == 0
sys.path.insert(0, work)
balance = importlib.import_module("tallywatt.v1.balance_pb2")
balance_grpc = importlib.import_module("tallywatt.v1.balance_pb2_grpc")
ledger = importlib.import_module("tallywatt.v1.ledger_pb2")
ledger_grpc = importlib.import_module("tallywatt.v1.ledger_pb2_grpc")
common = importlib.import_module("tallywatt.v1.common_pb2")

metadata = [("authorization", f"Bearer {token}")]
with grpc.insecure_channel(address) as channel:
    balances, commands = balance_grpc.BalanceStub(channel), ledger_grpc.LedgerStub(channel)
    watch = balances.Watch(balance.WatchBalanceRequest(site=site, account=account), metadata=metadata, timeout=60)
    print("first", next(watch).balance.minor)
    request = ledger.RechargeRequest(
        command=ledger.Command(site=site, idempotency_key="python-1"),
        account=account,
        amount=common.Money(minor=1250, currency="EUR"),
    )
    made = commands.Recharge(request, metadata=metadata, timeout=60)
    again = commands.Recharge(request, metadata=metadata, timeout=60)
    print("repeated", made.repeated, again.repeated, made.event == again.event)
    print("watched", next(watch).balance.minor)
    print("got", balances.Get(balance.GetBalanceRequest(site=site, account=account), metadata=metadata).balance.minor)
    request.amount.minor = 9999
    try:
        commands.Recharge(request, metadata=metadata, timeout=60)
    except grpc.RpcError as error:
        print("other", error.code().name)
    watch.cancel()
