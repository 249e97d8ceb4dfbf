#!/bin/sh
# Publishes a message into a room and reads the newest messages there, with curl.
#
#   CHAT_URL=http://localhost:8000 CHATD_API_KEY=… docs/examples/api/publish.sh
#
# curl repeats the request after a status that may pass (408, 429, 500, 502 to 504) and when no answer comes in time, but not when it
# cannot connect. The id makes that harmless: the message is stored once. The key comes from the environment and goes to curl by its input, so that it is in no list of processes.
set -eu
: "${CHAT_URL:=http://localhost:8000}"
messages="$CHAT_URL/api/v1/rooms/orders/messages"

call() {
  printf 'header = "Authorization: Bearer %s"\n' "$CHATD_API_KEY" |
    curl --config - --silent --show-error --fail-with-body --max-time 20 --retry 3 "$@"
}

call --header 'Content-Type: application/json' \
  --data '{ "message": "Order 7 is on its way", "id": "order-7-sent", "user": { "id": "42", "name": "Shop" } }' "$messages"
call "$messages?limit=10"
