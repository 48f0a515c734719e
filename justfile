# Short names for the commands of the README and of CI.

# Start the server with the embedded model.
serve *args:
    cargo run --release -- serve {{args}}

# The command as it is released.
release:
    cargo build --locked --release -p tintype --features c2pa

# Every test that needs no tool beyond Rust.
test:
    cargo test --workspace

# What CI checks before it runs the long suites.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
    cargo deny check bans licenses sources
    cargo machete
    bash .ci/arrows

# The page in headless Chromium.
page:
    bash tests/page/run

# How smooth the page is with 100,000 pictures.
page-scroll:
    bash tests/page/scroll

# What is written into pictures, in other tools' readers.
readers:
    bash tests/readers/run

# The AWS adapters on two emulators.
aws-conformance *cases:
    bash tests/aws/conformance {{cases}}

# The whole stack: built, deployed to an emulator, driven through its public URLs, deleted.
aws-stack:
    bash tests/aws/stack

# The functions, built as they are deployed, held against an empty runtime and boto3.
aws-numbers:
    bash tests/aws/numbers

# kill -9 under load, many times.
crash cycles="200":
    TINTYPE_CRASH_CYCLES={{cycles}} cargo test --release --workspace --test crash -- --nocapture

# Ratios against the floor, in one run.
bench *args:
    cargo run --release -p tintype-bench -- {{args}}
