// Queries, mutates and watches by the ids of trusted documents: `node trusted.mjs CLIENT URL TOKEN INPUT`, one of Apollo's or Relay's.
// Prints the insurers, the ways that it watched, and each event of each of them, as lines of JSON.
import { readFile } from "node:fs/promises";
import { WebSocket } from "ws";

const [name, url, token, input] = process.argv.slice(2);
const variables = { input: JSON.parse(input) };
const show = (value) => console.log(JSON.stringify(value));
const socketClient = async (watchToken) => {
  const { createClient } = await import("graphql-ws");
  const socketUrl = `${url.replace(/^http/, "ws")}/graphql`;
  return createClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { token: watchToken }, retryAttempts: 0 });
};

const clients = {
  /** Over a socket, and over HTTP as parts of a document. */
  async apollo() {
    const { ApolloClient, ApolloLink, HttpLink, InMemoryCache } = await import("@apollo/client");
    const { PersistedQueryLink } = await import("@apollo/client/link/persisted-queries");
    const { GraphQLWsLink } = await import("@apollo/client/link/subscriptions");
    const { generatePersistedQueryIdsFromManifest } = await import("@apollo/persisted-query-lists");
    const { ASK, INSURERS, WATCH } = await import("./trusted/apollo/operations.js");
    const loadManifest = async () => JSON.parse(await readFile("trusted/apollo.json", "utf8"));
    const over = (link) =>
      new ApolloClient({
        link: ApolloLink.from([new PersistedQueryLink(generatePersistedQueryIdsFromManifest({ loadManifest })), link]),
        cache: new InMemoryCache(),
      });
    const http = (bearer) => new HttpLink({ uri: `${url}/graphql`, headers: { authorization: `Bearer ${bearer}` } });
    const client = over(http(token));
    show((await client.query({ query: INSURERS })).data.insurers);
    const { createQuoteRequest: accepted } = (await client.mutate({ mutation: ASK, variables })).data;
    const requestId = accepted.quoteRequest.id;
    const socket = await socketClient(accepted.watchToken);
    for (const link of [new GraphQLWsLink(socket), http(accepted.watchToken)]) {
      await new Promise((complete, error) =>
        over(link)
          .subscribe({ query: WATCH, variables: { requestId }, fetchPolicy: "no-cache" })
          .subscribe({ next: (result) => (result.error ? error(result.error) : show(result.data.quotes)), complete, error }),
      );
    }
    await socket.dispose();
  },

  /** Over a socket; the artifacts have ids and no texts. */
  async relay() {
    const relay = (await import("relay-runtime")).default;
    const artifact = async (of) => (await import(`./trusted/relay/__generated__/trusted${of}.graphql.js`)).default;
    const fetchById = async ({ id }, variables) => {
      const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
      const body = JSON.stringify({ doc_id: id, variables });
      return (await fetch(`${url}/graphql`, { method: "POST", headers, body })).json();
    };
    let socket;
    // graphql-ws wants a text.
    const subscribe = ({ id }, variables) =>
      relay.Observable.create((sink) => socket.subscribe({ doc_id: id, query: "", variables }, sink));
    const environment = new relay.Environment({
      network: relay.Network.create(fetchById, subscribe),
      store: new relay.Store(new relay.RecordSource()),
    });
    show((await relay.fetchQuery(environment, await artifact("InsurersQuery"), {}).toPromise()).insurers);
    const mutation = await artifact("AskMutation");
    const { createQuoteRequest: accepted } = await new Promise((onCompleted, onError) =>
      relay.commitMutation(environment, { mutation, variables, onCompleted, onError }),
    );
    socket = await socketClient(accepted.watchToken);
    const subscription = await artifact("WatchSubscription");
    await new Promise((onCompleted, onError) =>
      relay.requestSubscription(environment, {
        subscription,
        variables: { requestId: accepted.quoteRequest.id },
        onNext: ({ quotes }) => show(quotes),
        onCompleted,
        onError,
      }),
    );
    await socket.dispose();
  },
};

await clients[name]();
