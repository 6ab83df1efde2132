// What core-app writes into the page: where browsers reach the aggregator, and the server's moment.

export const config: { watchUrl: string; nowMs: number } = JSON.parse(document.getElementById('config')?.textContent ?? '{}');
