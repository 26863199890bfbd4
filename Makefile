# What people run. A fresh machine needs Rust, Python 3 and a C compiler.
.PHONY: demo test check bench soak tools

demo:
	cargo run --release -q -p tallywatt -- demo

# Test tools (a real nats-server) go into .tools/, nowhere else.
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

# The long versions of what test runs short: 500 kills instead of 50. ROUNDS repeats them all.
ROUNDS ?= 1
soak: tools
	@for round in $$(seq $(ROUNDS)); do echo "round $$round"; \
	  TALLYWATT_SOAK=1 PATH="$(CURDIR)/.tools:$(CURDIR)/.tools/bin:$$PATH" cargo test --workspace -q || exit 1; done
