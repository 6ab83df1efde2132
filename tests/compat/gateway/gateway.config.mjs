// How the gateway asks: with its caller's own token, and for subscriptions as SUBSCRIPTIONS says, over HTTP or a WebSocket.
import { defineConfig } from "@graphql-hive/gateway";

const socket = { kind: "ws", options: { connectionParams: { Authorization: "{context.headers.authorization}" } } };
const subscriptions = process.env.SUBSCRIPTIONS === "ws" ? { osago: { options: { subscriptions: socket } } } : {};

export const gatewayConfig = defineConfig({
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get("authorization") ?? "" }),
  },
  transportEntries: subscriptions,
});
