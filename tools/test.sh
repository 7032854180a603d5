#!/bin/sh
# Installs what the tests need and runs them all; arguments name test files to run instead.
set -eu
cd "$(dirname "$0")/.."
sh tools/install.sh
sh tools/test-tools.sh >&2
npm run --silent build
exec node_modules/.bin/node tools/test.ts "$@"
