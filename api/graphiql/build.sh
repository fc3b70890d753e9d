#!/bin/sh
# Build GraphiQL into the ignored folder api/static/graphiql, once for each lock file. Without npm, or without a
# registry, the server shows its own small query page instead, so a failure here is a remark and not an error.
set -eu
cd "$(dirname "$0")"
stamp=../static/graphiql/.lock-hash
hash=$(cat package-lock.json build.mjs src/* ../../examples/graphql/*.graphql ../../examples/graphql/*.json | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$hash" ]; then exit 0; fi
if ! command -v npm >/dev/null 2>&1; then
    echo "· npm is not here: the query page will be our own small one"
    exit 0
fi
echo "· building GraphiQL from its pinned npm packages"
if npm ci --silent --no-audit --no-fund --ignore-scripts >/dev/null 2>&1 && npm run --silent build; then
    printf '%s' "$hash" > "$stamp"
else
    echo "· GraphiQL could not be built: the query page will be our own small one"
fi
