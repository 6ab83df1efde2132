// Takes the pictures of the documents from a running demo: `make screenshots`.
import { chromium } from 'playwright-core';

const [url, folder, executablePath, operatorUrl, operatorToken] = process.argv.slice(2);
const DESKTOP = { viewport: { width: 1240, height: 800 }, deviceScaleFactor: 1.25 };
const PHONE = { viewport: { width: 390, height: 800 }, deviceScaleFactor: 1.25, isMobile: true };

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });

async function opened(options) {
  const context = await browser.newContext({ locale: 'ru-RU', timezoneId: 'Europe/Moscow', ...options });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

async function asked(options) {
  const page = await opened(options);
  await page.getByRole('button', { name: 'Заполнить примером' }).click();
  await page.getByRole('button', { name: 'Узнать цены' }).click();
  return page;
}

async function taken(page, name) {
  await page.mouse.move(0, 0);
  await page.waitForTimeout(700); // until what moves has come to rest
  await page.screenshot({ path: `${folder}/${name}.png` });
  await page.context().close();
}

async function withOffers(page, count) {
  await page.locator('.offer[data-insurer]').nth(count - 1).waitFor();
  return page;
}

async function console_(options, address) {
  const page = await (await browser.newContext({ locale: 'ru-RU', timezoneId: 'Europe/Moscow', ...options })).newPage();
  await page.goto(operatorUrl);
  await page.locator('#token').fill(operatorToken);
  await page.getByRole('button', { name: 'Войти' }).click();
  await page.locator('.tile').first().waitFor();
  await page.goto(`${operatorUrl}#/${address}`);
  return page;
}

if (operatorToken) {
  await taken(await console_({ viewport: { width: 1400, height: 1000 }, colorScheme: 'light' }, 'overview'), 'console-overview');
  await taken(await console_({ ...PHONE, viewport: { width: 360, height: 780 }, colorScheme: 'dark' }, 'insurers/sever'), 'console-phone');
}

const form = await opened({ ...DESKTOP, colorScheme: 'light' });
await form.getByRole('button', { name: 'Заполнить примером' }).click();
await taken(form, 'page-form');
await taken(await withOffers(await asked({ ...DESKTOP, colorScheme: 'light' }), 5), 'page-offers');
await taken(await withOffers(await asked({ ...PHONE, colorScheme: 'light' }), 4), 'page-phone');
await taken(await withOffers(await asked({ ...PHONE, colorScheme: 'dark' }), 4), 'page-phone-dark');
await browser.close();
