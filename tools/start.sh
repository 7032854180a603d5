#!/bin/sh
# Installs, builds and starts a development server; what follows `npm start --` goes to `signet dev`.
set -eu
cd "$(dirname "$0")/.."
sh tools/install.sh
npm run --silent build
exec ./bin/signet dev "$@"
