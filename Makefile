# What people run. A fresh machine needs Rust, Python 3 and a C compiler.
.PHONY: demo test check bench rivals soak tools

demo:
	cargo run --release -p tallywatt -- demo

# Test tools (a real nats-server, hledger, ledger, beancount) go into .tools/, nowhere else.
tools:
	@sh tests/tools.sh

test: tools
	PATH="$(CURDIR)/.tools:$(CURDIR)/.tools/bin:$$PATH" cargo test --workspace

check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

bench:
	cargo run --release -q -p tallywatt -- bench

# DuckDB and Polars on the same rating work, in a folder of their own.
rivals:
	@test -x .tools/rivals/bin/python || (python3 -m venv .tools/rivals && .tools/rivals/bin/pip install -q duckdb polars pyarrow numpy)
	@cargo build --release -q -p tallywatt
	@.tools/rivals/bin/python tests/rivals/rate.py target/release/tallywatt

# The long versions of what test runs short: 500 kills instead of 50. ROUNDS repeats them all.
ROUNDS ?= 1
soak: tools
	@for round in $$(seq $(ROUNDS)); do echo "round $$round"; \
	  TALLYWATT_SOAK=1 PATH="$(CURDIR)/.tools:$(CURDIR)/.tools/bin:$$PATH" cargo test --workspace -q || exit 1; done
