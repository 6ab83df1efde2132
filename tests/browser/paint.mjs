// Signs in to a console and opens its overview anew, several times: for each a line with the milliseconds from the address to its last
// insurer's row. Then `open`, and the page stays open until stdin ends. Node and Chromium: `node paint.mjs CHROMIUM URL TOKEN ROWS ROUNDS`.
import { chromium } from 'playwright-core';

const [executablePath, url, token, rows, rounds] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const page = await (await browser.newContext({ locale: 'ru-RU', viewport: { width: 1400, height: 900 } })).newPage();
await page.goto(url);
await page.locator('#token').fill(token);
await page.getByRole('button', { name: 'Войти' }).click();
const last = page.locator('tbody tr').nth(Number(rows) - 1);
await last.waitFor();
for (let round = 0; round < Number(rounds); round += 1) {
  await page.reload();
  await last.waitFor();
  console.log(await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now())))));
}
console.log('open');
process.stdin.on('end', () => browser.close()).resume();
