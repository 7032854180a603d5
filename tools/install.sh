#!/bin/sh
# Installs the packages of the lock file, unless they are there already.
set -eu
cd "$(dirname "$0")/.."
mark=node_modules/.signet-lock
if ! cmp -s package-lock.json "$mark" 2>/dev/null; then
  npm ci --ignore-scripts --no-audit --no-fund
  cp package-lock.json "$mark"
fi
