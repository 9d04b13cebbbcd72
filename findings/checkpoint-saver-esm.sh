#!/usr/bin/env bash
# What: @rwai/langgraphjs-checkpoint-dynamodb 0.1.6, a checkpoint saver for LangGraph.
# Seen: its "exports" name an ESM build, whose files import each other without ".js", under a package.json that does not say
#       "type": "module". So `require` gives the class, and `import` of the same package ends with ERR_MODULE_NOT_FOUND.
# Guess that misses: that a package which has both builds loads by both words. Only bundlers load this one's ESM build.
# Needs: Node.js 20 or newer, npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts @rwai/langgraphjs-checkpoint-dynamodb@0.1.6

cat > required.cjs <<'JS'
console.log("require:", Object.keys(require("@rwai/langgraphjs-checkpoint-dynamodb")).join(" "));
JS
cat > imported.mjs <<'JS'
const seen = import("@rwai/langgraphjs-checkpoint-dynamodb").then((module) => Object.keys(module).join(" "), (error) => error.code);
console.log("import:", await seen);
JS
seen=$(node required.cjs 2>/dev/null; node imported.mjs 2>/dev/null)
echo "$seen"
expected='require: DynamoDBSaver
import: ERR_MODULE_NOT_FOUND'
if [ "$seen" != "$expected" ]; then
  echo "this is no longer what was seen; it was:"
  echo "$expected"
  exit 1
fi
echo "as it was seen"
