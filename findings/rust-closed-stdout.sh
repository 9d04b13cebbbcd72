#!/usr/bin/env bash
# What: Rust 1.95.0's standard library on Linux.
# Seen: a program whose standard output is closed before it starts (`>&-`) writes into nothing and is told that all went well:
#       write_all and flush give Ok. Before `main`, each closed descriptor of the three is opened as /dev/null, readable and
#       writable, so that not even the descriptor is missing. On a full device the same calls fail as they should.
# Guess that misses: that a program which checks what write_all gives notices every output that was lost.
# Needs: rustc. Nothing is installed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > look.rs <<'RS'
use std::io::Write;

fn main() {
    let outcome = std::io::stdout().write_all(b"an item\n").and_then(|()| std::io::stdout().flush());
    let device = std::fs::read_link("/proc/self/fd/1");
    let device = device.map_or_else(|_| "nothing".to_owned(), |path| path.display().to_string());
    eprintln!("{} to {device}", if outcome.is_ok() { "written" } else { "failed" });
}
RS
rustc --edition 2024 -o look look.rs
seen=$(
  ./look 2>&1 >&-
  ./look 2>&1 >/dev/full
)
echo "$seen"
expected='written to /dev/null
failed to /dev/full'
if [ "$seen" != "$expected" ]; then
  echo "this is no longer what was seen; it was:"
  echo "$expected"
  exit 1
fi
echo "as it was seen"
