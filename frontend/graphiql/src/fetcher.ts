/** Sends what GraphiQL runs: subscriptions over a WebSocket, the rest by POST. */
import type { Fetcher } from '@graphiql/toolkit';
import { getOperationAST, parse } from 'graphql';

import { failure, post } from './http';
import { fillIn, NothingCreated, remember, type Variables } from './lastCreated';
import type { Request } from './request';
import { subscribe } from './subscription';

export function createFetcher(url: string): Fetcher {
  const fetcher = async (params: Omit<Request, 'headers'>, options?: { headers?: Request['headers'] }) => {
    let variables: Variables | undefined;
    try {
      variables = fillIn(params.variables);
    } catch (error) {
      if (error instanceof NothingCreated) return failure(error.message);
      throw error;
    }
    const request = { ...params, variables, headers: options?.headers ?? {} };
    return isSubscription(request) ? subscribe(url, request) : run(url, request);
  };
  return fetcher as Fetcher; // GraphiQL's type names every shape of an observable and of incremental delivery
}

async function run(url: string, request: Request) {
  const result = await post(url, request);
  remember(result.data);
  return result;
}

function isSubscription({ query, operationName }: Request): boolean {
  try {
    return getOperationAST(parse(query), operationName)?.operation === 'subscription';
  } catch {
    return false; // the server's answer explains a syntax error best
  }
}
