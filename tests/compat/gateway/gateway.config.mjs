// How the gateway asks: with its caller's own token, and for subscriptions as SUBSCRIPTIONS says, over HTTP or a WebSocket.
import { defineConfig } from "@graphql-hive/gateway";

// It would come back by itself, with the cursor that the subscription began with: events would be repeated.
const retryAttempts = 0;
const connectionParams = { Authorization: "{context.headers.authorization}" };
const socket = { kind: "ws", options: { connectionParams, retryAttempts } };
const subscriptions = process.env.SUBSCRIPTIONS === "ws" ? { osago: { options: { subscriptions: socket } } } : {};

export const gatewayConfig = defineConfig({
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get("authorization") ?? "" }),
  },
  transportEntries: subscriptions,
});
