// Watches a request to its end with a third-party client: `node subscribe.mjs CLIENT URL REQUEST_ID TOKEN`.
// Prints each event as a line of JSON. After any break it goes on from its last cursor.
import { WebSocket } from "ws";

const [name, url, requestId, token] = process.argv.slice(2);
const socketUrl = `${url.replace(/^http/, "ws")}/graphql`;
const WATCH = `subscription Watch($requestId: ID!, $after: String) { quotes(requestId: $requestId, after: $after) {
  __typename
  ... on QuoteReceived { cursor quote { insurer { id } status } }
  ... on QuotesCompleted { cursor outcome } } }`;
const PAUSE_MS = 100;
globalThis.WebSocket ??= WebSocket; // Apollo's link looks at the browser's; Node.js has one from 22 on

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
const variables = { requestId, after: null };
const show = (event) => {
  variables.after = event.cursor;
  console.log(JSON.stringify(event));
};
const socketClient = async (options) => {
  const { createClient } = await import("graphql-ws");
  return createClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { token }, ...options });
};

/** Subscribes anew, with the last cursor, until the server says that there is no more to come. */
async function untilComplete(subscribe) {
  for (;;) {
    try {
      return await new Promise((complete, error) => subscribe({ next: show, complete, error }));
    } catch {
      await pause();
    }
  }
}

const relayRuntime = async () => (await import("relay-runtime")).default;
/** Relay's environment has one, too; a subscription never calls it. */
const fetchQuery = () => {
  throw new Error("there is no query here");
};

const clients = {
  /** It comes back by itself, with the variables as they are by then. */
  async "graphql-ws"() {
    const client = await socketClient({ retryAttempts: 60, shouldRetry: () => true });
    await new Promise((complete, error) => {
      client.subscribe({ query: WATCH, variables }, { next: ({ data }) => show(data.quotes), complete, error });
    });
    await client.dispose();
  },

  async apollo() {
    const { ApolloClient, InMemoryCache, gql } = await import("@apollo/client");
    const { GraphQLWsLink } = await import("@apollo/client/link/subscriptions");
    const socket = await socketClient({ retryAttempts: 0 });
    const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });
    const query = gql(WATCH);
    await untilComplete(({ next, complete, error }) =>
      client.subscribe({ query, variables: { ...variables }, fetchPolicy: "no-cache" }).subscribe({
        next: (result) => (result.error ? error(result.error) : next(result.data.quotes)),
        complete,
        error,
      }),
    );
    await socket.dispose();
  },

  /** Subscriptions over HTTP, as parts of a document: `HttpLink` asks for them by itself. */
  async "apollo-multipart"() {
    const { ApolloClient, HttpLink, InMemoryCache, gql } = await import("@apollo/client");
    const link = new HttpLink({ uri: `${url}/graphql`, headers: { authorization: `Bearer ${token}` } });
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const query = gql(WATCH);
    let isOver = false;
    await untilComplete(({ next, complete, error }) =>
      client.subscribe({ query, variables: { ...variables }, fetchPolicy: "no-cache" }).subscribe({
        next: (result) => {
          if (result.error) return error(result.error);
          next(result.data.quotes);
          isOver = result.data.quotes.__typename === "QuotesCompleted";
        },
        // A connection that breaks off looks like one that has ended.
        complete: () => (isOver ? complete() : error(new Error("broken off"))),
        error,
      }),
    );
  },

  /** Distinct connections, as events; it comes back with the variables as they are by then. */
  async "graphql-sse"() {
    const { createClient } = await import("graphql-sse");
    const headers = { authorization: `Bearer ${token}` };
    const client = createClient({ url: `${url}/graphql`, headers, retryAttempts: 60, retry: () => pause() });
    await new Promise((complete, error) => {
      client.subscribe({ query: WATCH, variables }, { next: ({ data }) => show(data.quotes), complete, error });
    });
    client.dispose();
  },

  async urql() {
    const { Client, gql, subscriptionExchange } = await import("@urql/core");
    const socket = await socketClient({ retryAttempts: 0 });
    const forwardSubscription = ({ query, variables }) => ({
      subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
    });
    const client = new Client({ url: `${url}/graphql`, exchanges: [subscriptionExchange({ forwardSubscription })] });
    const { onEnd, onPush, pipe, publish } = await import("wonka");
    await untilComplete(({ next, complete, error }) =>
      pipe(
        client.subscription(gql(WATCH), { ...variables }),
        // When the stream ends, urql repeats the last result with `hasNext: false`.
        onPush(({ data, error: failure, hasNext }) => {
          if (failure) error(failure);
          else if (hasNext) next(data.quotes);
        }),
        onEnd(complete),
        publish,
      ),
    );
    await socket.dispose();
  },

  /** Over a socket; the artifact is what `relay-compiler` makes of relay/watch.js. */
  async relay() {
    const { Environment, Network, Observable, RecordSource, Store, requestSubscription } = await relayRuntime();
    const { default: subscription } = await import("./relay/__generated__/watchSubscription.graphql.js");
    const socket = await socketClient({ retryAttempts: 0 });
    const subscribe = ({ text: query }, variables) =>
      Observable.create((sink) => socket.subscribe({ query, variables }, sink));
    const environment = new Environment({
      network: Network.create(fetchQuery, subscribe),
      store: new Store(new RecordSource()),
    });
    await untilComplete(({ next, complete, error }) =>
      requestSubscription(environment, {
        subscription,
        variables: { ...variables },
        onNext: ({ quotes }) => next(quotes),
        onCompleted: complete,
        onError: error,
      }),
    );
    await socket.dispose();
  },

  /** The REST face's event stream: `Last-Event-ID` is the client's own business. */
  async eventsource() {
    const { EventSource } = await import("eventsource");
    const headers = { Authorization: `Bearer ${token}` };
    const source = new EventSource(`${url}/osago/quotes/${requestId}/events`, {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
    });
    await new Promise((complete, error) => {
      for (const type of ["QuoteReceived", "QuotesCompleted"]) {
        source.addEventListener(type, ({ data }) => show({ __typename: type, ...JSON.parse(data) }));
      }
      // After the end it comes back once more, and 204 makes it stop.
      source.addEventListener("error", ({ code }) => {
        if (source.readyState === EventSource.CLOSED) code === 204 ? complete() : error(new Error(`closed: ${code}`));
      });
    });
  },
};

await clients[name]();
