#!/usr/bin/env bash
# A client with curl: ask over HTTP, then follow an organization over server-sent events and come back to where it was.
#
#   BILLGRAPH_TOKEN=$(billgraph token owner@pooled.example) bash examples/curl/alerts.sh
#
# Each event's id is its cursor. Sent back as Last-Event-ID, as browsers do by themselves, it resumes the stream.
set -euo pipefail
url=${BILLGRAPH_URL:-http://127.0.0.1:8000/graphql}
slug=${BILLGRAPH_SLUG:-pooled}
authorization="Authorization: Bearer ${BILLGRAPH_TOKEN:?set it to an access token}"

ask() { curl -fsS "$url" -H "$authorization" -H 'Content-Type: application/json' -d "$1"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

answer=$(ask "{\"query\": \"{ organization(slug: \\\"$slug\\\") { id } }\"}")
organization=$(printf '%s' "$answer" | field id)
answer=$(ask "{\"query\": \"{ organization(slug: \\\"$slug\\\") { auditEvents(last: 3) { pageInfo { startCursor } } } }\"}")
cursor=$(printf '%s' "$answer" | field startCursor)

# Print the next event after a cursor: its id and what it tells.
next_event() {
    body='{"query": "subscription($o: ID!, $a: String) { organizationEvents(organizationId: $o, after: $a) { event { kind sequence } } }",'
    body="$body \"variables\": {\"o\": \"$organization\", \"a\": \"$cursor\"}}"
    # curl ends with an error of its own when the stream is left early: that is meant here.
    { curl -NsS "$url/stream" -H "$authorization" -H 'Accept: text/event-stream' -H 'Content-Type: application/json' \
        -H "Last-Event-ID: $1" -d "$body" 2>/dev/null || true; } | sed -n '/^id: /p;/^data: ./{p;q;}'
}

first=$(next_event "$cursor")
printf '%s\n' "$first" | sed -n 's/^data: /heard /p'
last=$(printf '%s\n' "$first" | sed -n 's/^id: //p')
second=$(next_event "$last")
printf '%s\n' "$second" | sed -n 's/^data: /resumed with /p'
[ -n "$second" ] && [ "$first" != "$second" ] && echo "nothing was missed"
