#!/bin/sh
# Asks for quotes with curl alone, then looks every second until the end: OSAGO_TOKEN=… sh examples/curl.sh
set -eu
url=${OSAGO_URL:-http://127.0.0.1:8000/graphql}
token=${OSAGO_TOKEN:?is not set: the demo prints one, and so does \`osago token\`}
starts_on=$(date -d '+10 days' +%F 2>/dev/null || date -v+10d +%F) # GNU's date, or BSD's
given_at=$(date -u +%FT%TZ)
application=$(sed -e "1s/{/{ \"startsOn\": \"$starts_on\",/" -e "s/\"consent\": {/&\"givenAt\": \"$given_at\",/" "$(dirname "$0")/application.json")

ask() { # a GraphQL request on standard input
  curl --silent --show-error --max-time 10 "$url" \
    --header "Authorization: Bearer $token" --header 'Content-Type: application/json' --data-binary @-
}

created=$(ask <<END
{"query": "mutation (\$input: CreateQuoteRequestInput!) { createQuoteRequest(input: \$input) { __typename ... on QuoteRequestAccepted { quoteRequest { id } } ... on InvalidApplication { problems { path code message } } ... on RateLimited { retryAfterSeconds } } }",
 "variables": {"input": {"customerId": "customer-42", "clientReference": "curl-$(date +%s)-$$", "application": $application}}}
END
)
id=$(printf %s "$created" | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
[ -n "$id" ] || { printf '%s\n' "$created" >&2; exit 1; }

while :; do
  answer=$(ask <<END
{"query": "query (\$id: ID!) { quoteRequest(id: \$id) { status progress { answered total } bestQuote { insurer { name } offer { premium { amount currency } } } } }",
 "variables": {"id": "$id"}}
END
  )
  printf '%s\n' "$answer"
  case $answer in *'"status":"COLLECTING"'*) sleep 1 ;; *) break ;; esac
done
