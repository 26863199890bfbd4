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

# The tests again and again until one fails or ROUNDS are done.
ROUNDS ?= 20
soak: tools
	@for round in $$(seq $(ROUNDS)); do echo "round $$round"; \
	  PATH="$(CURDIR)/.tools:$(CURDIR)/.tools/bin:$$PATH" cargo test --workspace -q || exit 1; done
