# Builds the native module for one target inside of a container of node-release.yml: manylinux or Alpine, as root.
#
#   docker run --rm --volume "$PWD:/source" --workdir /source/crates/node IMAGE sh scripts/container.sh TARGET
set -eu
target=$1
if command -v apk >/dev/null; then
  apk add --no-cache gcc musl-dev make cmake perl linux-headers nodejs npm
  # Node.js for musl loads shared libraries only.
  export RUSTFLAGS="-C target-feature=-crt-static"
else
  dnf --assumeyes module enable nodejs:20
  dnf --assumeyes install nodejs npm
  curl --proto '=https' --tlsv1.2 --silent --show-error --fail https://sh.rustup.rs | sh -s -- -y --profile minimal --default-toolchain none
  export PATH="$HOME/.cargo/bin:$PATH"
fi
rustup target add "$target"
npm ci --ignore-scripts --no-audit --no-fund
npm run build -- --target "$target"
node scripts/try.mjs
