/** Queries, mutations and introspection: one POST each. Every failure is returned as a GraphQL error to read. */
import type { ExecutionResult } from 'graphql';

import type { Request } from './request';

const SHOWN_CHARACTERS_MAX = 500;

export async function post(url: string, request: Request): Promise<ExecutionResult> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json;q=0.9',
        ...request.headers,
      },
      body: JSON.stringify({
        query: request.query,
        variables: request.variables,
        operationName: request.operationName,
      }),
    });
  } catch (error) {
    return failure(`The server could not be reached: ${(error as Error).message}`);
  }
  const text = await response.text();
  try {
    return JSON.parse(text) as ExecutionResult;
  } catch {
    return failure(`HTTP ${response.status} ${response.statusText}: ${text.slice(0, SHOWN_CHARACTERS_MAX)}`);
  }
}

export function failure(message: string): ExecutionResult {
  return { errors: [{ message }] } as unknown as ExecutionResult;
}
