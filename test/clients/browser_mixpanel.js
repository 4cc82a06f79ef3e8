// mixpanel-browser in headless Chromium: several configurations in fresh pages of one origin, sending to another origin.
// Prints {"problems": [...], "requests": [...]}: console errors, failed requests, and what was asked of the server.
const { chromium } = require("playwright-core");

const { PAGE_URL, BULKHEAD_URL, BULKHEAD_TOKEN, CHROMIUM } = process.env;

const plans = [
  { name: "xhr", transport: "XHR", method: "POST", batch: false },
  { name: "get", transport: "XHR", method: "GET", batch: false },
  { name: "beacon", transport: "sendBeacon", method: "POST", batch: false },
  { name: "batch", transport: "XHR", method: "POST", batch: true },   // leaves the page with a full queue: beacons on unload
];

async function runPlan(browser, plan, report) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const note = (text) => report.problems.push(`${plan.name}: ${text}`);
  page.on("pageerror", (error) => note(error.message));
  page.on("console", (message) => { if (message.type() === "error") note(message.text()); });
  page.on("requestfailed", (request) => {
    if (request.url().startsWith(BULKHEAD_URL) && request.failure().errorText !== "net::ERR_ABORTED") {
      note(`${request.method()} failed: ${request.failure().errorText}`);
    }
  });
  page.on("response", (response) => {
    if (!response.url().startsWith(BULKHEAD_URL)) return;
    const path = new URL(response.url()).pathname;
    report.requests.push(`${plan.name} ${response.request().method()} ${path} ${response.status()}`);
    if (response.status() >= 400) note(`${path}: ${response.status()}`);
  });
  await page.goto(PAGE_URL);
  const settings = { ...plan, token: BULKHEAD_TOKEN, host: BULKHEAD_URL, flush_ms: 1500 };
  await page.evaluate((p) => runClient(p), settings);
  await page.waitForTimeout(500);
  await page.goto(PAGE_URL + "?left=1");
  await page.waitForTimeout(300);
  if (plan.batch) {  // what of the queues an unload leaves in localStorage, the next page view sends (two intervals later)
    await page.evaluate((p) => startClient(p), { ...settings, flush_ms: 300 });
    await page.waitForTimeout(4000);
  }
  await context.close();
}

async function main() {
  const report = { problems: [], requests: [] };
  const browser = await chromium.launch({
    executablePath: CHROMIUM, headless: true,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
      "--no-first-run", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"],
  });
  try {
    for (const plan of plans) await runPlan(browser, plan, report);
  } finally {
    await browser.close();
  }
  console.log(JSON.stringify(report));
}

main().catch((error) => { console.error(error); process.exit(1); });
