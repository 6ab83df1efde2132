// What core-app writes into the page: where browsers reach the aggregator.

export const config: { watchUrl: string } = JSON.parse(document.getElementById('config')?.textContent ?? '{}');
